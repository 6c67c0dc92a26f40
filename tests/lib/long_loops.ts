/** What programs do over and over for days: one turn of it, in both lanes, must leave nothing behind. */
import {
  all,
  cancelScope,
  Event,
  group,
  joinAll,
  Lock,
  moveOnAfter,
  Queue,
  race,
  run,
  sleep,
  spawn,
  type TaskBody,
  wait,
  waitFirst,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { growthOf } from "./heap.ts";

/** A loop of so many turns, as a body of either lane. */
export interface LongLoop {
  /** What a turn is. */
  readonly name: string;
  /** Whether time is part of it, so that the virtual clock must stand for the machine's. */
  readonly timed?: boolean;
  /** The body in the fast lane. */
  fast(turns: number): TaskBody<[], void>;
  /** The body in the async lane. */
  async(turns: number): TaskBody<[], void>;
}

const never = new Promise<never>(() => {});
const settled = Promise.resolve(1);
const noop = function* (): Generator<unknown, void, never> {};

/** Makes the loop of a turn that is one operation, made anew each time. */
function looped(name: string, turn: (i: number) => PromiseLike<unknown>, timed = false): LongLoop {
  type Turn = Iterable<unknown, unknown, unknown> & AsyncIterable<unknown, unknown, unknown>;
  return {
    name,
    timed,
    fast: (turns) =>
      function* () {
        for (let i = 0; i < turns; i++) yield* turn(i) as unknown as Turn;
      },
    async: (turns) =>
      async function* () {
        for (let i = 0; i < turns; i++) yield* turn(i) as unknown as Turn;
      },
  };
}

const event = new Event();
const empty = new Queue<number>(1);
const lock = new Lock();
const waiter = function* (): Generator<unknown, void, never> {
  yield* event.wait();
};
const { signal } = new AbortController();

/** Loops around promises. */
export const promiseLoops: readonly LongLoop[] = [
  looped("race beside a promise that never settles", (i) => race([never, Promise.resolve(i)])),
  looped(
    "race beside a function that gives a promise that never settles",
    (i) => race([wait(() => never), Promise.resolve(i)]),
  ),
  looped("wait with a signal that never aborts", (i) => wait(Promise.resolve(i), { signal })),
  looped(
    "a deadline around a promise that never settles",
    (i) => withTimeout(1000, race([never, Promise.resolve(i)])),
  ),
  looped("wait for a promise that has settled", () => wait(settled)),
  looped(
    "all with a promise that never settles and one that fails",
    (i) =>
      moveOnAfter(1000, function* () {
        try {
          yield* all([never, Promise.reject(i)]);
        } catch (error) {
          if (error !== i) throw error;
        }
      }),
  ),
];

/** Loops around combinators. */
export const combinatorLoops: readonly LongLoop[] = [
  looped("race of operations", () => race([empty.get(), event.wait(), sleep(0)]), true),
  looped("race of bodies", () => race([noop, waiter])),
  looped("withTimeout", () => withTimeout(1000, noop)),
  looped("withTimeout around a lock", () =>
    withTimeout(1000, function* () {
      using _guard = yield* lock.acquire();
    })),
  looped("moveOnAfter that expires", () => moveOnAfter(1, event.wait()), true),
  looped("cancelScope", () => cancelScope({ timeout: 1000 }, noop)),
  looped("waitFirst of tasks", () => waitFirst([spawn(noop), spawn(noop)])),
  looped("waitFirst beside a wait that stays", () => waitFirst([spawn(noop), event.wait()])),
  looped("joinAll with a timeout", () => joinAll([spawn(noop)], { timeout: 1000 })),
  looped("group with a child", () =>
    group(function* (g) {
      g.spawn(noop);
    })),
  looped("group without a child", () => group(noop)),
  looped("group that is cancelled", () =>
    group(function* (g) {
      g.spawn(waiter);
      yield;
      g.cancel();
    })),
];

/**
 * How many bytes so many turns of each of these leave behind, once as many have gone before: tables have their
 * size by then.
 */
export async function leftBehind(
  loops: readonly LongLoop[],
  lane: "fast" | "async",
  turns: number,
): Promise<number> {
  const pass = async (): Promise<void> => {
    for (const loop of loops) {
      await run(loop[lane](turns), loop.timed === true ? { clock: new VirtualClock() } : {});
    }
  };
  await pass();
  return await growthOf(pass);
}

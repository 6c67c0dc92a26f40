/**
 * Effection's side of the benchmark. It has no `sleep(0)` that is cheap (that is a `setTimeout`); its
 * cheapest point at which others may run is an operation that is resolved at once.
 *
 *     deno run -A tests/bench/peers/effection_peer.ts WORK N
 */
import {
  action,
  all,
  createQueue,
  type Operation,
  type Queue,
  run,
  sleep,
  spawn,
  type Task,
} from "effection";
import { CROWD, main, nap, PRODUCERS } from "./common.ts";

/** An action that resolves at once. */
function turn(): Operation<void> {
  return action<void>((resolve) => {
    resolve();
    return () => {};
  });
}

function* cede(n: number): Operation<void> {
  for (let i = 0; i < n; i++) yield* turn();
}

/** Two tasks send one item to and fro through two queues; these have no bound. */
function* pingPong(n: number): Operation<void> {
  const here = createQueue<number, void>();
  const there = createQueue<number, void>();
  here.add(0);
  yield* all([play(here, there, n / 2), play(there, here, n / 2)]);
}

function* play(
  mine: Queue<number, void>,
  other: Queue<number, void>,
  rounds: number,
): Operation<void> {
  for (let i = 0; i < rounds; i++) {
    yield* mine.next();
    other.add(i);
  }
}

/** Many producers, one consumer, a queue without a bound. */
function* fanIn(n: number): Operation<void> {
  const queue = createQueue<number, void>();
  for (let p = 0; p < PRODUCERS; p++) {
    yield* spawn(function* () {
      for (let i = 0; i < n / PRODUCERS; i++) {
        queue.add(i);
        yield* turn();
      }
    });
  }
  for (let i = 0; i < n; i++) yield* queue.next();
}

await main({
  speeds: {
    "cede": (n) => run(() => cede(n)),
    "cede-crowd": (n) => run(() => all(Array.from({ length: CROWD }, () => cede(n / CROWD)))),
    "queue": (n) => run(() => pingPong(n)),
    "fan-in": (n) => run(() => fanIn(n)),
    "spawn": (n) =>
      run(function* () {
        for (let i = 0; i < n; i++) yield* (yield* spawn(function* () {}));
      }),
    "sleepers": (n) =>
      run(function* () {
        const tasks: Task<void>[] = [];
        for (let i = 0; i < n; i++) tasks.push(yield* spawn(() => sleep(nap(i))));
        for (const task of tasks) yield* task;
      }),
  },
});

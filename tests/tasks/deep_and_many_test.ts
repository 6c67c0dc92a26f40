/** What adds up: thousands of waits, of children that fail, of scopes within scopes. */
import { assert, assertEquals } from "@std/assert";
import {
  all,
  Event,
  group,
  type GroupError,
  joinAll,
  Queue,
  race,
  run,
  sleep,
  spawn,
  type Task,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { costOf } from "../lib/cpu_time.ts";
import { law } from "../lib/law.ts";

/** A square would take minutes of processor time. */
const SOON_MS = 8_000;
const MANY = 20_000;
const DEEP = 3_000;

async function soon(body: () => Promise<unknown>): Promise<void> {
  const ms = await costOf(body);
  assert(ms < SOON_MS, `it took ${ms} ms of processor time`);
}

law(
  "Twenty thousand waits in one task end, or are cancelled, in linear time",
  () =>
    soon(() =>
      run(async function* () {
        const [event, queue] = [new Event(), new Queue<number>()];
        const waits = Promise.all(Array.from({ length: MANY }, () => event.wait()));
        spawn(function* () {
          event.set();
        });
        assertEquals((await waits).length, MANY);
        const gets = spawn(async function* () {
          await Promise.all(Array.from({ length: MANY }, () => queue.get()));
        });
        const works = spawn(function* () {
          yield* all(Array.from({ length: MANY }, () => queue.get()));
        });
        const races = spawn(function* () {
          yield* race(Array.from({ length: MANY }, () => queue.get()));
        });
        yield* sleep(1);
        for (const task of [gets, works, races]) yield* task.cancel();
        assertEquals([queue.statistics().getting, gets.cancelled], [0, true]);
      })
    ),
  60_000,
);

law(
  "Thousands of children that fail as they are cancelled take linear time",
  () =>
    soon(() =>
      run(function* () {
        const failing = function* () {
          try {
            yield* sleep(1e6);
          } catch {
            throw new Error("clean-up");
          }
        };
        try {
          yield* group(function* (g) {
            for (let i = 0; i < MANY; i++) g.spawn(failing);
            yield* sleep(1);
            throw new Error("body");
          });
        } catch (error) {
          assertEquals((error as GroupError).errors.length, MANY + 1);
        }
      })
    ),
  60_000,
);

law(
  "A cancel goes down through thousands of groups in children",
  () =>
    soon(() =>
      run(function* () {
        for (const nest of [nestFast, nestAsync]) {
          const task = spawn(nest, DEEP);
          yield* sleep(50_000);
          yield* task.cancel();
          assert(task.cancelled);
        }
      }, { clock: new VirtualClock() })
    ),
  60_000,
);

function* nestFast(depth: number): Generator<unknown, void, never> {
  if (depth === 0) return yield* sleep(1e9) as Iterable<unknown, void, never>;
  yield* group(function* (g) {
    g.spawn(nestFast, depth - 1);
  }) as unknown as Iterable<unknown, void, never>;
}

async function* nestAsync(depth: number): AsyncGenerator<unknown, void, never> {
  if (depth === 0) return yield* sleep(1e9) as AsyncIterable<unknown, void, never>;
  yield* group(async function* (g) {
    g.spawn(nestAsync, depth - 1);
    yield* sleep(1e9);
  }) as unknown as AsyncIterable<unknown, void, never>;
}

law(
  "Thousands of deadlines and groups within one another do not exhaust the stack in async code",
  () =>
    soon(() =>
      run(async function* () {
        const deep = (depth: number): () => AsyncGenerator<unknown, void, unknown> =>
          async function* () {
            if (depth === 0) yield* sleep(10);
            else if (depth % 2 === 0) yield* withTimeout(1e6, deep(depth - 1));
            else yield* group(deep(depth - 1));
          };
        yield* deep(2_000)();
        const task: Task = spawn(deep(2_000));
        yield* sleep(5);
        yield* task.cancel();
        assert(task.cancelled);
        yield* joinAll([task]);
      }, { clock: new VirtualClock() })
    ),
  60_000,
);

law(
  "Three thousand scopes nested in one function* run, and are cancelled from outside",
  async () => {
    let depth = 0;
    const nested = function* (level: number): Generator<unknown, number, unknown> {
      depth = Math.max(depth, level);
      if (level === DEEP) {
        yield* sleep(1);
        return 0;
      }
      const inner = level % 2 === 0 ? withTimeout(60_000, nested(level + 1)) : group(function* () {
        return yield* nested(level + 1);
      });
      return 1 + (yield* inner);
    };
    await run(function* () {
      assertEquals(yield* nested(0), DEEP);
      const task = spawn(nested, 0);
      depth = 0;
      while (depth < DEEP) yield;
      task.cancel();
      yield* task.join();
      assert(task.cancelled);
    });
  },
);

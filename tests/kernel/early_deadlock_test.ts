/** A circle of waits is told while other work goes on, in every way of waiting, and at a cost that stays. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Lock, moveOnAfter, run, sleep, spawn } from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { costsBehind } from "../lib/circle.ts";
import { law } from "../lib/law.ts";

type Take = (
  lock: Lock,
) => AsyncGenerator<unknown, Disposable, unknown> | Generator<unknown, Disposable, unknown>;

const WAYS: Record<string, Take> = {
  "yield* in async function*": async function* (lock) {
    return yield* lock.acquire();
  },
  "await": async function* (lock) {
    return await lock.acquire();
  },
  "yield in async function*": async function* (lock) {
    return (yield lock.acquire()) as Disposable;
  },
  "Promise.all of one": async function* (lock) {
    return (await Promise.all([lock.acquire()]))[0];
  },
  "yield* in function*": function* (lock) {
    return yield* lock.acquire();
  },
};

/** Runs two tasks that take two locks crosswise beside one that goes on for a second, and gives the warnings. */
async function crossed(one: Take, two: Take): Promise<string[]> {
  const told: string[] = [];
  await run(async function* () {
    const locks = [new Lock("A"), new Lock("B")] as const;
    const body = async function* (first: Lock, second: Lock, take: Take) {
      using _first = yield* first.acquire();
      yield* sleep(1);
      using _second = yield* take(second) as AsyncIterable<unknown, Disposable, unknown>;
    };
    const tasks = [spawn(body, ...locks, one), spawn(body, locks[1], locks[0], two)];
    for (let t = 0; t < 100; t++) yield* sleep(10);
    for (const task of tasks) task.cancel();
    for (const task of tasks) yield* task.join();
  }, { clock: new VirtualClock(), warn: (message) => void told.push(message) });
  return told;
}

for (const [name, take] of Object.entries(WAYS)) {
  law(`A circle through ${name} is told early, once`, async () => {
    for (const other of [take, WAYS["yield* in async function*"]!]) {
      const told = await crossed(take, other);
      assertEquals(told.length, 1);
      for (const text of ["Deadlock: 2 tasks", "A.acquire()", "B.acquire()", "only a cancel"]) {
        assertStringIncludes(told[0]!, text);
      }
    }
  });
}

law("An await that something else ends within a while is not told as a deadlock", async () => {
  const told: string[] = [];
  await run(async function* () {
    const [a, b] = [new Lock("A"), new Lock("B")];
    const body = async function* (first: Lock, second: Lock) {
      using _first = yield* first.acquire();
      yield* sleep(1);
      const beside = new Promise((resolve) => setTimeout(resolve, 5));
      await Promise.race([second.acquire(), beside]);
    };
    const tasks = [spawn(body, a, b), spawn(body, b, a)];
    for (let t = 0; t < 20; t++) yield* sleep(10);
    for (const task of tasks) yield* task.join();
  }, { warn: (message) => void told.push(message) });
  assertEquals(told, []);
  const bounded: Take = async function* (lock) {
    const guard = yield* moveOnAfter(500, async function* () {
      return await lock.acquire();
    });
    return guard ?? new DisposableStack();
  };
  assertEquals(await crossed(bounded, WAYS["await"]!), []);
});

law("Thousands of waiters behind a known circle cost the same each", async () => {
  const costs = await costsBehind({ lock: () => new Lock(), locks: 500, waiters: 4000 });
  // 8 000 waiters that each walk a circle of 500 would take seconds of processor time.
  assert(costs[0] + costs[1] < 1500, `${costs} ms`);
});

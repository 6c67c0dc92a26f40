/** Futures: what they tell, and waiting for several of them, beside tasks. */
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  Cancelled,
  type Future,
  run,
  sleep,
  spawn,
  type Task,
  WorkerPool,
  WouldBlock,
} from "@weft/weft";
import { assertCheckpoint } from "@weft/weft/testing";
import { asCompleted } from "../../src/tasks/join.ts";
import { waitFirst } from "../../src/tasks/race.ts";
import { law, lawInBothLanes } from "../lib/law.ts";
import { burn, fib, hang, nap, throwFull } from "./fixtures/work.ts";
import { begun } from "./begun.ts";

law("Future.running is true from the job's begin to its end", async () => {
  await using pool = new WorkerPool(1);
  await Promise.all([pool.submit(nap, 0), pool.submit(nap, 0)]);
  const [first, second] = [pool.submit(nap, 300), pool.submit(nap, 1)];
  assertEquals([first.running, second.running], [false, false]);
  await begun(first);
  assertEquals([first.done, second.running], [false, false]);
  await first;
  await second;
  assertEquals([first.running, second.running, second.done], [false, false, true]);
});

law("Future.result gives what there is without waiting, or says why not", async () => {
  await using pool = new WorkerPool(1);
  const good = pool.submit(fib, 10);
  assertThrows(
    () => good.result,
    WouldBlock,
    "Cannot read the result of fib(…) now: the job still waits",
  );
  await good;
  assertEquals(good.result, 55);
  const bad = pool.submit(throwFull, "bad");
  await assertRejects(async () => await bad);
  let caught: unknown;
  try {
    bad.result;
  } catch (error) {
    caught = error;
  }
  assertStrictEquals(caught, bad.error);
  const slow = pool.submit(hang);
  await begun(slow);
  assertThrows(() => slow.result, WouldBlock, "the job still runs");
  slow.cancel();
  assertThrows(() => slow.result, Cancelled);
});

lawInBothLanes("asCompleted() gives out futures and tasks in the order in which they end", {
  fast: () =>
    run(function* () {
      const pool = new WorkerPool(2);
      yield* pool.map(nap, [0, 0]);
      const ended: unknown[] = [];
      const order: unknown[] = [];
      const futures = [20, 5, 0, 12].map((ms) => pool.submit(nap, ms));
      const all = [...futures, spawn(ten)];
      for (const one of all) one.link(() => ended.push(one.value));
      for (const next of asCompleted<Future<number> | Task<number>>([...all, all[1]!])) {
        order.push((yield* next).value);
      }
      assertEquals(order.toSorted(), [0, 10, 12, 20, 5]);
      assertEquals(order, ended);
    }),
  async: () =>
    run(async function* () {
      const pool = new WorkerPool(2);
      const [ended, order]: unknown[][] = [[], []];
      const futures = [pool.submit(nap, 60), pool.submit(nap, 1)];
      for (const one of futures) one.link(() => ended!.push(one.value));
      for await (const { value } of asCompleted(futures)) order!.push(value);
      assertEquals(order!.toSorted(), [1, 60]);
      assertEquals(order, ended);
    }),
});

function* ten(): Generator<unknown, number, unknown> {
  yield* sleep(10);
  return 10;
}

law("asCompleted() works outside of every task, and leaves errors to whoever looks", async () => {
  await using pool = new WorkerPool(1);
  const futures = [pool.submit(throwFull, "bad"), pool.submit(fib, 5)];
  const found: unknown[] = [];
  for await (const future of asCompleted<Future<unknown>>(futures)) {
    found.push(future.failed ? (future.error as Error).message : future.value);
  }
  assertEquals(found, ["bad", 5]);
});

law("waitFirst() evaluates to the first that ended, and leaves the others alone", async () => {
  await using pool = new WorkerPool(2);
  await pool.map(nap, [0, 0]);
  const futures = [pool.submit(nap, 1000), pool.submit(nap, 2)];
  const first = await waitFirst(futures);
  assertEquals(first.length, 1);
  assertStrictEquals(first[0], futures[1]);
  assertEquals(futures[0]!.done, false);
  assertEquals(await futures[0], 1000);
  const both = await waitFirst(futures, { count: 5 });
  assertEquals(both.map((future) => future.value), [1000, 2]);
});

law(
  "waitFirst() takes tasks and futures, counts each once, and throws nobody's error",
  async () => {
    await run(async function* () {
      const pool = new WorkerPool(1);
      const bad = pool.submit(throwFull, "bad");
      const slow = spawn(function* () {
        yield* sleep(10_000);
      });
      const found = yield* waitFirst<Future<unknown> | Task<unknown>>([bad, slow, bad]);
      assertEquals(found.map((one) => (one.error as Error).message), ["bad"]);
      slow.cancel();
      const two = yield* waitFirst<Future<unknown> | Task<unknown>>([bad, slow, bad], { count: 2 });
      assertEquals(two.length, 2);
      assertEquals(yield* waitFirst([]), []);
    });
  },
);

law("waitFirst() is a checkpoint, also when all have ended or there are none", async () => {
  await using pool = new WorkerPool(1);
  const done = pool.submit(fib, 3);
  await done;
  await run(function* () {
    yield* assertCheckpoint(waitFirst([done]));
    yield* assertCheckpoint(waitFirst([]));
  });
});

law("waitFirst() that is cancelled leaves everything as it was", async () => {
  await run(async function* () {
    const pool = new WorkerPool(1);
    const slow = pool.submit(burn, 30);
    const task = spawn(function* () {
      yield* waitFirst([slow]);
    });
    yield* sleep(5);
    task.cancel();
    yield* task.join();
    assertEquals([task.cancelled, slow.cancelled], [true, false]);
    assertEquals(yield* slow, 30);
  });
});

law("waitFirst() refuses a count that makes no sense", () => {
  assertThrows(
    () => waitFirst([], { count: 0 }),
    RangeError,
    "Cannot wait for the first 0 to end: it must be a whole number of at least 1",
  );
});

law("Waiting for futures is no deadlock", async () => {
  await run(function* () {
    const pool = new WorkerPool(1);
    const [first] = yield* waitFirst([pool.submit(nap, 50)]);
    assertEquals(first?.value, 50);
    for (const next of asCompleted([pool.submit(nap, 50)])) assertEquals((yield* next).value, 50);
  });
});

/** What a pool promises while all goes well. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ClosedError,
  moveOnAfter,
  run,
  sleep,
  spawn,
  TimeoutError,
  transfer,
  WorkerPool,
  type WorkerPoolStatistics,
  WouldBlock,
} from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";
import {
  add,
  burn,
  countCalls,
  fib,
  move,
  nap,
  spin,
  throwFull,
  total,
  waitUntilCancelled,
} from "./fixtures/work.ts";
import { keepAndReturn, keptLength, moveOrNot } from "./fixtures/moving.ts";

law("WorkerPool.submit() gives a future that evaluates to what the job returned", async () => {
  await using pool = new WorkerPool(2);
  assertEquals(await pool.submit(fib, 15), 610);
  assertEquals(await pool.submit(add, 2, 3), 5);
  assertEquals(await pool.submit(total), 0);
  assertEquals(await pool.submit(total, 1, 2, 3, 4), 10);
  assertEquals(await pool.submit(nap, 1), 1);
});

law(
  "WorkerPool.submit() keeps each result with its future, whatever travels together",
  async () => {
    await using pool = new WorkerPool(2);
    const futures = Array.from(
      { length: 3000 },
      (_, i) =>
        i % 3 === 0
          ? pool.submit(fib, i % 12)
          : i % 3 === 1
          ? pool.submit(add, i, 1)
          : pool.submit(total, i, i, i),
    );
    const results = await Promise.all(futures);
    assertEquals(
      results,
      Array.from(
        { length: 3000 },
        (_, i) => i % 3 === 0 ? fib(i % 12) : i % 3 === 1 ? i + 1 : 3 * i,
      ),
    );
  },
);

law("A pool of one worker begins jobs in the order in which they were submitted", async () => {
  await using pool = new WorkerPool(1);
  const order: number[] = [];
  const futures = Array.from({ length: 200 }, () => pool.submit(countCalls));
  for (const [i, future] of futures.entries()) future.link(() => order.push(i));
  assertEquals(await Promise.all(futures), Array.from({ length: 200 }, (_, i) => i + 1));
  assertEquals(order, Array.from({ length: 200 }, (_, i) => i));
});

law("A pool of two workers runs two jobs at once", async () => {
  await using pool = new WorkerPool(2);
  await Promise.all([pool.submit(nap, 1), pool.submit(nap, 1)]);
  const words = new Int32Array(new SharedArrayBuffer(4));
  const { meet } = await import("./fixtures/rendezvous.ts");
  assertEquals(await Promise.all([pool.submit(meet, words), pool.submit(meet, words)]), [2, 2]);
});

law("Jobs behind a long one go to a worker that is idle", async () => {
  await using pool = new WorkerPool(2);
  await Promise.all(Array.from({ length: 200 }, () => pool.submit(burn, 0.01)));
  let shortDone = 0;
  const long = pool.submit(burn, 300);
  const short = Array.from({ length: 40 }, () => pool.submit(burn, 0.05));
  for (const future of short) future.link(() => shortDone++);
  await Promise.all(short);
  assertEquals([shortDone, long.done], [40, false]);
  await long;
});

law("Finished results do not wait behind a long job of the same function", async () => {
  await using pool = new WorkerPool(1);
  const first = Array.from({ length: 8 }, () => pool.submit(burn, 0));
  const long = pool.submit(burn, 250);
  await Promise.all(first);
  assertEquals(long.done, false);
  await long;
});

law("transfer() moves a buffer to the worker and back", async () => {
  await using pool = new WorkerPool(1);
  const bytes = new Uint8Array(1 << 16).fill(7);
  const back = await pool.submit(move, transfer(bytes, [bytes.buffer]));
  assertEquals([bytes.byteLength, back.byteLength, back[99]], [0, 1 << 16, 7]);
});

law("Many moved buffers arrive, each once", async () => {
  await using pool = new WorkerPool(2);
  const all = Array.from({ length: 50 }, (_, i) => new Uint8Array(1000).fill(i));
  const backs = await Promise.all(
    all.map((bytes) => pool.submit(move, transfer(bytes, [bytes.buffer]))),
  );
  assertEquals(backs.map((back) => back[0]), all.map((_, i) => i));
  assert(all.every((bytes) => bytes.byteLength === 0));
});

law("WorkerPool.trySubmit() refuses when as many jobs wait as may", async () => {
  await using pool = new WorkerPool(1, { queue: 2, name: "small" });
  const running = pool.trySubmit(burn, 20);
  const waiting = [pool.trySubmit(burn, 0), pool.trySubmit(burn, 0)];
  assertEquals(pool.full, true);
  assertThrows(
    () => pool.trySubmit(burn, 0),
    WouldBlock,
    "Cannot submit to small now: 2 jobs wait, and 2 may",
  );
  const beyond = pool.submit(burn, 0);
  await Promise.all([running, ...waiting, beyond]);
  assertEquals(await pool.trySubmit(burn, 0), 0);
});

law("WorkerPool.ready() waits until there is room", async () => {
  await run(async function* () {
    const pool = new WorkerPool(1, { queue: 1 });
    yield* pool.submit(burn, 20);
    const log: string[] = [];
    pool.submit(burn, 20).link(() => log.push("first"));
    pool.submit(burn, 20).link(() => log.push("second")); // goes to the worker ahead of time
    pool.submit(burn, 20).link(() => log.push("third"));
    yield* pool.ready();
    log.push("ready");
    assertEquals([log, pool.full], [["first", "ready"], false]);
  });
});

law("WorkerPool.close() lets the jobs it has finish, and join() waits for that", async () => {
  const pool = new WorkerPool(2, { name: "closing" });
  const futures = Array.from({ length: 20 }, (_, i) => pool.submit(nap, i % 3));
  pool.close();
  pool.close();
  assertThrows(
    () => pool.submit(fib, 1),
    ClosedError,
    "Cannot submit to closing: it has been closed",
  );
  await pool.join();
  assertEquals(futures.map((future) => future.value), Array.from({ length: 20 }, (_, i) => i % 3));
  assertEquals(pool.statistics().state, "ended");
  await pool.join();
});

law("WorkerPool.join() refuses while the pool is open", async () => {
  const pool = new WorkerPool(1, { name: "open" });
  await assertRejects(
    async () => await pool.join(),
    Error,
    "Cannot join open: it is open, so its workers stay; close() it first",
  );
});

law("WorkerPool replaces a worker after as many jobs as `recycle` says", async () => {
  await using pool = new WorkerPool(1, { recycle: 3 });
  const counts: number[] = [];
  for (let i = 0; i < 7; i++) counts.push(await pool.submit(countCalls));
  assertEquals(counts, [1, 2, 3, 1, 2, 3, 1]);
  assertEquals(pool.statistics().lost, 0);
  const more = await Promise.all(Array.from({ length: 10 }, () => pool.submit(countCalls)));
  assertEquals(more, [2, 3, 1, 2, 3, 1, 2, 3, 1, 2]);
});

law("WorkerPool starts no worker before it has work", async () => {
  await using pool = new WorkerPool(4);
  assertEquals(pool.statistics().started, 0);
  await pool.submit(fib, 1);
  assertEquals(pool.statistics().started, 1);
});

law("WorkerPool.statistics() is a frozen record", async () => {
  await using pool = new WorkerPool(1);
  await pool.submit(fib, 1);
  const expected: WorkerPoolStatistics = {
    state: "open",
    workers: 1,
    queued: 0,
    running: 0,
    submitted: 1,
    started: 1,
    lost: 0,
  };
  assertEquals(pool.statistics(), expected);
  assert(Object.isFrozen(pool.statistics()));
});

law("WorkerPool refuses numbers that make no sense", () => {
  assertThrows(
    () => new WorkerPool(0),
    RangeError,
    "Cannot use 0 as the number of workers: it must be a whole number of at least 1",
  );
  assertThrows(() => new WorkerPool(1.5), RangeError, "Cannot use 1.5 as the number of workers");
  assertThrows(() => new WorkerPool(Infinity), RangeError, "Cannot use Infinity");
  assertThrows(() => new WorkerPool(1, { queue: 0 }), RangeError, "a bound for waiting jobs");
  assertThrows(() => new WorkerPool(1, { recycle: -1 }), RangeError, "jobs per worker");
  assertThrows(() => new WorkerPool(1, { timeout: NaN }), RangeError, "a time limit");
  assertThrows(() => new WorkerPool(1, { grace: -1 }), RangeError, "a time of grace");
});

law("A pool may be used from many tasks and from plain code at once", async () => {
  await using pool = new WorkerPool(2);
  const outside = pool.submit(fib, 12);
  const inside = await run(async function* () {
    const tasks = Array.from({ length: 5 }, (_, i) =>
      spawn(function* () {
        yield* sleep(1);
        return yield* pool.submit(add, i, 1);
      }));
    const sums: number[] = [];
    for (const task of tasks) sums.push(yield* task.get());
    return sums;
  });
  assertEquals([await outside, inside], [144, [1, 2, 3, 4, 5]]);
});

lawInBothLanes("WorkerPool.apply() evaluates to what the job returned, and throws what it threw", {
  fast: () =>
    run(function* () {
      const pool = new WorkerPool(1);
      const apply = pool.apply(add, 2, 3);
      assertEquals([yield* apply, yield* apply, pool.statistics().submitted], [5, 5, 2]);
      let caught: unknown;
      try {
        yield* pool.apply(throwFull, "bad");
      } catch (error) {
        caught = error;
      }
      assertEquals((caught as Error).message, "bad");
    }),
  async: () =>
    run(async function* () {
      const pool = new WorkerPool(1);
      assertEquals([yield* pool.apply(fib, 10), await pool.apply(fib, 11)], [55, 89]);
      await assertRejects(async () => await pool.apply(throwFull, "bad"), RangeError, "bad");
    }),
});

law("WorkerPool.apply() stops its job when its waiter is cancelled", async () => {
  await using pool = new WorkerPool(1);
  const words = new Int32Array(new SharedArrayBuffer(8));
  await run(async function* () {
    const task = spawn(function* () {
      yield* pool.apply(waitUntilCancelled, words);
    });
    while (Atomics.load(words, 0) === 0) yield* sleep(1);
    task.cancel("enough");
    yield* task.join();
    assertEquals(task.cancelled, true);
    while (Atomics.load(words, 1) === 0) yield* sleep(1);
  });
  assertEquals(await pool.submit(fib, 10), 55);
  assertEquals(pool.statistics().lost, 0);
});

law("WorkerPool.apply() that is cancelled in the queue never begins", async () => {
  await using pool = new WorkerPool(1);
  const before = await pool.submit(countCalls);
  await run(async function* () {
    const busy = pool.submit(burn, 20);
    const result = yield* moveOnAfter(1, pool.apply(countCalls));
    assertEquals(result, undefined);
    yield* busy;
  });
  assertEquals(await pool.submit(countCalls), before + 1);
});

law("WorkerPool.with() sends by apply, too", async () => {
  await using pool = new WorkerPool(1);
  const sender = pool.with({ timeout: 20 });
  assertEquals(await sender.apply(fib, 10), 55);
  await assertRejects(async () => await sender.apply(spin), TimeoutError);
  const aborted = AbortSignal.abort(new Error("too late"));
  await assertRejects(
    async () => await pool.with({ signal: aborted }).apply(fib, 1),
    Error,
    "too late",
  );
});

law("A hundred megabytes that are transferred leave their sender, in both directions", async () => {
  await using pool = new WorkerPool(1);
  const bytes = new Uint8Array(100 << 20);
  bytes[bytes.length - 1] = 7;
  const there = pool.submit(keepAndReturn, transfer(bytes, [bytes.buffer]));
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(bytes.byteLength, 0);
  const back = await there;
  assertEquals([back.byteLength, back[back.length - 1]], [100 << 20, 7]);
  assertEquals(await pool.submit(keptLength), 0);
});

law("A result that cannot be sent leaves the moved ones beside it whole", async () => {
  await using pool = new WorkerPool(1);
  await pool.map(moveOrNot, [1, 1]);
  const futures = [1, 0, 1, 1, 0].map((n) => pool.submit(moveOrNot, n));
  const found = await Promise.allSettled(futures);
  assertEquals(found.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "rejected",
  ]);
  for (const one of found) {
    if (one.status === "fulfilled") assertEquals([...one.value as Uint8Array], [1, 2, 3]);
  }
});

/** Pools and futures inside of runs. */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  all,
  Cancelled,
  ClosedError,
  currentTask,
  type Future,
  moveOnAfter,
  race,
  run,
  sleep,
  spawn,
  TimeoutError,
  WorkerPool,
} from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";
import { add, burn, deafUntil, fib, hang, nap, throwFull } from "./fixtures/work.ts";

lawInBothLanes("A future is waited for by yield*, by yield and by get()", {
  fast: () =>
    run(function* () {
      const pool = new WorkerPool(1);
      const future = pool.submit(fib, 10);
      assertEquals([yield* future, yield future, yield* future.get()], [55, 55, 55]);
    }),
  async: () =>
    run(async function* () {
      const pool = new WorkerPool(1);
      const future = pool.submit(fib, 10);
      assertEquals([yield* future, yield future, await future, yield* future.get()], [
        55,
        55,
        55,
        55,
      ]);
      assertEquals(await Promise.all([future, pool.submit(fib, 11)]), [55, 89]);
    }),
});

lawInBothLanes("A failed future throws where it is waited for", {
  fast: () =>
    run(function* () {
      const pool = new WorkerPool(1);
      const future = pool.submit(throwFull, "bad");
      for (let round = 0; round < 2; round++) {
        let caught: unknown;
        try {
          yield* future;
        } catch (error) {
          caught = error;
        }
        assertStrictEquals(caught, future.error);
      }
    }),
  async: () =>
    run(async function* () {
      const pool = new WorkerPool(1);
      const future = pool.submit(throwFull, "bad");
      for (const wait of [() => future, () => future.get()]) {
        let caught: unknown;
        try {
          await wait();
        } catch (error) {
          caught = error;
        }
        assertStrictEquals(caught, future.error);
      }
    }),
});

law("A cancelled waiter leaves the job alone", async () => {
  await using pool = new WorkerPool(1);
  const future = pool.submit(nap, 30);
  await run(async function* () {
    for (
      const body of [
        function* () {
          yield* future;
        },
        async function* () {
          yield* future;
        },
        async function* () {
          await future;
        },
      ]
    ) {
      const task = spawn(body);
      yield* sleep(1);
      task.cancel();
      yield* task.join();
      assertEquals([task.cancelled, future.done], [true, false]);
    }
  });
  assertEquals(await future, 30);
});

law("Future.get(ms) gives up after that time, and the job goes on", async () => {
  await using pool = new WorkerPool(1);
  const future = pool.submit(nap, 30);
  const error = await assertRejects(async () => await future.get(3), TimeoutError);
  assertEquals(error.message, "Timed out after 3 ms: job nap(…)");
  assertEquals(
    await run(function* () {
      return yield* future.get(5000);
    }),
    30,
  );
});

law("Futures combine with other operations", async () => {
  await run(async function* () {
    const pool = new WorkerPool(2);
    assertEquals(yield* all([pool.submit(fib, 10), pool.map(fib, [1, 2, 3])]), [55, [1, 1, 2]]);
    assertEquals(yield* race([pool.submit(fib, 10), sleep(5000)]), 55);
    assertEquals(yield* moveOnAfter(5, pool.submit(hang)), undefined);
  });
});

law(
  "Future.link() calls at the end, at once if that has come, and observes the error",
  async () => {
    await run(async function* () {
      const pool = new WorkerPool(1);
      const log: string[] = [];
      const good = pool.submit(fib, 3);
      const bad = pool.submit(throwFull, "seen");
      good.link((future) => log.push(`good ${future.value}`));
      bad.link((future) => log.push(`bad ${(future.error as Error).message}`));
      yield* good;
      while (!bad.done) yield* sleep(1);
      good.link(() => log.push("at once"));
      assertEquals(log, ["good 2", "bad seen", "at once"]);
    });
  },
);

law("What is linked to a future is called outside of every task", async () => {
  await using pool = new WorkerPool(1);
  const names: unknown[] = [];
  const name = (): void => {
    let called: unknown = "no task";
    try {
      called = currentTask().name;
    } catch { /* as it should be */ }
    names.push(called);
  };
  await run(async function* () {
    const futures = [pool.submit(fib, 1), pool.submit(burn, 1), pool.submit(nap, 1)];
    for (const future of futures) future.link(name);
    for (const future of futures) yield* future;
    const unsendable = pool.submit(add, (() => {}) as never, 1);
    unsendable.link(name);
    yield* sleep(10);
  });
  assertEquals(names, ["no task", "no task", "no task", "no task"]);
});

law("A future tells how it stands", async () => {
  await using pool = new WorkerPool(1);
  const look = ({ done, successful, failed, cancelled, value }: Future<unknown>): unknown[] => [
    done,
    successful,
    failed,
    cancelled,
    value,
  ];
  const good = pool.submit(fib, 3);
  const bad = pool.submit(throwFull, "x");
  const gone = pool.submit(hang);
  assertEquals(look(good), [false, false, false, false, undefined]);
  assertEquals(good.error, undefined);
  gone.cancel();
  await Promise.allSettled([good, bad, gone]);
  assertEquals(look(good), [true, true, false, false, 2]);
  assertEquals(look(bad), [true, false, true, false, undefined]);
  assertEquals(look(gone), [true, false, false, true, undefined]);
  assert(gone.error instanceof Cancelled);
  assertEquals(String(good), "fib(…)");
});

law("A failure that nobody observed makes the run reject, with that very error", async () => {
  const error = await assertRejects(() =>
    run(async function* () {
      const pool = new WorkerPool(1);
      pool.submit(throwFull, "unseen");
      yield* pool.submit(fib, 5);
    }), RangeError);
  assertEquals([error.name, error.message], ["FullError", "unseen"]);
});

law("Two failures that nobody observed make the run reject with both", async () => {
  const error = await assertRejects(() =>
    run(async function* () {
      const pool = new WorkerPool(1);
      pool.submit(throwFull, "one");
      pool.submit(throwFull, "two");
      yield* pool.submit(fib, 5);
    }), AggregateError);
  assertEquals(error.errors.map((one) => one.message), ["one", "two"]);
});

law("A failure that was observed, early or late, is nobody's affair any more", async () => {
  await run(async function* () {
    const pool = new WorkerPool(1);
    const future = pool.submit(throwFull, "seen late");
    yield* pool.submit(fib, 5);
    assertEquals([future.failed, (future.error as Error).message], [true, "seen late"]);
  });
});

law("A pool made outside reports failures to the run that submitted", async () => {
  await using pool = new WorkerPool(1);
  await assertRejects(
    () =>
      run(async function* () {
        pool.submit(throwFull, "from outside");
        yield* pool.submit(fib, 5);
      }),
    RangeError,
    "from outside",
  );
  assertEquals(await pool.submit(fib, 5), 5);
});

law("Cancels and dropped jobs are no failures of the run", async () => {
  await run(async function* () {
    const pool = new WorkerPool(1);
    yield* pool.submit(fib, 1);
    pool.submit(hang).cancel();
    pool.submit(burn, 1);
    pool.submit(nap, 5000);
  });
});

law("A pool made inside a run is terminated when the run ends", async () => {
  let pool!: WorkerPool;
  let left!: Future<number>;
  await run(async function* () {
    pool = new WorkerPool(2);
    yield* pool.submit(fib, 1);
    left = pool.submit(nap, 5000);
  });
  assertEquals([pool.statistics().state, pool.statistics().workers], ["ended", 0]);
  assertEquals(left.cancelled, true);
  let thrown: unknown;
  try {
    pool.submit(fib, 1);
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof ClosedError);
});

law("A run whose job computes for ever still ends", async () => {
  const words = new Int32Array(new SharedArrayBuffer(12));
  await run(async function* () {
    const pool = new WorkerPool(1);
    yield* pool.submit(fib, 1);
    pool.submit(deafUntil, words);
    while (words[0] === 0) yield* sleep(1);
  });
  assertEquals(words[2], 0, "it was waited for");
  Atomics.store(words, 1, 1);
});

law("A run that throws at once releases its pool", async () => {
  let pool!: WorkerPool;
  await assertRejects(
    () =>
      run(function* () {
        pool = new WorkerPool(2);
        pool.submit(fib, 20);
        throw new Error("at once");
      }),
    Error,
    "at once",
  );
  assertEquals(pool.statistics().state, "ended");
});

law("A pool made outside survives the run that used it", async () => {
  await using pool = new WorkerPool(1);
  assertEquals(
    await run(function* () {
      return yield* pool.submit(fib, 10);
    }),
    55,
  );
  assertEquals(await pool.submit(fib, 11), 89);
});

law("Waiting for a job is no deadlock", async () => {
  await run(function* () {
    const pool = new WorkerPool(1);
    assertEquals(yield* pool.submit(nap, 50), 50);
    pool.close();
    yield* pool.join();
  });
});

law("`using` terminates a pool at the end of its block", async () => {
  let pool!: WorkerPool;
  {
    using inner = pool = new WorkerPool(1);
    assertEquals(await inner.submit(add, 1, 1), 2);
  }
  await pool.join();
  assertEquals(pool.statistics().state, "ended");
  {
    await using inner = pool = new WorkerPool(1);
    inner.submit(burn, 1000).link(() => {});
  }
  assertEquals(pool.statistics().state, "ended");
});

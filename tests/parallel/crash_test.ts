/** Every future settles, whatever becomes of its worker. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type Future, WorkerCrashedError, WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { exitAndReturn, exitAndReturnInTask, exitAndReturnLater } from "./fixtures/leaving.ts";
import {
  add,
  closeWorker,
  countCalls,
  exitProcess,
  exitWorker,
  fib,
  immediateThrowWhileWaiting,
  lateThrow,
  lateThrowWhileWaiting,
  nap,
  napWithoutAsync,
  orphan,
  timerThrowWhileWaiting,
} from "./fixtures/work.ts";

/** What a future comes to; the law's time limit sees to it that this is soon. */
async function settles(future: Future<unknown>): Promise<PromiseSettledResult<unknown>> {
  const [result] = await Promise.allSettled([future]);
  return result;
}

for (
  const [how, job, why] of [
    ["calls Deno.exit", exitWorker, "it called Deno.exit(7)"],
    ["calls process.exit", exitProcess, "it called Deno.exit(9)"],
    ["calls self.close", closeWorker, "it called self.close()"],
  ] as const
) {
  law(`A job whose worker ${how} fails soon, and the pool goes on`, async () => {
    await using pool = new WorkerPool(2);
    await Promise.all([pool.submit(fib, 1), pool.submit(fib, 1), pool.submit(nap, 1)]);
    const result = await settles(pool.submit(job));
    assert(result.status === "rejected");
    assertInstanceOf(result.reason, WorkerCrashedError);
    assertEquals(
      [result.reason.name, result.reason.job, result.reason.message],
      [
        "WorkerCrashedError",
        job.name,
        `Cannot finish job "${job.name}": its worker ended while it ran: ${why}`,
      ],
    );
    assertEquals(await pool.submit(add, 1, 2), 3);
    assertEquals(pool.statistics().lost, 1);
  });
}

law("A crash fails the job that ran and no other of its batch", async () => {
  await using pool = new WorkerPool(1);
  await Promise.all(Array.from({ length: 100 }, () => pool.submit(add, 1, 1)));
  for (const crash of [exitWorker, closeWorker]) {
    await Promise.allSettled([pool.submit(crash)]); // known, so that it travels with others
    const futures = Array.from(
      { length: 99 },
      (_, i) => i === 40 ? pool.submit(crash) : pool.submit(add, i, 1),
    );
    const results = await Promise.allSettled(futures);
    assertEquals(
      results.map((result) => result.status === "fulfilled" ? result.value : result.reason.name),
      Array.from({ length: 99 }, (_, i) => i === 40 ? "WorkerCrashedError" : i + 1),
    );
  }
});

law(
  "A job that goes on after it has ended its worker fails, and no other begins there",
  async () => {
    await using pool = new WorkerPool(1);
    await Promise.all(Array.from({ length: 100 }, () => pool.submit(add, 1, 1)));
    for (const leave of [exitAndReturn, exitAndReturnLater, exitAndReturnInTask]) {
      for (let round = 0; round < 2; round++) { // the second time it travels with others
        const left = pool.submit(leave as typeof exitAndReturn);
        const others = [1, 2, 3].map((n) => pool.submit(add, n, 1));
        const [result] = await Promise.allSettled([left]);
        assert(result.status === "rejected" && result.reason instanceof WorkerCrashedError);
        assertEquals(await Promise.all(others), [2, 3, 4]);
      }
    }
    assertEquals(pool.statistics().lost, 6);
  },
);

law("Twenty crashes among two hundred jobs leave no future unsettled", async () => {
  await using pool = new WorkerPool(2);
  const crashes = [exitWorker, closeWorker, exitProcess];
  const futures: Future<unknown>[] = Array.from(
    { length: 220 },
    (_, i) =>
      i % 11 === 5
        ? pool.submit(crashes[i % 3]!)
        : i % 11 === 8
        ? pool.submit(nap, i % 2)
        : pool.submit(add, i, 1),
  );
  const results = await Promise.allSettled(futures);
  for (const [i, result] of results.entries()) {
    if (i % 11 === 5) {
      assert(result.status === "rejected" && result.reason instanceof WorkerCrashedError);
    } else {assertEquals(
        result,
        { status: "fulfilled", value: i % 11 === 8 ? i % 2 : i + 1 },
        `job ${i}`,
      );}
  }
  assertEquals([pool.statistics().lost, pool.statistics().queued], [20, 0]);
});

law("A job that had not begun when its worker crashed runs elsewhere, once", async () => {
  await using pool = new WorkerPool(1);
  const words = new Int32Array(new SharedArrayBuffer(4));
  const { countIn } = await import("./fixtures/counting.ts");
  await pool.submit(countIn, new Int32Array(new SharedArrayBuffer(4)));
  await Promise.allSettled([pool.submit(exitWorker)]);
  const crash = pool.submit(exitWorker);
  const futures = Array.from({ length: 50 }, () => pool.submit(countIn, words));
  await assertRejects(async () => await crash, WorkerCrashedError);
  assertEquals(
    (await Promise.all(futures)).toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
});

law("A crashed worker is replaced by one that knows nothing of it", async () => {
  await using pool = new WorkerPool(1);
  assertEquals([await pool.submit(countCalls), await pool.submit(countCalls)], [1, 2]);
  await Promise.allSettled([pool.submit(exitWorker)]);
  assertEquals(await pool.submit(countCalls), 1);
});

law("An error thrown late, when no job runs, is told and harms nobody", async () => {
  const told: unknown[] = [];
  await using pool = new WorkerPool(1, { name: "late", warn: (message) => told.push(message) });
  assertEquals(await pool.submit(lateThrow), "returned");
  assertEquals(await pool.submit(orphan), "returned");
  assertEquals(await pool.submit(nap, 20), 20);
  assertEquals(await pool.submit(countCalls), 1);
  assertEquals(pool.statistics().lost, 0);
  assertEquals(told.length, 2);
  assertStringIncludes(String(told), "Something in a worker of late threw when no job ran");
});

for (
  const [where, job] of Object.entries({
    "a timer of its first call": lateThrowWhileWaiting,
    "a timer": timerThrowWhileWaiting,
    "an immediate": immediateThrowWhileWaiting,
  })
) {
  law(`An error thrown in ${where} fails the job that would wait for ever`, async () => {
    await using pool = new WorkerPool(1);
    await pool.submit(nap, 1);
    const result = await settles(pool.submit(job));
    assert(result.status === "rejected");
    assertEquals(result.reason.message, "never settles otherwise");
    assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, 0]);
  });
}

law("An error that a job left behind does not fail the one that waits next", async () => {
  const told: unknown[] = [];
  await using pool = new WorkerPool(1, { warn: (_text, error) => told.push(error) });
  await pool.submit(nap, 1);
  for (const job of [lateThrow, orphan]) {
    const left = pool.submit(job);
    assertEquals([await pool.submit(nap, 20), await left], [20, "returned"]);
  }
  assertEquals(told.map((error) => (error as Error).message), ["late", "nobody waits for me"]);
});

law(
  "An error that a worker's first job left behind does not fail its second function",
  async () => {
    const told: unknown[] = [];
    await using pool = new WorkerPool(1, { warn: (_text, error) => told.push(error) });
    const left = pool.submit(lateThrow, 10);
    assertEquals([await pool.submit(napWithoutAsync, 40), await left], [40, "returned"]);
    assertEquals(told.map((error) => (error as Error).message), ["late"]);
  },
);

law("A job whose moved arguments went down with the worker fails", async () => {
  await using pool = new WorkerPool(1);
  const { move } = await import("./fixtures/work.ts");
  const { transfer } = await import("@weft/weft");
  await pool.submit(move, new Uint8Array(1));
  await Promise.allSettled([pool.submit(exitWorker)]);
  const bytes = Array.from({ length: 5 }, () => new Uint8Array(10));
  const futures = [
    pool.submit(move, transfer(bytes[0]!, [bytes[0]!.buffer])),
    pool.submit(exitWorker),
    ...bytes.slice(1).map((one) => pool.submit(move, transfer(one, [one.buffer]))),
  ];
  const results = await Promise.allSettled(futures);
  assertEquals(results[1]!.status, "rejected");
  for (const result of results) {
    if (result.status === "rejected") assertInstanceOf(result.reason, WorkerCrashedError);
  }
});

/** Stopping: cancels, time limits, the end of a pool. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { Cancelled, type Future, run, spawn, TimeoutError, transfer, WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { begun } from "./begun.ts";
import {
  add,
  burn,
  burnMoved,
  countCalls,
  deafUntil,
  exitWorker,
  fib,
  hang,
  ignoreCancel,
  nap,
  spin,
  spinAfterAwait,
  spinUntilCancelled,
  waitUntilCancelled,
} from "./fixtures/work.ts";

/**
 * Shared words: a job sets the first when it has begun, the second when it was told to stop. A deaf one
 * goes on until the second is set from here, and sets the third at its end.
 */
function flags(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(12));
}

/** Resolves once a shared word is set. */
async function isSet(words: Int32Array, index: number): Promise<void> {
  while (Atomics.load(words, index) === 0) await new Promise((resolve) => setImmediate(resolve));
}

async function errorOf(future: Future<unknown>): Promise<Error & Record<string, unknown>> {
  return await assertRejects(async () => await future) as Error & Record<string, unknown>;
}

law("Future.cancel() drops a job that has not begun", async () => {
  await using pool = new WorkerPool(1);
  await pool.submit(burn, 5);
  const words = flags();
  const running = pool.submit(deafUntil, words);
  const ahead = pool.submit(countCalls); // is with the worker, and has not begun
  const queued = Array.from({ length: 5 }, () => pool.submit(countCalls));
  await pool.submit(countCalls).get(0).then(() => {}, () => {});
  assertEquals(ahead.cancel("not needed"), "dropped");
  assertEquals(queued[2]!.cancel(), "dropped");
  const error = await errorOf(ahead);
  assertInstanceOf(error, Cancelled);
  assertEquals([error.source, error.reason, ahead.cancelled], ["explicit", "not needed", true]);
  Atomics.store(words, 1, 1);
  await running;
  const left = queued.filter((_, i) => i !== 2);
  assertEquals((await Promise.all(left)).toSorted(), [1, 2, 3, 4]);
});

law("Future.cancel() stops a loop that looks at its signal, and keeps the worker", async () => {
  await using pool = new WorkerPool(1);
  const words = flags();
  const future = pool.submit(spinUntilCancelled, words);
  await isSet(words, 0);
  assertEquals(future.cancel(), "kill");
  assertEquals([future.done, future.cancelled], [true, true]);
  await isSet(words, 1);
  assertEquals(await pool.submit(fib, 10), 55);
  assertEquals(pool.statistics().lost, 0);
});

law("Future.cancel() fires the signal of a job that waits", async () => {
  await using pool = new WorkerPool(1);
  const words = flags();
  const future = pool.submit(waitUntilCancelled, words);
  await isSet(words, 0);
  assertEquals(future.cancel("that will do"), "kill");
  await isSet(words, 1);
  assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, 0]);
});

law("A job that ignores a cancel loses its worker, and no other job suffers", async () => {
  await using pool = new WorkerPool(1, { grace: 20 });
  await pool.submit(fib, 1);
  const words = flags();
  const [first, deaf, last] = [
    pool.submit(add, 1, 1),
    pool.submit(deafUntil, words),
    pool.submit(add, 2, 2),
  ];
  await isSet(words, 0);
  assertEquals([deaf.cancel(), deaf.cancelled], ["kill", true]);
  assertEquals([await first, await last], [2, 4]);
  assertEquals([words[2], pool.statistics().lost], [0, 1], "it was waited for");
  Atomics.store(words, 1, 1);
});

law("Future.cancel() comes too late for a future that has settled", async () => {
  await using pool = new WorkerPool(1);
  const future = pool.submit(fib, 5);
  assertEquals(await future, 5);
  assertEquals([future.cancel(), future.value, future.cancelled], ["late", 5, false]);
});

law("A hundred cancels leave the others alone", async () => {
  await using pool = new WorkerPool(2);
  await Promise.all([pool.submit(add, 1, 1), pool.submit(add, 1, 1)]);
  const futures = Array.from({ length: 1000 }, (_, i) => pool.submit(add, i, 1));
  await Promise.resolve();
  for (let i = 0; i < 1000; i += 10) futures[i]!.cancel();
  const results = await Promise.allSettled(futures);
  for (const [i, result] of results.entries()) {
    if (i % 10 === 0) assert(result.status === "rejected" && result.reason instanceof Cancelled);
    else assertEquals(result, { status: "fulfilled", value: i + 1 });
  }
  assertEquals(pool.statistics().queued, 0);
});

law(
  "Future.cancel() of a job whose arguments were moved leaves those before it alone",
  async () => {
    await using pool = new WorkerPool(1, { grace: 10 });
    await pool.submit(burnMoved, new Uint8Array(1), 0.2);
    const bytes = Array.from({ length: 4 }, () => new Uint8Array(8));
    const futures = bytes.map((one, i) =>
      pool.submit(burnMoved, transfer(one, [one.buffer]), i === 0 ? 300 : 1)
    );
    await begun(futures[0]!);
    assertEquals(futures[2]!.cancel(), "dropped");
    const results = await Promise.allSettled(futures);
    assertEquals(results.map(({ status }) => status), [
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    assertEquals(pool.statistics().lost, 0);
  },
);

law("A cancel that waits lets a running job finish, and drops its result", async () => {
  await using pool = new WorkerPool(1, { onCancel: "wait" });
  await pool.submit(fib, 1);
  const words = flags();
  const future = pool.submit(deafUntil, words);
  await isSet(words, 0);
  assertEquals([future.cancel(), future.cancelled], ["wait", true]);
  assertEquals(Atomics.load(words, 2), 0);
  const next = pool.submit(fib, 10); // its worker is busy until then
  Atomics.store(words, 1, 1);
  assertEquals([await next, Atomics.load(words, 2)], [55, 1]);
  assertEquals(pool.statistics().lost, 0);
});

law(
  "A cancel by flag tells a running job, and keeps its worker however long it takes",
  async () => {
    await using pool = new WorkerPool(1, { grace: 1 });
    await pool.submit(fib, 1);
    const words = flags();
    const deaf = pool.with({ onCancel: "flag" }).submit(deafUntil, words);
    await isSet(words, 0);
    assertEquals(deaf.cancel(), "flag");
    const next = pool.submit(fib, 10);
    setTimeout(() => Atomics.store(words, 1, 1), 60); // long after the grace
    assertEquals([await next, Atomics.load(words, 2)], [55, 1]);
    const more = flags();
    const listens = pool.with({ onCancel: "flag" }).submit(spinUntilCancelled, more);
    await isSet(more, 0);
    assertEquals(listens.cancel(), "flag");
    await isSet(more, 1);
    assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, 0]);
  },
);

law("A job that is told to stop while its module loads is not called", async () => {
  type Module = typeof import("./fixtures/slow_to_load.ts");
  const url = import.meta.resolve("./fixtures/slow_to_load.ts");
  using gate = new Gate();
  for (const name of ["waitForStop", "waitInTask", "waitInAsyncTask"] as const) {
    await using pool = new WorkerPool(1, { onCancel: "flag" });
    const words = flags();
    const future = pool.use<Module>(url)[name](words) as Future<unknown>;
    while (!future.running) await pause();
    assertEquals(future.cancel(), "flag");
    gate.open();
    // It holds its worker for ever if it is called, and has not heard.
    while (pool.statistics().running > 0) await pause();
    assertEquals([await pool.submit(add, 1, 1), Atomics.load(words, 0)], [2, 0]);
    gate.close();
  }
});

law("A cancel that kills gives up the worker of a job that does not stop in time", async () => {
  await using pool = new WorkerPool(1, { grace: 5, onCancel: "wait" });
  await pool.submit(fib, 1);
  const words = flags();
  const future = pool.with({ onCancel: "kill" }).submit(deafUntil, words);
  await isSet(words, 0);
  assertEquals([future.cancel(), future.cancelled], ["kill", true]);
  assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, 1]);
  assertEquals(words[2], 0);
  Atomics.store(words, 1, 1);
});

law("Future.cancel() takes a policy of its own, which outweighs that of the job", async () => {
  for (const [onCancel, lost] of [["wait", 0], ["flag", 0], ["kill", 1]] as const) {
    await using pool = new WorkerPool(1, { onCancel: lost ? "wait" : "kill", grace: 5 });
    await pool.submit(fib, 1);
    const words = flags();
    const future = pool.submit(deafUntil, words);
    await isSet(words, 0);
    assertThrows(() => future.cancel("why", "gently" as never), TypeError, '"gently"');
    assertEquals(future.cancel("why", onCancel), onCancel);
    if (lost === 0) Atomics.store(words, 1, 1); // it is waited for
    assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, lost], onCancel);
    Atomics.store(words, 1, 1);
  }
});

law("Whatever the means, a job that has not begun is dropped", async () => {
  await using pool = new WorkerPool(1);
  await pool.submit(burn, 5);
  const running = pool.submit(burn, 10);
  for (const onCancel of ["wait", "flag", "kill"] as const) {
    assertEquals(pool.with({ onCancel }).submit(countCalls).cancel(), "dropped");
  }
  await running;
  assertEquals(await pool.submit(countCalls), 1);
});

law("A cancelled map deals with its jobs by the pool's means", async () => {
  for (const [onCancel, lost] of [["wait", 0], ["flag", 0], ["kill", 1]] as const) {
    await using pool = new WorkerPool(1, { onCancel, grace: 5 });
    await pool.submit(fib, 1);
    const each = [flags(), flags()];
    const release = () => each.forEach((words) => Atomics.store(words, 1, 1));
    await run(function* () {
      const map = spawn(function* () {
        yield* pool.map(deafUntil, each);
      });
      yield isSet(each[0]!, 0);
      map.cancel();
      yield* map.join();
      if (lost === 0) release(); // it is waited for
    });
    assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, lost], onCancel);
    release();
  }
});

law("WorkerPool refuses a means that it does not know", () => {
  assertThrows(
    () => new WorkerPool(1, { onCancel: "shoot" as never }),
    TypeError,
    'Cannot use "shoot" as onCancel: it must be "wait", "flag" or "kill"',
  );
  assertThrows(() => new WorkerPool(1).with({ onCancel: "stop" as never }), TypeError);
});

law("WorkerPool.with({ signal }) cancels the job when the signal aborts", async () => {
  await using pool = new WorkerPool(1);
  const controller = new AbortController();
  const future = pool.with({ signal: controller.signal }).submit(hang);
  controller.abort("never mind");
  assertEquals((await errorOf(future)).reason, "never mind");
  let thrown: unknown;
  try {
    pool.with({ signal: controller.signal }).submit(hang);
  } catch (error) {
    thrown = error;
  }
  assertEquals(thrown, "never mind");
});

law("A time limit interrupts a loop in time, and keeps the worker and its state", async () => {
  await using pool = new WorkerPool(1);
  assertEquals(await pool.submit(countCalls), 1);
  await pool.with({ timeout: 1000 }).submit(fib, 1); // loads what limits need
  const error = await errorOf(pool.with({ timeout: 20 }).submit(spin));
  assertInstanceOf(error, TimeoutError);
  assertEquals([error.ms, error.message], [
    20,
    'Timed out after 20 ms: job "spin"',
  ]);
  assertEquals([await pool.submit(countCalls), pool.statistics().lost], [2, 0]);
});

law(
  "A time limit ends the waiting of an async job, fires its signal, and keeps the worker",
  async () => {
    // With the usual grace, a worker that a busy machine makes late would be given up.
    await using pool = new WorkerPool(1, { timeout: 10, grace: 10_000 });
    assertInstanceOf(await errorOf(pool.submit(hang)), TimeoutError);
    const words = flags();
    const limited = pool.with({ timeout: 500 }); // enough to get as far as to wait
    assertInstanceOf(await errorOf(limited.submit(waitUntilCancelled, words)), TimeoutError);
    await isSet(words, 1);
    assertEquals(await pool.with({ timeout: Infinity }).submit(nap, 30), 30);
    assertEquals(pool.statistics().lost, 0);
  },
);

law("A job that outruns its limit where it cannot be interrupted loses its worker", async () => {
  await using pool = new WorkerPool(1, { grace: 20 });
  await pool.with({ timeout: 1000 }).submit(fib, 1);
  const error = await errorOf(pool.with({ timeout: 10 }).submit(spinAfterAwait));
  assertInstanceOf(error, TimeoutError);
  assertEquals([await pool.submit(fib, 10), pool.statistics().lost], [55, 1]);
});

law("A time limit counts from when the job begins, not from when it was submitted", async () => {
  const limit = 400;
  await using pool = new WorkerPool(1, { timeout: limit });
  const words = flags();
  const first = pool.with({ timeout: 20_000 }).submit(deafUntil, words);
  await isSet(words, 0);
  const second = pool.submit(fib, 10);
  await new Promise((resolve) => setTimeout(resolve, limit + 50)); // it waits longer than it may run
  Atomics.store(words, 1, 1);
  assertEquals([await first, await second], [undefined, 55]);
});

law("WorkerPool.map() holds each job to its time limit", async () => {
  await using pool = new WorkerPool(2);
  assertEquals(await pool.map(burn, [0, 1, 2], { timeout: 500 }), [0, 1, 2]);
  const error = await assertRejects(async () => await pool.map(burn, [0, 400], { timeout: 20 }));
  assertInstanceOf(error, TimeoutError);
});

law("WorkerPool.terminate() settles every future at once", async () => {
  const pool = new WorkerPool(2, { name: "doomed" });
  await pool.submit(fib, 1);
  const futures: Future<unknown>[] = [pool.submit(hang), pool.submit(nap, 60_000)];
  for (let i = 0; i < 50; i++) futures.push(pool.submit(add, i, i));
  const map = Promise.allSettled([pool.map(nap, [60_000, 60_000])]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  pool.terminate();
  pool.terminate();
  assert(futures.every((future) => future.done));
  const error = await errorOf(futures[0]!);
  assertInstanceOf(error, Cancelled);
  assertEquals([error.source, error.reason], ["shutdown", "doomed was terminated"]);
  const [mapped] = await map;
  assert(mapped.status === "rejected" && mapped.reason instanceof Cancelled);
  await pool.join();
  assertEquals(pool.statistics().workers, 0);
});

law("WorkerPool.terminate() does not wait for a worker that computes for ever", async () => {
  const pool = new WorkerPool(2);
  await Promise.all([pool.submit(fib, 1), pool.submit(fib, 1)]);
  const each = [flags(), flags()];
  const futures = each.map((words) => pool.submit(deafUntil, words));
  for (const words of each) await isSet(words, 0);
  pool.terminate();
  await Promise.allSettled(futures);
  await pool.join();
  for (const words of each) {
    assertEquals(words[2], 0, "it was waited for");
    Atomics.store(words, 1, 1);
  }
});

law("WorkerPool.terminate() right after the first submit leaves nothing behind", async () => {
  for (const jobs of [0, 1, 20]) {
    const pool = new WorkerPool(2);
    const futures = Array.from({ length: jobs }, () => pool.submit(fib, 10));
    if (jobs === 20) await Promise.resolve();
    pool.terminate();
    await pool.join();
    assert(futures.every((future) => future.cancelled));
  }
});

law("WorkerPool.terminate() while a worker crashes settles everything once", async () => {
  const pool = new WorkerPool(2);
  const futures = [pool.submit(exitWorker), pool.submit(exitWorker), pool.submit(ignoreCancel, 5)];
  await Promise.race(futures.map((future) => Promise.resolve(future).catch(() => {})));
  pool.terminate();
  await pool.join();
  assert(futures.every((future) => future.done));
});

/** Lets modules load that wait for it, again and again: none hears what was said before it listened. */
class Gate implements Disposable {
  readonly #channel = new BroadcastChannel("slow_to_load");
  #timer: ReturnType<typeof setInterval> | undefined;

  open(): void {
    this.#timer = setInterval(() => this.#channel.postMessage("go"), 1);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.close();
    this.#channel.close();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

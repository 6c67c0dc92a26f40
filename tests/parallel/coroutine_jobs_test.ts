/** Jobs that are task bodies: many at once in one worker. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  Cancelled,
  DeadlockError,
  type Future,
  type JobFunction,
  run,
  TimeoutError,
  WorkerCrashedError,
  WorkerError,
  WorkerPool,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { begun } from "./begun.ts";
import { claim, type Same } from "../types/claims.ts";
import type * as foreign from "./fixtures/foreign_tasks.ts";
import {
  addSlowly,
  circle,
  cleanUp,
  computeInTask,
  dawdle,
  exitInTask,
  fastSum,
  loseChild,
  mostAtOnce,
  open,
  overstay,
  readSignal,
  swallow,
  throwInTask,
  throwInTimer,
  uncloneable,
  waitForOpen,
  whereAmI,
} from "./fixtures/tasks.ts";
import { meet } from "./fixtures/rendezvous.ts";
import { add, burn, exitWorker, nap, spinUntilCancelled } from "./fixtures/work.ts";

/** Two shared words that a job sets. */
function flags(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Resolves once a shared word is set. */
async function isSet(words: Int32Array, index: number): Promise<void> {
  while (Atomics.load(words, index) === 0) await new Promise((resolve) => setImmediate(resolve));
}

async function errorOf(future: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  return await assertRejects(async () => await future) as Error & Record<string, unknown>;
}

law(
  "A job may be a task body of either lane, and its future comes to what it returns",
  async () => {
    await using pool = new WorkerPool(1);
    assertEquals(await pool.submit(addSlowly, 1, 2, 1), 3);
    assertEquals(await pool.submit(fastSum, 10), 45);
    assertEquals(await pool.map(dawdle, [3, 2, 1]), [3, 2, 1]);
  },
);

law("One worker runs many task bodies at once, up to the pool's bound", async () => {
  await using pool = new WorkerPool(1, { tasks: 5 });
  const futures = Array.from({ length: 20 }, () => pool.submit(dawdle, 5));
  await Promise.all(futures);
  assertEquals(await pool.submit(mostAtOnce), 5);
  await using wide = new WorkerPool(1);
  await Promise.all(Array.from({ length: 200 }, () => wide.submit(dawdle, 5)));
  assertEquals(await wide.submit(mostAtOnce), 64);
});

law("WorkerPool.map() of a task body runs many at once, and keeps the order", async () => {
  await using pool = new WorkerPool(2, { tasks: 50 });
  const times = Array.from({ length: 100 }, (_, i) => 1 + i * 7 % 20);
  assertEquals(await pool.map(dawdle, times), times);
  assert(await pool.submit(mostAtOnce) > 20);
});

law("Task bodies are spread over the workers", async () => {
  await using pool = new WorkerPool(2);
  const both = new Int32Array(new SharedArrayBuffer(4));
  await Promise.all([pool.submit(meet, both), pool.submit(meet, both)]);
  await Promise.all(Array.from({ length: 20 }, () => pool.submit(whereAmI, 1)));
  const names = await Promise.all(Array.from({ length: 20 }, () => pool.submit(whereAmI, 200)));
  const [name] = names;
  const here = names.filter((one) => one === name).length;
  assert(here > 0 && here < 20, `${here} of 20 ran in one worker`);
});

law("Task bodies do not wait for a job that computes in another worker", async () => {
  await using pool = new WorkerPool(2);
  const words = flags();
  await pool.submit(spinUntilCancelled, words).get(0).then(() => {}, () => {});
  await isSet(words, 0);
  const futures = Array.from({ length: 8 }, () => pool.submit(addSlowly, 1, 1, 1));
  assertEquals(await Promise.all(futures), futures.map(() => 2));
  assertEquals(pool.statistics().running, 1);
});

law("A plain job stuck behind a task body that computes goes to another worker", async () => {
  await using pool = new WorkerPool(2);
  await pool.submit(add, 1, 1);
  const words = flags();
  const computing = pool.submit(readSignal, words);
  await isSet(words, 0);
  assertEquals([await pool.submit(add, 1, 1), computing.done], [2, false]);
});

law("Task bodies stuck behind one that computes go to another worker", async () => {
  await using pool = new WorkerPool(2);
  await pool.submit(addSlowly, 1, 1, 1);
  const words = flags();
  const computing = pool.submit(readSignal, words);
  await isSet(words, 0);
  const futures = Array.from({ length: 8 }, () => pool.submit(addSlowly, 1, 1, 1));
  assertEquals(await Promise.all(futures), futures.map(() => 2));
  assertEquals(computing.done, false);
});

law("Plain jobs run beside task bodies that wait, and beside plain jobs that wait", async () => {
  await using pool = new WorkerPool(1);
  const slow = pool.submit(dawdle, 500);
  assertEquals(await pool.submit(add, 1, 2), 3);
  const waiting = pool.submit(nap, 500);
  assertEquals([await pool.submit(addSlowly, 3, 4, 1), waiting.done, slow.done], [7, false, false]);
  assertEquals(await Promise.all([slow, waiting]), [500, 500]);
});

law("A job may wake a task of another job in its worker", async () => {
  await using pool = new WorkerPool(1);
  const waits = [pool.submit(waitForOpen), pool.submit(waitForOpen)];
  await pool.submit(addSlowly, 1, 1, 10);
  assertEquals(waits.map(({ done }) => done), [false, false]);
  await pool.submit(open);
  assertEquals(await Promise.all(waits), ["opened", "opened"]);
});

law("Tasks of a job that wait for one another in a circle fail it", async () => {
  await using pool = new WorkerPool(1);
  const error = await errorOf(pool.submit(circle));
  const deadlock = error instanceof AggregateError ? error.errors[0] : error;
  assertInstanceOf(deadlock, DeadlockError);
  assertEquals(await pool.submit(addSlowly, 1, 1, 1), 2);
});

law("Errors of task bodies and of their children are transported", async () => {
  await using pool = new WorkerPool(1);
  const thrown = await errorOf(pool.submit(throwInTask, "in a task"));
  assertInstanceOf(thrown, RangeError);
  assertEquals(thrown.message, "in a task");
  assertStringIncludes(thrown.stack!, "throwInTask");
  const child = await errorOf(pool.submit(loseChild));
  assertInstanceOf(child, RangeError);
  assertEquals(child.message, "a child's");
  const timer = await errorOf(pool.submit(throwInTimer));
  assertEquals(timer.message, "in a timer of a task");
  const result = await errorOf(pool.submit(uncloneable));
  assertInstanceOf(result, WorkerError);
  assertStringIncludes(result.message, 'Cannot send the result of job "uncloneable"');
  const argument = await errorOf(pool.submit(addSlowly, (() => {}) as never, 1, 1));
  assertStringIncludes(argument.message, 'Cannot send the arguments of job "addSlowly"');
  assertEquals([await pool.submit(fastSum, 3), pool.statistics().lost], [3, 0]);
});

law(
  "Future.cancel() throws a Cancelled in the task, which may clean up, and keeps the worker",
  async () => {
    await using pool = new WorkerPool(1, { grace: 60 });
    const words = flags();
    const future = pool.submit(cleanUp, words, 200);
    const neighbour = pool.submit(dawdle, 300);
    await isSet(words, 0);
    assertEquals([future.cancel("enough"), future.cancelled], ["kill", true]);
    const error = await errorOf(future);
    assertInstanceOf(error, Cancelled);
    assertEquals(error.reason, "enough");
    assertEquals(Atomics.load(words, 1), 0);
    await isSet(words, 1);
    assertEquals([await neighbour, pool.statistics().lost], [300, 0]);
  },
);

law("A cancel is thrown at every wait of the task, until it ends", async () => {
  await using pool = new WorkerPool(1);
  const words = flags();
  const future = pool.submit(swallow, words);
  await isSet(words, 0);
  future.cancel();
  while (Atomics.load(words, 1) < 3) await new Promise((resolve) => setImmediate(resolve));
  assertEquals(await pool.submit(addSlowly, 1, 1, 1), 2);
});

law("jobSignal() of a task body sees a cancel in a loop", async () => {
  await using pool = new WorkerPool(1);
  const words = flags();
  const future = pool.submit(readSignal, words);
  await isSet(words, 0);
  assertEquals(future.cancel(), "kill");
  await isSet(words, 1);
  assertEquals([await pool.submit(add, 1, 1), pool.statistics().lost], [2, 0]);
});

law("A task body that is cancelled before it began is dropped", async () => {
  await using pool = new WorkerPool(1, { tasks: 2 });
  const futures = Array.from({ length: 6 }, () => pool.submit(dawdle, 10));
  await pool.submit(add, 1, 1);
  assertEquals(futures[4]!.cancel(), "dropped");
  const results = await Promise.allSettled(futures);
  assertEquals(results.filter(({ status }) => status === "fulfilled").length, 5);
  assertEquals([pool.statistics().queued, pool.statistics().running], [0, 0]);
});

law("A task body that computes and does not stop loses its worker", async () => {
  await using pool = new WorkerPool(1, { grace: 20 });
  await pool.submit(addSlowly, 1, 1, 1);
  const future = pool.submit(computeInTask, 400);
  await begun(future);
  await new Promise((resolve) => setTimeout(resolve, 5)); // past its only checkpoint
  assertEquals(future.cancel(), "kill");
  assertEquals([await pool.submit(add, 1, 1), pool.statistics().lost], [2, 1]);
});

law("A time limit ends a task body, which may clean up, and keeps the worker", async () => {
  await using pool = new WorkerPool(1, { grace: 1000 });
  const neighbour = pool.submit(dawdle, 100);
  const error = await errorOf(pool.with({ timeout: 10 }).submit(dawdle, 10_000));
  assertInstanceOf(error, TimeoutError);
  assertEquals(error.message, 'Timed out after 10 ms: job "dawdle"');
  assertEquals(await pool.with({ timeout: 1000 }).submit(addSlowly, 1, 1, 1), 2);
  assertEquals([await neighbour, pool.statistics().lost], [100, 0]);
});

law("A task body that overstays its time is not waited for, and harms no neighbour", async () => {
  {
    await using pool = new WorkerPool(1, { grace: 5000 });
    const neighbour = pool.submit(dawdle, 400);
    assertInstanceOf(await errorOf(pool.with({ timeout: 10 }).submit(overstay, 250)), TimeoutError);
    assertEquals([await neighbour, pool.statistics().lost], [400, 0]);
  }
  await using pool = new WorkerPool(1, { grace: 20 });
  const stuck = await errorOf(pool.with({ timeout: 10 }).submit(computeInTask, 2000));
  assertInstanceOf(stuck, TimeoutError);
  assertEquals([await pool.submit(add, 1, 1), pool.statistics().lost], [2, 1]);
});

law("A worker that crashes takes its tasks with it, and each is told", async () => {
  await using pool = new WorkerPool(1);
  const futures = [pool.submit(dawdle, 1000), pool.submit(dawdle, 1000)];
  await pool.submit(dawdle, 1);
  for (const crash of [exitInTask, exitWorker]) {
    const crashed = pool.submit(crash as typeof exitWorker);
    for (const future of [...futures, crashed]) {
      const error = await errorOf(future);
      assertInstanceOf(error, WorkerCrashedError);
      assertStringIncludes(error.message, "its worker ended while it ran");
    }
    futures.splice(0, 2, pool.submit(dawdle, 1000), pool.submit(dawdle, 1000));
    await pool.submit(dawdle, 1);
  }
  assertEquals(pool.statistics().lost, 2);
  for (const future of futures) future.cancel(); // on a busy machine this may cost one more
  assertEquals(await pool.submit(add, 1, 1), 2);
});

law("WorkerPool.terminate() cancels the futures of task bodies at once", async () => {
  const pool = new WorkerPool(2);
  const futures: Future<unknown>[] = Array.from({ length: 200 }, () => pool.submit(dawdle, 1000));
  await pool.submit(add, 1, 1);
  pool.terminate();
  assert(futures.every((future) => future.cancelled));
  await pool.join();
});

law("WorkerPool.close() lets task bodies finish", async () => {
  const pool = new WorkerPool(2);
  const futures = Array.from({ length: 100 }, () => pool.submit(dawdle, 5));
  pool.close();
  await pool.join();
  assert(futures.every((future) => future.successful));
});

law("A worker that is recycled finishes its tasks first", async () => {
  await using pool = new WorkerPool(1, { recycle: 10 });
  const results = await Promise.all(Array.from({ length: 50 }, () => pool.submit(dawdle, 3)));
  assertEquals(results, Array.from({ length: 50 }, () => 3));
  assertEquals([pool.statistics().started, pool.statistics().lost], [5, 0]);
});

law("Shrinking a pool lets tasks finish, and moves those that have not begun", async () => {
  await using pool = new WorkerPool(2, { tasks: 4 });
  const futures = Array.from({ length: 40 }, () => pool.submit(dawdle, 5));
  await pool.submit(burn, 1);
  pool.resize(1);
  await Promise.all(futures);
  while (pool.statistics().workers > 1) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(pool.statistics().lost, 0);
});

law("A task body of a module that no pool knows runs like one once it is known", async () => {
  await using pool = new WorkerPool(1);
  const module = pool.use<typeof foreign>(import.meta.resolve("./fixtures/foreign_tasks.ts"));
  assertEquals(await module.visit(1), 1);
  const most = await Promise.all(Array.from({ length: 10 }, () => module.visit(10)));
  assertEquals(Math.max(...most), 10);
});

law("A task body waits for a future like for anything else, inside of a run", async () => {
  await run(async function* () {
    const pool = new WorkerPool(1);
    const futures = [pool.submit(addSlowly, 1, 2, 5), pool.submit(dawdle, 1)];
    assertEquals([yield* futures[0]!, await futures[1]!], [3, 1]);
    pool.submit(dawdle, 100_000);
  });
});

law("The future of a task body has the type of what it returns", () => {
  const pool = new WorkerPool(1);
  const check = (): void => {
    const sum = pool.submit(addSlowly, 1, 2, 3);
    claim<Same<typeof sum, Future<number>>>();
    const fast = pool.with({ timeout: 5 }).submit(fastSum, 3);
    claim<Same<typeof fast, Future<number>>>();
    claim<Same<typeof fastSum extends JobFunction<infer F> ? Parameters<F> : never, [n: number]>>();
    const module = pool.use<typeof foreign>("file:///x.ts");
    const visit = module.visit(1);
    claim<Same<typeof visit, Future<number>>>();
    const mapped = pool.map(dawdle, [1]);
    claim<Same<Awaited<typeof mapped>, number[]>>();
    // @ts-expect-error an argument is missing
    pool.submit(addSlowly, 1, 2);
    // @ts-expect-error the argument is no number
    pool.submit(fastSum, "3");
  };
  assertEquals(typeof check, "function");
});

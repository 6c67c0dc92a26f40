/** Getting each worker ready before its first job. */
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { run, WorkerPool } from "@weft/weft";
import { BrokenPoolError } from "../../src/parallel/worker_error.ts";
import { law } from "../lib/law.ts";
import {
  exitInSetUp,
  failLater,
  failToGetReady,
  failUnlessFirst,
  getReady,
  getReadyLater,
  look,
  lookInTask,
  prepareInTask,
} from "./fixtures/lives.ts";
import { meet } from "./fixtures/rendezvous.ts";
import { add, exitWorker } from "./fixtures/work.ts";

function shared(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

law("The initializer runs once in each worker, before its first job", async () => {
  const words = shared();
  await using pool = new WorkerPool(2, { initializer: getReady, initArgs: [words, "ready"] });
  const both = shared();
  assertEquals(await Promise.all([pool.submit(meet, both), pool.submit(meet, both)]), [2, 2]);
  const looks = await Promise.all(Array.from({ length: 50 }, () => pool.submit(look)));
  assertEquals(new Set(looks), new Set(["ready 1"]));
  assertEquals(words[0], 2);
});

law("A worker that takes the place of another is got ready, too", async () => {
  const words = shared();
  await using pool = new WorkerPool(1, { initializer: getReady, initArgs: [words, "again"] });
  assertEquals(await pool.submit(look), "again 1");
  await Promise.allSettled([pool.submit(exitWorker)]);
  assertEquals([await pool.submit(look), words[0]], ["again 1", 2]);
  await using fresh = new WorkerPool(1, {
    initializer: getReady,
    initArgs: [words, "x"],
    recycle: 2,
  });
  for (let i = 0; i < 6; i++) assertEquals(await fresh.submit(look), "x 1");
  assertEquals(words[0], 5);
});

law("Jobs wait for an initializer that waits", async () => {
  await using pool = new WorkerPool(2, { initializer: getReadyLater, initArgs: [20] });
  assertEquals(await pool.map(look, []), []);
  assertEquals(await Promise.all([pool.submit(look), pool.submit(look)]), ["late", "late"]);
});

law("An initializer may be a task body, and what jobs wait for it may be some, too", async () => {
  await using pool = new WorkerPool(1, { initializer: prepareInTask, initArgs: [10] });
  const futures = [pool.submit(lookInTask), pool.submit(look), pool.submit(lookInTask)];
  assertEquals(await Promise.all(futures), ["in a task", "in a task", "in a task"]);
});

for (
  const [how, initializer, cause] of [
    ["throws", failToGetReady, "RangeError: no such thing"],
    ["rejects", failLater, "TypeError: not today"],
    ["ends its worker", exitInSetUp, "Error: it called Deno.exit(3)"],
  ] as const
) {
  law(`An initializer that ${how} breaks the pool: every job fails and says so`, async () => {
    const words = shared();
    await using pool = new WorkerPool(2, { initializer, initArgs: [words] });
    const before = Array.from({ length: 20 }, () => pool.submit(add, 1, 1));
    const map = assertRejects(
      async () => await pool.map(look, [1, 2, 3] as never),
      BrokenPoolError,
    );
    for (const result of await Promise.allSettled(before)) {
      const error = (result as PromiseRejectedResult).reason;
      assertInstanceOf(error, BrokenPoolError);
      assertEquals([error.name, error.job, error.message], [
        "BrokenPoolError",
        "add",
        `Cannot run job "add": the initializer "${initializer.name}" failed in a worker: ${cause}`,
      ]);
    }
    await map;
    assertEquals(pool.statistics().state, "broken");
    const { started } = pool.statistics();
    const later = await assertRejects(async () => await pool.submit(look), BrokenPoolError);
    assertEquals(later.job, "look");
    assertEquals([pool.statistics().started, pool.statistics().workers], [started, 0]);
    pool.close();
    await pool.join();
  });
}

law("A worker that cannot be replaced breaks the pool", async () => {
  await using pool = new WorkerPool(1, { initializer: failUnlessFirst, initArgs: [shared()] });
  assertEquals(await pool.submit(look), "first");
  await Promise.allSettled([pool.submit(exitWorker)]);
  await assertRejects(async () => await pool.submit(look), BrokenPoolError, "one is enough");
});

law("A broken pool inside a run makes the run reject with what broke it", async () => {
  const error = await assertRejects(() =>
    run(function* () {
      const pool = new WorkerPool(1, { initializer: failToGetReady, initArgs: [shared()] });
      yield* pool.submit(look);
    }), BrokenPoolError);
  assertInstanceOf(error.cause, RangeError);
});

law("WorkerPool refuses an initializer that no worker can find, or be sent", () => {
  assertThrows(
    () => new WorkerPool(1, { initializer: (() => {}) as never }),
    TypeError,
    "jobs(import",
  );
  assertThrows(
    () => new WorkerPool(1, { initializer: getReady, initArgs: [() => {}] }),
    TypeError,
    'Cannot send the arguments of initializer "getReady"',
  );
});

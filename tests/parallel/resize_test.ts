/** Pools that grow and shrink. */
import { assertEquals, assertThrows } from "@std/assert";
import { WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { runProgram } from "../lib/child.ts";
import { begun } from "./begun.ts";
import { holdOn, meet } from "./fixtures/rendezvous.ts";
import { add, burn, nap } from "./fixtures/work.ts";

function shared(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Waits until the pool has so many workers. */
async function hasWorkers(pool: WorkerPool, count: number): Promise<void> {
  while (pool.statistics().workers !== count) await new Promise((go) => setTimeout(go, 1));
}

/** Makes a pool start two workers. */
async function useBoth(pool: WorkerPool): Promise<void> {
  const words = shared();
  assertEquals(await Promise.all([pool.submit(meet, words), pool.submit(meet, words)]), [2, 2]);
}

law("A pool grows with the work and shrinks to `min` when there has been none", async () => {
  await using pool = new WorkerPool(2, { min: 1, idle: 20 });
  assertEquals(pool.statistics().workers, 0);
  for (let round = 0; round < 2; round++) {
    await useBoth(pool);
    assertEquals(pool.statistics().workers, 2);
    await hasWorkers(pool, 1);
  }
  await new Promise((resolve) => setTimeout(resolve, 60));
  assertEquals([pool.statistics().workers, pool.statistics().lost], [1, 0]);
  assertEquals(await pool.submit(add, 1, 2), 3);
});

law("A pool shrinks to nothing, and works again", async () => {
  await using pool = new WorkerPool(2, { idle: 5 });
  for (let round = 0; round < 3; round++) {
    await useBoth(pool);
    await hasWorkers(pool, 0);
  }
  assertEquals(pool.statistics().started, 6);
});

law("A worker that is at work is not idle, however long that takes", async () => {
  await using pool = new WorkerPool(1, { idle: 10 });
  assertEquals(await pool.submit(nap, 60), 60);
  assertEquals(await pool.submit(burn, 40), 40);
  assertEquals(pool.statistics().lost, 0);
});

law("WorkerPool.resize() lets a pool grow", async () => {
  await using pool = new WorkerPool(1);
  const words = shared();
  const futures = [pool.submit(meet, words), pool.submit(meet, words)];
  await pool.submit(add, 1, 1).get(20).then(() => {}, () => {});
  assertEquals([pool.size, pool.statistics().workers], [1, 1]);
  pool.resize(2);
  assertEquals(await Promise.all(futures), [2, 2]);
  assertEquals([pool.size, pool.statistics().workers], [2, 2]);
});

law("WorkerPool.resize() ends idle workers at once, and busy ones after their job", async () => {
  await using pool = new WorkerPool(2);
  await useBoth(pool);
  pool.resize(1);
  assertEquals(pool.statistics().workers, 1);
  pool.resize(2);
  await useBoth(pool);
  const words = new Int32Array(new SharedArrayBuffer(8));
  const busy = [pool.submit(holdOn, words), pool.submit(holdOn, words)];
  const others = Array.from({ length: 20 }, (_, i) => pool.submit(add, i, 1));
  for (const job of busy) await begun(job);
  pool.resize(1);
  assertEquals(pool.statistics().workers, 2);
  Atomics.store(words, 1, 7);
  Atomics.notify(words, 1);
  assertEquals(await Promise.all(busy), [7, 7]);
  assertEquals(await Promise.all(others), others.map((_, i) => i + 1));
  await hasWorkers(pool, 1);
  assertEquals(pool.statistics().lost, 0);
});

law("WorkerPool.resize() back and forth loses no job", async () => {
  await using pool = new WorkerPool(2);
  const futures = Array.from(
    { length: 600 },
    (_, i) => i % 50 === 0 ? pool.submit(nap, 1) : pool.submit(add, i, 0),
  );
  for (let round = 0; round < 10; round++) {
    pool.resize(1 + round % 3);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const results = await Promise.all(futures);
  assertEquals(results, futures.map((_, i) => i % 50 === 0 ? 1 : i));
  pool.resize(1);
  await hasWorkers(pool, 1);
});

law("A pool that may shrink does not keep the process alive", async () => {
  const ended = await runProgram(`
    import { WorkerPool } from "@weft/weft";
    import { add } from "./tests/parallel/fixtures/work.ts";
    const pool = new WorkerPool(2, { idle: 60_000 });
    console.log(await pool.submit(add, 1, 2));
  `);
  assertEquals(ended, { code: 0, stdout: "3", stderr: "" });
});

law("WorkerPool refuses sizes and times that are none", () => {
  const pool = new WorkerPool(1);
  assertThrows(() => pool.resize(0), RangeError);
  assertThrows(() => pool.resize(1.5), RangeError);
  assertThrows(() => new WorkerPool(2, { min: 3 }), RangeError, "from 0 to 2");
  assertThrows(() => new WorkerPool(2, { idle: -1 }), RangeError, "a time without work");
});

/** Priorities: the more urgent first, of equals the first come, and nothing interrupted. */
import { assertEquals, assertThrows } from "@std/assert";
import { WorkerPool } from "@weft/weft";
import { law } from "../lib/law.ts";
import { begun } from "./begun.ts";
import { burn, burnMoved, deafUntil } from "./fixtures/work.ts";
import { transfer } from "@weft/weft";
import { note } from "./fixtures/notes.ts";

/** With these words a job that would wait for a word ends at once. */
const OPEN: Int32Array = Int32Array.of(0, 1, 0);

/** A pool of one worker that is busy until all is submitted, and what it then did, in order. */
async function orderOf(
  submit: (pool: WorkerPool, log: Int32Array) => PromiseLike<unknown>[],
  options: { measured: boolean } = { measured: true },
): Promise<number[]> {
  await using pool = new WorkerPool(1);
  const log = new Int32Array(new SharedArrayBuffer(4 * 1000));
  if (options.measured) {
    await Promise.all([pool.submit(note, new Int32Array(4), 0), pool.submit(deafUntil, OPEN)]);
  }
  const words = new Int32Array(new SharedArrayBuffer(12));
  const busy = pool.submit(deafUntil, words);
  await begun(busy);
  const jobs = submit(pool, log);
  setTimeout(() => Atomics.store(words, 1, 1), 10);
  await Promise.all([busy, ...jobs]);
  return [...log.subarray(1, 1 + log[0]!)];
}

law("Jobs of a higher priority begin first, of one priority in the order of submits", async () => {
  const order = await orderOf((pool, log) => {
    const priorities = [0, 5, -1, 5, 0, 7.5, -1, 0];
    return priorities.map((priority, i) => pool.with({ priority }).submit(note, log, i));
  });
  assertEquals(order, [5, 1, 3, 0, 4, 7, 2, 6]);
});

law("A plain submit has priority 0", async () => {
  const order = await orderOf((pool, log) => [
    pool.with({ priority: -1 }).submit(note, log, 1),
    pool.submit(note, log, 2),
    pool.with({ priority: 1 }).submit(note, log, 3),
    pool.submit(note, log, 4),
  ]);
  assertEquals(order, [3, 2, 4, 1]);
});

law("An urgent job overtakes what its worker was given ahead and has not begun", async () => {
  await using pool = new WorkerPool(1);
  const log = new Int32Array(new SharedArrayBuffer(4 * 1000));
  await Promise.all([pool.submit(note, new Int32Array(4), 0), pool.submit(deafUntil, OPEN)]);
  const words = new Int32Array(new SharedArrayBuffer(12));
  const busy = pool.submit(deafUntil, words);
  const before = [1, 2, 3, 4].map((n) => pool.submit(note, log, n));
  while (!busy.running || pool.statistics().running < 2) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const urgent = pool.with({ priority: 1 }).submit(note, log, 9);
  setTimeout(() => Atomics.store(words, 1, 1), 10);
  await Promise.all([busy, urgent, ...before]);
  assertEquals([...log.subarray(1, 6)], [9, 1, 2, 3, 4]);
});

law("What was moved stays with its worker, and an urgent job waits for it", async () => {
  await using pool = new WorkerPool(1);
  const log = new Int32Array(new SharedArrayBuffer(4 * 1000));
  const bytes = (): Uint8Array<ArrayBuffer> => {
    const made = new Uint8Array(10);
    return transfer(made, [made.buffer]);
  };
  await Promise.all([pool.submit(note, new Int32Array(4), 0), pool.submit(burnMoved, bytes(), 0)]);
  const moved = Array.from({ length: 3 }, () => pool.submit(burnMoved, bytes(), 10));
  await begun(moved[0]!);
  await Promise.all([...moved, pool.with({ priority: 1 }).submit(note, log, 9)]);
  assertEquals(log[0], 1);
});

law(
  "Jobs that come back from a crashed worker keep their order within their priority",
  async () => {
    await using pool = new WorkerPool(1);
    const log = new Int32Array(new SharedArrayBuffer(4 * 1000));
    await Promise.all([pool.submit(note, new Int32Array(4), 0), pool.submit(burn, 5)]);
    const { exitWorker } = await import("./fixtures/work.ts");
    const dying = pool.submit(exitWorker).get().then(() => 0, () => 1);
    const jobs = [1, 2, 3, 4, 5, 6].map((n) => pool.with({ priority: n % 2 }).submit(note, log, n));
    await Promise.all([dying, ...jobs]);
    const order = [...log.subarray(1, 7)];
    assertEquals(order.filter((n) => n % 2 === 1), [1, 3, 5]);
    assertEquals(order.filter((n) => n % 2 === 0), [2, 4, 6]);
  },
);

law("A map goes by its priority, as a whole", async () => {
  const order = await orderOf((pool, log) => [
    pool.starmap(note, [[log, 1], [log, 2]], { priority: -1 }),
    pool.starmap(note, [[log, 3], [log, 4]]),
    pool.starmap(note, [[log, 5], [log, 6]], { priority: 2 }),
    pool.with({ priority: 1 }).submit(note, log, 7),
  ]);
  assertEquals(order, [5, 6, 7, 3, 4, 1, 2]);
});

law("A cancelled job of any priority is passed over", async () => {
  const order = await orderOf((pool, log) => {
    const futures = [3, 1, 2, 3, 1].map((priority, i) =>
      pool.with({ priority }).submit(note, log, i)
    );
    futures[0]!.cancel();
    futures[2]!.cancel();
    return [futures[1]!, futures[3]!, futures[4]!];
  });
  assertEquals(order, [3, 1, 4]);
});

law("Random priorities come out as a stable sort would give them", async () => {
  const priorities = Array.from({ length: 400 }, (_, i) => Math.imul(i + 1, 2654435761) % 7);
  const order = await orderOf((pool, log) =>
    priorities.map((priority, i) => pool.with({ priority }).submit(note, log, i))
  );
  const want = priorities.map((priority, i) => ({ priority, i }))
    .toSorted((a, b) => b.priority - a.priority).map(({ i }) => i);
  assertEquals(order, want);
});

law("A priority must be a finite number", async () => {
  await using pool = new WorkerPool(1);
  assertThrows(
    () => pool.with({ priority: Infinity }),
    RangeError,
    "Cannot use Infinity as a priority: it must be a finite number",
  );
});

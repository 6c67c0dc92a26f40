/**
 * A value and an array that four workers share, without and with a lock. Watch the first line: a read and
 * a write are each whole, but what another worker writes between the two is lost. Money moved between
 * accounts without the lock goes astray in the same way. The lock makes both right; for a single number
 * `add`, which is one step, does so for less.
 *
 *     deno run --allow-read examples/shared_memory.ts
 */
import { jobs, SharedArray, SharedBarrier, SharedValue, WorkerPool } from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

const WORKERS = 4;
const TIMES = 100_000;
const ACCOUNTS = 4;

/** How the workers keep out of each other's way. */
type Manner = "without the lock" | "with the lock" | "with add()";

const { count, move } = jobs(import.meta, {
  /** Counts up, once all are there. */
  count(counter: SharedValue<"int32">, start: SharedBarrier, manner: Manner): void {
    start.waitSync();
    for (let i = 0; i < TIMES; i++) {
      if (manner === "with add()") {
        counter.add(1);
        continue;
      }
      if (manner === "with the lock") counter.lock.acquireSync();
      counter.value = counter.value + 1;
      if (manner === "with the lock") counter.lock.release();
    }
  },
  /** Moves money between accounts. */
  move(accounts: SharedArray<"int32">, start: SharedBarrier, manner: Manner, seed: number): void {
    start.waitSync();
    for (let i = 0; i < TIMES; i++) {
      const from = (i + seed) % ACCOUNTS;
      const to = (i * 7 + seed + 1) % ACCOUNTS;
      if (manner === "with the lock") accounts.lock.acquireSync();
      accounts.set(from, accounts.at(from)! - 1);
      accounts.set(to, accounts.at(to)! + 1);
      if (manner === "with the lock") accounts.lock.release();
    }
  },
});

/** Lets all workers count, and prints what came of it. Returns how many counts were lost. */
async function countTogether(pool: WorkerPool, manner: Manner): Promise<number> {
  const counter = new SharedValue("int32");
  const start = new SharedBarrier(WORKERS);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: WORKERS }, () => pool.submit(count, counter, start, manner)),
  );
  const ms = (performance.now() - began).toFixed(0);
  const lost = WORKERS * TIMES - counter.value;
  console.log(`${manner}: ${WORKERS} × ${TIMES} gave ${counter.value}, ${lost} lost (${ms} ms)`);
  return lost;
}

/** Lets all workers move money, and prints the sum of all accounts. Returns it. */
async function moveTogether(pool: WorkerPool, manner: Manner): Promise<number> {
  const accounts = new SharedArray("int32", Array<number>(ACCOUNTS).fill(1000));
  const start = new SharedBarrier(WORKERS);
  await Promise.all(
    Array.from({ length: WORKERS }, (_, i) => pool.submit(move, accounts, start, manner, i)),
  );
  const sum = [...accounts].reduce((a, b) => a + b);
  console.log(`${manner}: ${ACCOUNTS * 1000} in ${ACCOUNTS} accounts became ${sum}`);
  return sum;
}

if (import.meta.main) {
  readArgs(
    "A value and an array shared by four workers, without and with a lock.\n\n" +
      "  deno run --allow-read examples/shared_memory.ts",
  );
  mustHave("This example", "read");
  await using pool = new WorkerPool(WORKERS);
  console.log("a counter");
  for (let tries = 0; tries < 20; tries++) {
    if (await countTogether(pool, "without the lock") > 0) break; // else they never met: once more
  }
  const lost = await countTogether(pool, "with the lock") + await countTogether(pool, "with add()");
  console.log("accounts");
  for (let tries = 0; tries < 20; tries++) {
    if (await moveTogether(pool, "without the lock") !== ACCOUNTS * 1000) break;
  }
  const sum = await moveTogether(pool, "with the lock");
  if (lost !== 0 || sum !== ACCOUNTS * 1000) throw new Error("The lock does not hold");
}

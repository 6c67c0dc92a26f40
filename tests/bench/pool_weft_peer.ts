/**
 * weft's side of the pool rows.
 *
 *     deno run -A tests/bench/pool_weft_peer.ts WORK N
 */
import { TimeoutError, transfer, WorkerPool } from "@weft/weft";
import { clocked, expect, main, median, repeated } from "./peers/pool_works.mjs";
import { WORKERS } from "./peers/pool_tasks.mjs";
import { tasks } from "./pool_jobs.ts";

/** The jobs of one argument, by name, of a type that the common works can call. */
const { loop, ...named } = tasks;
const byName = named as unknown as Record<string, typeof tasks.same>;

/** How many milliseconds the loop may take that is interrupted. */
const LIMIT = 20;
/** A limit that no job reaches. */
const FAR = 10_000;

/** Numbers up to n, each of which comes a little later. */
async function* counts(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}

/** An async iterable of n through the pool, in no order; nanoseconds each. */
async function stream(n: number): Promise<number> {
  const pool = new WorkerPool(WORKERS);
  const read = async () => {
    let sum = 0;
    for await (const value of pool.imapUnordered(tasks.same, counts(n))) sum += value;
    expect(sum, n * (n - 1) / 2);
  };
  return await repeated(5, read) * 1e6 / n;
}

/** How many items are drawn and not yet read, at most, with a window of n and a slow reader. */
async function mostAhead(n: number): Promise<number> {
  const pool = new WorkerPool(WORKERS);
  const count = n * 20;
  let drawn = 0;
  let read = 0;
  let most = 0;
  const counted = async function* () {
    for (let i = 0; i < count; i++) {
      most = Math.max(most, ++drawn - read);
      yield i;
    }
  };
  for await (const _ of pool.imapUnordered(tasks.same, counted(), { window: n })) {
    read++;
    // Now and then the workers get all the time they need to run ahead.
    if (read % n === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(read, count);
  return most;
}

/** How late a loop is stopped, beyond its limit, as the caller sees it; milliseconds. */
async function lateness(n: number): Promise<number> {
  const pool = new WorkerPool(WORKERS);
  await Promise.all([pool.submit(tasks.same, 1), pool.submit(tasks.same, 2)]);
  const limited = pool.with({ timeout: LIMIT });
  const stop = async () => {
    const error = await limited.submit(loop).then(() => null, (reason: unknown) => reason);
    if (!(error instanceof TimeoutError)) throw error;
  };
  await stop();
  const { started } = pool.statistics();
  const samples: number[] = [];
  for (let i = 0; i < n; i++) samples.push(await clocked(stop) - LIMIT);
  expect(pool.statistics().started, started); // the workers were kept
  return median(samples);
}

/** What a limit that is not reached adds to a call, of one worker, so that nothing hides; µs. */
async function priceOfLimit(n: number): Promise<number> {
  const pool = new WorkerPool(1);
  const limited = pool.with({ timeout: FAR });
  const submitAll = (to: Pick<WorkerPool, "submit">) => async () => {
    const calls: PromiseLike<number>[] = [];
    for (let i = 0; i < n; i++) calls.push(to.submit(tasks.same, i));
    await Promise.all(calls);
  };
  const [free, bound] = [submitAll(pool), submitAll(limited)];
  await free();
  await bound();
  const samples: number[] = [];
  for (let i = 0; i < 5; i++) {
    samples.push((-await clocked(free) + await clocked(bound)) * 1000 / n);
  }
  return median(samples);
}

main(() => {
  const pool = new WorkerPool(WORKERS);
  return {
    call: (name, argument, moved) => {
      const given = moved === undefined ? argument : transfer(argument as Uint8Array, moved);
      return pool.submit(byName[name]!, given as number);
    },
    map: (name, items) => pool.map(byName[name]!, items),
  };
}, {
  stream,
  "stream-ahead": mostAhead,
  "limit-late": lateness,
  "limit-price": priceOfLimit,
});

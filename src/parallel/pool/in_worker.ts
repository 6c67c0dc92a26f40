/**
 * One call in a worker, without a pool of one's own.
 *
 * The pool behind it belongs to the one that can end it: to the run, if a task calls, so that the run ends
 * with no worker left; to the process, if plain code does, and then its workers go when they have had
 * nothing to do for a moment. A pool per call was rejected (a worker starts in 10 ms), and so was one for
 * all runs: nobody could say when it has to end.
 */
import type { Operation } from "../../kernel/operation.ts";
import type { Scheduler } from "../../kernel/scheduler.ts";
import type { Addressed, AnyFunction, JobArguments, JobResult } from "../jobs.ts";
import { currentRun } from "./failure_log.ts";
import { waitFor } from "./job_sender.ts";
import { WorkerPool } from "./pool.ts";

/** The process's workers go after so many milliseconds without work. */
const IDLE_MS = 200;

const pools = new WeakMap<Scheduler, WorkerPool>();
let processPool: WorkerPool | null = null;

/**
 * Calls a job function in a worker and waits for its result, while other tasks go on.
 *
 * Each run has a pool for this, made with its first call, with as many workers as the machine has
 * processors, and ended with the run; plain code outside of runs shares one pool of the process. Calls
 * begin in the order in which they are waited for. A cancel of the wait ends it at once, and cancels the
 * call: dropped if it has not begun, else told to stop (see `jobSignal`), and its worker given up if it
 * does not within 100 ms. For anything beyond, such as time limits, make a {@linkcode WorkerPool}.
 *
 * @example Two computations beside the run
 * ```ts
 * import { all, inWorker, jobs, run } from "@weft/weft";
 *
 * const { fib } = jobs(import.meta, {
 *   fib(n: number): number {
 *     return n < 2 ? n : fib(n - 1) + fib(n - 2);
 *   },
 * });
 *
 * if (import.meta.main) {
 *   const both = await run(async function* () {
 *     return yield* all([inWorker(fib, 20), inWorker(fib, 21)]);
 *   });
 *   if (both.join() !== "6765,10946") throw new Error(both.join());
 * }
 * ```
 *
 * @typeParam F The function's type.
 * @param job A function made by {@linkcode jobs}: plain, async, or a task body.
 * @param args Its arguments; they are cloned, or moved where `transfer` says so.
 * @returns An operation that evaluates to what the function returns, and throws what it throws.
 * @throws {TypeError} If `job` is a plain function; the message says what to write.
 */
export function inWorker<F extends AnyFunction>(
  job: Addressed<F>,
  ...args: JobArguments<F>
): Operation<JobResult<F>> {
  const run = currentRun();
  const submit = () => poolOf(run).submit(job, ...args);
  return waitFor("inWorker", job, submit) as Operation<JobResult<F>>;
}

function poolOf(run: Scheduler | null): WorkerPool {
  if (run === null) {
    return processPool ??= new WorkerPool(undefined, { name: "inWorker", idle: IDLE_MS });
  }
  let pool = pools.get(run);
  if (pool === undefined) pools.set(run, pool = new WorkerPool(undefined, { name: "inWorker" }));
  return pool;
}

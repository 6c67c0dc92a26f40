/**
 * What callers see of a job: its future.
 *
 * A future is no task: it has no code on this thread, no scope, and no turn, only a result to come. The
 * object behind it is the job itself (see job.ts), so that a hundred thousand of them stay cheap; this
 * file is the part of it that is promised.
 */
import { show } from "../../kernel/printable.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { ProgressStream } from "./progress_stream.ts";
import type { ReadyHandle } from "../shared/ready_handle.ts";

/**
 * What a cancel could do:
 *
 * - `"dropped"`: the job had not begun and never will;
 * - `"wait"`, `"flag"`, `"kill"`: the job was running, and is dealt with by this means, which the option
 *   `onCancel` chose;
 * - `"late"`: the future had settled already.
 */
export type CancelMeans = "dropped" | CancelPolicy | "late";

/**
 * The result of a job that a {@linkcode WorkerPool} was given; an operation, and awaitable anywhere.
 *
 * - It always settles: with the job's value or error; with a `WorkerError` if the job could not be
 *   sent or its worker crashed; with a `Cancelled` after a cancel or when the pool is terminated.
 * - Waiting for it any number of times, before or after, gives the same. A waiter that is cancelled
 *   leaves the job alone.
 * - A failure nobody observed (by waiting, `link`, or reading `error`) makes the run it was submitted
 *   in reject; outside of every run it is an unhandled rejection. A cancel is no failure.
 *
 * @typeParam T What the job returns.
 */
export interface Future<T> extends Operation<T> {
  /** Whether it has settled, in whatever way. */
  readonly done: boolean;
  /** Whether a worker has begun the job and it has not settled. */
  readonly running: boolean;
  /** Whether the job returned. */
  readonly successful: boolean;
  /** Whether it settled by a cancel. */
  readonly cancelled: boolean;
  /** Whether it settled with an error that was no cancel. Asking does not observe the error. */
  readonly failed: boolean;
  /** What the job returned; `undefined` before that, and if it did not. */
  readonly value: T | undefined;
  /** What the job threw, a `Cancelled` after a cancel, else `undefined`. Reading it observes it. */
  readonly error: unknown;
  /**
   * The job's result, without waiting, as Python's `asyncio.Future.result()`: reading it gives the
   * value, or throws what the job threw, or a `Cancelled`; and `WouldBlock` if it has not settled.
   */
  readonly result: T;

  /**
   * Waits for the value. Throws what the job threw, and {@linkcode TimeoutError} when `ms` have passed
   * first; the job goes on then.
   */
  get(ms?: number): Operation<T>;

  /**
   * Stops the job and settles the future with a `Cancelled`, now. A job that has not begun is dropped; what
   * becomes of one that runs, the option `onCancel` says (see {@linkcode CancelPolicy}). Jobs in line
   * behind it are not touched.
   *
   * @param reason Kept in the `Cancelled`, and told to the job.
   * @param onCancel What becomes of a job that runs. @default what it was submitted with
   * @returns Which means it took.
   * @throws {TypeError} If `onCancel` is no such policy.
   */
  cancel(reason?: unknown, onCancel?: CancelPolicy): CancelMeans;

  /**
   * What the job reports by {@linkcode progress} while it runs, as a stream. It does not observe the error.
   *
   * @example How far it has come
   * ```ts
   * import { jobs, WorkerPool } from "@weft/weft";
   * import { progress } from "@weft/weft/worker";
   * const { sum } = jobs(import.meta, {
   *   sum(numbers: readonly number[]): number {
   *     let total = 0;
   *     for (const [i, n] of numbers.entries()) {
   *       total += n;
   *       progress((i + 1) / numbers.length);
   *     }
   *     return total;
   *   },
   * });
   * if (import.meta.main) {
   *   await using pool = new WorkerPool(1);
   *   const future = pool.submit(sum, [1, 2, 3, 4]);
   *   const seen: number[] = [];
   *   for await (const part of future.progress<number>()) seen.push(part);
   *   if (await future !== 10 || seen.join() !== "0.25,0.5,0.75,1") throw new Error(seen.join());
   * }
   * ```
   *
   * @typeParam P What it reports; nobody checks that.
   */
  progress<P = unknown>(): ProgressStream<P>;

  /** For an `EventRegistry`: ready (POLLIN) once it has settled. Observes the error. */
  readonly handle: ReadyHandle;

  /** Calls `fn` once the future has settled, at once if it has. Observes the error. */
  link(fn: (future: Future<T>) => void): void;

  /** Forgets a callback that was given to `link`, as often as it was; one never given is no error. */
  unlink(fn: (future: Future<T>) => void): void;

  /** As in `fib(…)`. */
  toString(): string;
}

/**
 * What a cancel does to a job that runs. Its future settles at once in any case, and a job that has not
 * begun is dropped.
 *
 * - `"wait"`: nothing. The job is let finish, and its result is dropped; its worker is busy until then.
 * - `"flag"`: it is told to stop: its `jobSignal` aborts, and a task body gets a `Cancelled` at its
 *   wait. Its worker is kept, however long that takes.
 * - `"kill"`: it is told to stop; if it has not within `grace`, its worker is given up and another takes
 *   its place. Tasks that share a worker given up fail with it. A task body that has heard is left to
 *   its clean-up.
 */
export type CancelPolicy = "wait" | "flag" | "kill";

/** Checks what a user has chosen. */
export function checkPolicy(policy: CancelPolicy): CancelPolicy {
  if (policy === "wait" || policy === "flag" || policy === "kill") return policy;
  throw new TypeError(
    `Cannot use ${show(policy)} as onCancel: it must be "wait", "flag" or "kill"`,
  );
}

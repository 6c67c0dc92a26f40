/**
 * What callers see of a job: its future.
 *
 * A future is no task: it has no code on this thread, no scope, and no turn, only a result to come. The
 * object behind it is the job itself (see job.ts), so that a hundred thousand of them stay cheap; this
 * file is the part of it that is promised.
 */
import type { Operation } from "../kernel/operation.ts";

/**
 * What a cancel could do:
 *
 * - `"dropped"`: the job had not begun and never will;
 * - `"signalled"`: the job was running; it was told to stop (see `jobSignal`), and if it does not, its
 *   worker is given up;
 * - `"late"`: the future had settled already.
 */
export type CancelMeans = "dropped" | "signalled" | "late";

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
   * Waits for the value. Throws what the job threw, and {@linkcode TimeoutError} when `ms` have passed
   * first; the job goes on then.
   */
  get(ms?: number): Operation<T>;

  /**
   * Stops the job, by the mildest means there is, and settles the future with a `Cancelled`, now. Jobs
   * that share its worker are not touched.
   *
   * @param reason Kept in the `Cancelled`, and told to the job.
   * @returns Which means it took.
   */
  cancel(reason?: unknown): CancelMeans;

  /** Calls `fn` once the future has settled, at once if it has. Observes the error. */
  link(fn: (future: Future<T>) => void): void;

  /** As in `fib(…)`. */
  toString(): string;
}

/**
 * What callers see of an `imap`: its results, one after another.
 *
 * Two ways of reading because the two lanes differ: `for await` exists in async code only and tells the
 * iterator when the loop is left, but an error ends it. `next()` works in both, and one can go on
 * after an error, as with Python's `imap`, but then must say when one is done (by `using`, or `cancel`).
 */
import type { Operation } from "../../kernel/operation.ts";

/**
 * The results of an `imap`, read as they are needed.
 *
 * - Nothing is drawn or sent before the first read. From then on items are drawn as workers take them,
 *   and never more than `window` are drawn and not yet read: exactly, and the result that was read last
 *   counts until the next read. (Several readers at once may each have one more in hand.)
 * - `for await` ends it when the loop is left, in whatever way: a `break`, a cancel, an error. The
 *   error of an item is thrown in its place and so ends the loop.
 * - {@linkcode next} throws the error of an item in its place, too, and the one after it gives the next
 *   result. A cancelled `next` has taken nothing. Several tasks may read at once: each result goes to
 *   one of them, first come first served.
 * - An error of the iterable itself comes after the results of all items before it, and is the last.
 * - After the end, `next` evaluates to `{ done: true }` for ever.
 * - When the pool is terminated, what has come can still be read; then `Cancelled` is thrown.
 * - A stream that is neither read to its end nor cancelled keeps a closed pool from ending. The end of the
 *   run that began it ends it.
 *
 * @example The first results of an endless source, in the fast lane
 * ```ts
 * import { jobs, run, WorkerPool } from "@weft/weft";
 * const { square } = jobs(import.meta, { square: (n: number) => n * n });
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const found = await run(function* () {
 *     using squares = pool.imap(square, function* () {
 *       for (let n = 0;; n++) yield n;
 *     }());
 *     for (;;) {
 *       const { value } = yield* squares.next();
 *       if (value! > 50) return value;
 *     }
 *   });
 *   if (found !== 64) throw new Error(String(found));
 * }
 * ```
 *
 * @typeParam T What the jobs return.
 */
export interface ResultStream<T> extends AsyncIterable<T, undefined>, Disposable, AsyncDisposable {
  /** Waits for the next result. */
  next(): Operation<IteratorResult<T, undefined>>;

  /**
   * Ends it: nothing further is drawn or begun, jobs that run are told to stop, the source's `return`
   * is called, and results that were not read are dropped; a task that waits sees the end. Throws what a
   * sync source throws at that. May be called again.
   *
   * @param reason Told to the jobs that run.
   */
  cancel(reason?: unknown): void;

  /** For `for await`; leaving the loop ends the stream. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined>;

  /** Like {@linkcode cancel}. */
  [Symbol.dispose](): void;

  /** Ends it, and waits for an async source to have closed, unless that is being asked for an item. */
  [Symbol.asyncDispose](): Promise<void>;

  /** As in `imap(fib)`. */
  toString(): string;
}

/** What `TaskPool.imap` gives: results to be taken one by one, in either lane. */
import { Entered } from "../kernel/deadline.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";

/** Where the results come from. */
export interface ResultsRun<R> {
  /** Waits for the next result. */
  next(): Operation<IteratorResult<R, undefined>>;
  /** Cancels what was started; returns the task to wait for. */
  giveUp(reason: unknown): Task | null;
  /** As in `TaskPool#1.imap()`. */
  toString(): string;
}

/**
 * The results of an `imap`, made as they are taken. Nothing begins before the first `next`.
 *
 * - `for await (const result of results)` in an `async function*` takes them all. A loop that is left
 *   early, by `break` or an error, cancels what was started and waits for it.
 * - `yield* results.next()` takes one, in either lane; a cancelled `next` has taken none. Declare the
 *   results with `using`, so that what is left is cancelled.
 * - They belong to the task that first waits for one: what still runs is cancelled when that task ends.
 * - Several tasks may take from the same results; each result goes to one of them, longest waiter first.
 * - After a failure every `next` throws it.
 *
 * @example In a function*
 * ```ts
 * import { run, sleep, TaskPool } from "@weft/weft";
 * const seen: number[] = [];
 * await run(function* () {
 *   const pool = new TaskPool(2);
 *   using results = pool.imap(function* (ms: number) {
 *     yield* sleep(ms);
 *     return ms * 10;
 *   }, [3, 1, 2]);
 *   for (let step = yield* results.next(); !step.done; step = yield* results.next()) {
 *     seen.push(step.value);
 *   }
 * });
 * if (seen.join() !== "30,10,20") throw new Error(seen.join());
 * ```
 *
 * @typeParam R What a result is.
 */
export class PoolResults<R> implements AsyncIterable<R> {
  readonly #run: ResultsRun<R>;

  /** Made by {@linkcode TaskPool.imap}. */
  constructor(run: ResultsRun<R>) {
    this.#run = run;
  }

  /**
   * Takes the next result; waits until it is there. At the end, `done` is true.
   *
   * @throws What a task, or the iterable, threw: an `AggregateError` if several did. The other tasks have
   *   been cancelled, and have cleaned up. If a task was cancelled on its own, or the pool was, its
   *   {@linkcode Cancelled}.
   */
  next(): Operation<IteratorResult<R, undefined>> {
    return this.#run.next();
  }

  /**
   * Cancels what was started, and draws no more; `next` is through with it.
   *
   * @param reason Kept in each `Cancelled`.
   * @returns Waits until all of it has ended. Nobody needs to wait for it.
   */
  cancel(reason?: unknown): Operation<void> {
    const drawer = this.#run.giveUp(reason);
    return sequence(`${this.#run}.cancel()`, function* () {
      if (drawer !== null) yield* drawer.cancel();
    }, { optional: true });
  }

  /** For `for await`. Leaving the loop early cancels what was started, and waits for it. */
  [Symbol.asyncIterator](): AsyncIterator<R, undefined> {
    return {
      next: async () => {
        try {
          return await this.next();
        } catch (error) {
          // The loop will not call `return`.
          await this.#end();
          throw error;
        }
      },
      return: async () => {
        await this.#end();
        return { done: true, value: undefined };
      },
    };
  }

  /** Like {@linkcode cancel}; does not wait. */
  [Symbol.dispose](): void {
    this.cancel("the results were disposed of");
  }

  /** Cancels what was started and waits for it; throws what failed and was not seen yet. */
  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#end();
  }

  /** The name. */
  toString(): string {
    return String(this.#run);
  }

  #end(): Operation<void> {
    const drawer = this.#run.giveUp("its consumer left");
    return sequence(`${this.#run}.cancel()`, function* () {
      if (drawer === null) return;
      using _shield = new Entered({ shielded: true });
      yield* drawer.join();
    });
  }
}

/** Waiting for, and cancelling, several tasks (or futures of jobs) that are under way. */
import { show } from "../kernel/printable.ts";
import { Entered } from "../kernel/deadline.ts";
import {
  BOUND_OR_NONE,
  checkFlag,
  checkList,
  checkMs,
  checkOptions,
  checkWhole,
  COUNT,
  hasMethod,
} from "../kernel/checks.ts";
import { combine } from "../kernel/errors.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import { checkEndings, type Ending, Ends } from "./ends.ts";

export type { Ending } from "./ends.ts";

/** How to wait for several tasks. */
export interface JoinAllOptions {
  /** Gives up after this many milliseconds, without an error. @default none */
  timeout?: number;
  /** Whether the failure of a task is thrown. If not, look at each task's `error`. @default {true} */
  raiseError?: boolean;
  /** How many tasks to wait for. @default all of them */
  count?: number;
}

/**
 * Waits for tasks to end.
 *
 * Evaluates to those that have ended, in that order: all, or the first `count`, or those that made it
 * before the `timeout`. The first failure is thrown at once (an `AggregateError` if several tasks
 * have failed by then); the other tasks go on. Tasks cancelled on their own have not failed.
 *
 * @param tasks The tasks; each counts once.
 * @param options Timeout, count, and whether to throw.
 * @returns An operation that evaluates to the ended tasks.
 * @throws {RangeError} If the timeout or the count is out of range.
 */
export function joinAll(tasks: Iterable<Task>, options: JoinAllOptions = {}): Operation<Task[]> {
  const { timeout, raiseError = true, count = Infinity } = checkOptions(options, "joinAll()");
  if (timeout !== undefined) checkMs(timeout, "a timeout");
  checkWhole(count, "join", "tasks", BOUND_OR_NONE);
  checkFlag(raiseError, "raiseError");
  const distinct = new Set(checkEndings(tasks, "join"));
  return sequence(`joinAll(${distinct.size})`, function* () {
    const wanted = Math.min(count, distinct.size);
    const ends = new Ends(distinct);
    const ended: Task[] = [];
    using entered = new Entered(timeout === undefined ? {} : { ms: timeout });
    try {
      while (ended.length < wanted) {
        ended.push(yield* ends.next());
        for (let more = ends.take(); more !== undefined; more = ends.take()) ended.push(more);
        if (raiseError) raise(ended);
        else for (const task of ended) task.observe();
      }
    } catch (error) {
      entered.absorb(error);
    }
    return ended.slice(0, wanted);
  });
}

function raise(ended: readonly Task[]): void {
  const errors = ended.filter((task) => task.failed).map((task) => task.error);
  if (errors.length > 0) throw combine(errors, "joinAll");
}

/**
 * Cancels tasks, now.
 *
 * @param tasks The tasks.
 * @param reason Kept in each `Cancelled`.
 * @returns Waits until all of them have ended; nobody needs to wait for it.
 */
export function cancelAll(tasks: Iterable<Task>, reason?: unknown): Operation<void> {
  const all = checkList(tasks, "tasks to cancel");
  for (const task of all) {
    if (hasMethod(task, "cancel")) continue;
    throw new TypeError(`Cannot cancel ${show(task)}: it must be a task`);
  }
  const ends = all.map((task) => task.cancel(reason));
  return sequence("cancelAll()", function* () {
    for (const end of ends) yield* end;
  }, { optional: true });
}

/** How to wait for the first of several. */
export interface WaitFirstOptions {
  /** How many to wait for. @default {1} */
  count?: number;
}

/**
 * Waits until the first of several tasks or futures has ended, in whatever way.
 *
 * Nobody is cancelled, and no error is thrown: look at what has ended. It evaluates to a list because a
 * task that came out of an `await` by itself would be waited for once more. As Python's
 * `concurrent.futures.wait(…, FIRST_COMPLETED)` and `gevent.wait(…, count)`.
 *
 * @example The faster of two
 * ```ts
 * import { run, sleep, spawn, waitFirst } from "@weft/weft";
 * await run(async function* () {
 *   const nap = async function* (ms: number) {
 *     yield* sleep(ms);
 *     return ms;
 *   };
 *   const [first] = yield* waitFirst([spawn(nap, 9), spawn(nap, 1)]);
 *   if (first?.value !== 1) throw new Error("the slower one");
 * });
 * ```
 *
 * @typeParam E Tasks, or futures, or both.
 * @param endings What to wait for; each counts once.
 * @param options How many.
 * @returns An operation that evaluates to the first `count` that ended, in that order; to all of them
 *   if there are no more.
 * @throws {RangeError} If the count is no whole number of at least 1.
 */
export function waitFirst<E extends Ending>(
  endings: Iterable<E>,
  options: WaitFirstOptions = {},
): Operation<E[]> {
  const { count = 1 } = checkOptions(options, "waitFirst()");
  checkWhole(count, "wait for the first", "to end", COUNT);
  const distinct = new Set(checkEndings(endings, "wait for"));
  if (distinct.size === 0) return operation("waitFirst(0)", (wait) => wait.settle([]));
  return sequence(`waitFirst(${distinct.size})`, function* () {
    const wanted = Math.min(count, distinct.size);
    const ends = new Ends(distinct);
    const ended: E[] = [];
    ended.push(yield* ends.next());
    while (ended.length < wanted) ended.push(ends.take() ?? (yield* ends.next()));
    return ended;
  });
}

/**
 * A task or future as a `for await` gives it: itself. It has no `then` by its type, because TypeScript
 * takes what can be awaited, and comes out of a `for await`, for its value.
 */
export type Ended<E> = E & { readonly then: never };

/** What has ended, one after another: a `for` loop over operations, or a `for await`. */
export interface AsCompleted<E>
  extends Iterable<Operation<E>>, AsyncIterable<Ended<E>, undefined> {}

/**
 * Gives out tasks and futures in the order in which they end. Errors are left to
 * whoever looks at a task; a future that was given out counts as looked at.
 *
 * @example Fastest first
 * ```ts
 * import { asCompleted, run, sleep, spawn } from "@weft/weft";
 * const order: unknown[] = [];
 * await run(async function* () {
 *   const nap = async function* (ms: number) {
 *     yield* sleep(ms);
 *     return ms;
 *   };
 *   for await (const task of asCompleted([spawn(nap, 9), spawn(nap, 1)])) order.push(task.value);
 * });
 * if (order.join() !== "1,9") throw new Error(order.join());
 * ```
 *
 * @typeParam E Tasks, or futures, or both.
 * @param endings What to give out; each is given out once.
 * @returns For `for await` in async code; in a `function*`, `for (const next of …)` with
 *   `yield* next` inside.
 */
export function asCompleted<E extends Ending>(endings: Iterable<E>): AsCompleted<E> {
  const distinct = new Set(checkEndings(endings, "give out"));
  const next = (ends: Ends<E>): Operation<E> => sequence("asCompleted()", () => ends.next());
  // In a box: a promise that resolved with a task would wait for that task's value.
  const boxed = (ends: Ends<E>): Operation<[E]> =>
    sequence("asCompleted()", function* () {
      return [yield* ends.next()];
    });
  return {
    *[Symbol.iterator](): IterableIterator<Operation<E>> {
      const ends = new Ends(distinct);
      for (let left = distinct.size; left > 0; left--) yield next(ends);
    },
    [Symbol.asyncIterator](): AsyncIterator<Ended<E>, undefined> {
      const ends = new Ends(distinct);
      let left = distinct.size;
      return {
        async next(): Promise<IteratorResult<Ended<E>, undefined>> {
          if (left-- <= 0) return { done: true, value: undefined };
          const [value] = await boxed(ends);
          return { done: false, value: value as Ended<E> };
        },
      };
    },
  };
}

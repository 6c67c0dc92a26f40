/** Waiting for, and cancelling, several tasks that are under way. */
import { Entered } from "../kernel/deadline.ts";
import { checkMs, combine } from "../kernel/errors.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { Deque } from "../internal/deque.ts";

/** How to wait for several tasks. */
export interface JoinAllOptions {
  /** Gives up after this many milliseconds, without an error. @default none */
  timeout?: number;
  /** Whether the failure of a task is thrown. If not, look at each task's `error`. @default {true} */
  raiseError?: boolean;
  /** How many tasks to wait for. @default all of them */
  count?: number;
}

/** The ends of some tasks, in the order in which they come. */
class Ends {
  readonly #waiters: WaitQueue<void>;
  readonly #ended = new Deque<Task>();
  readonly #waited = new Set<Task>();

  constructor(tasks: Iterable<Task>) {
    this.#waiters = new WaitQueue<void>(this, "next");
    for (const task of new Set(tasks)) {
      this.#waited.add(task);
      task.watch(() => {
        this.#waited.delete(task);
        this.#ended.push(task);
        this.#waiters.wakeAll();
      });
    }
  }

  get holder(): Task | undefined {
    for (const task of this.#waited) return task;
    return undefined;
  }

  /** Waits for the next end; a checkpoint also when there is one already. */
  *next(): Generator<unknown, Task, unknown> {
    do {
      yield* operation<void>(this.#waiters, (wait) => {
        if (this.#ended.size > 0) wait.settle();
        else this.#waiters.park(wait);
      });
    } while (this.#ended.size === 0);
    return this.#ended.shift()!;
  }

  /** Takes an end that is there, without waiting. */
  take(): Task | undefined {
    return this.#ended.shift();
  }

  toString(): string {
    return "tasks";
  }
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
  const { timeout, raiseError = true, count = Infinity } = options;
  if (timeout !== undefined) checkMs(timeout, "a timeout");
  if (count !== Infinity && (!Number.isInteger(count) || count < 0)) {
    throw new RangeError(`Cannot join ${count} tasks: count must be a whole number, zero or more`);
  }
  const distinct = new Set(tasks);
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
      if (!entered.owns(error)) throw error;
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
  const all = [...tasks];
  const ends = all.map((task) => task.cancel(reason));
  return sequence("cancelAll()", function* () {
    for (const end of ends) yield* end;
  }, { optional: true });
}

/** Ended tasks, one after another: a `for` loop over operations, or a `for await` over tasks. */
export interface AsCompleted<T> extends AsyncIterable<Task<T>>, Iterable<Operation<Task<T>>> {}

/**
 * Gives out tasks in the order in which they end. Errors are left to whoever looks at the task.
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
 * @typeParam T What the tasks return.
 * @param tasks The tasks; each is given out once.
 * @returns For `for await` in an `async function*`; in a `function*`, `for (const next of …)` with
 *   `yield* next` inside.
 */
export function asCompleted<T>(tasks: Iterable<Task<T>>): AsCompleted<T> {
  const distinct = new Set(tasks);
  const next = (ends: Ends): Operation<Task<T>> =>
    sequence("asCompleted()", () => ends.next() as Generator<unknown, Task<T>, unknown>);
  return {
    *[Symbol.iterator](): IterableIterator<Operation<Task<T>>> {
      const ends = new Ends(distinct);
      for (let left = distinct.size; left > 0; left--) yield next(ends);
    },
    [Symbol.asyncIterator](): AsyncIterator<Task<T>> {
      const ends = new Ends(distinct);
      let left = distinct.size;
      return {
        async next(): Promise<IteratorResult<Task<T>>> {
          if (left-- <= 0) return { done: true, value: undefined };
          // Not `await next(ends)`: a promise that resolves with a task would wait for that task's value.
          const { value } = await next(ends)[Symbol.asyncIterator]().next();
          return { done: false, value: value as Task<T> };
        },
      };
    },
  };
}

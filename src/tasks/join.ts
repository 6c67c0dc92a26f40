/**
 * Waiting for, and cancelling, several tasks (or futures of jobs) that are under way.
 *
 * Tasks and the futures of jobs have nothing in common but that they end and say so, and that is all
 * that waiting for several of them needs: {@linkcode Ends} gives out the ends in the order in which they come.
 */
import { Deque } from "../internal/deque.ts";
import {
  BOUND_OR_NONE,
  checkFlag,
  checkList,
  checkMs,
  checkOptions,
  checkWhole,
  hasMethod,
} from "../kernel/checks.ts";
import { Entered } from "../kernel/scope.ts";
import { combine, TimeoutError } from "../kernel/errors.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { show } from "../kernel/printable.ts";
import { Task } from "../kernel/task.ts";
import { keepHandled } from "../kernel/trap.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import type { Hint } from "./perform.ts";
import { currentTask } from "./run.ts";
import { cede } from "./time.ts";

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
export function joinAll(tasks: Iterable<Task>, options?: JoinAllOptions): Operation<Task[]>;
/** Never fits: it is what the compiler shows when a single task is given. */
export function joinAll(
  tasks: Hint<"it takes a list of tasks: write joinAll([task]), or task.join() for one">,
  options?: JoinAllOptions,
): Operation<never>;
export function joinAll(
  tasks: Iterable<Task> | Hint<string>,
  options: JoinAllOptions = {},
): Operation<Task[]> {
  const distinct = new Set(checkEndings(tasks as Iterable<Task>, "join"));
  const { timeout, raiseError = true, count = Infinity } = checkOptions(options, "joinAll()");
  if (timeout !== undefined) checkMs(timeout, "a timeout");
  checkWhole(count, "join", "tasks", BOUND_OR_NONE);
  checkFlag(raiseError, "raiseError");
  return sequence(`joinAll(${distinct.size})`, function* () {
    const wanted = Math.min(count, distinct.size);
    if (wanted === 0) yield* cede();
    using ends = new Ends(distinct);
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
  keepHandled(tasks);
  const all = checkList(tasks, "tasks to cancel");
  all.forEach(keepHandled);
  for (const task of all) {
    if (hasMethod(task, "cancel")) continue;
    throw new TypeError(`Cannot cancel ${show(task)}: it must be a task`);
  }
  const ends = all.map((task) => task.cancel(reason));
  return sequence("cancelAll()", function* () {
    if (ends.length === 0) yield* cede();
    for (const end of ends) yield* end;
  }, { optional: true });
}

/**
 * A task or future as a `for await` gives it: itself. It has no `then` by its type, because TypeScript
 * takes what can be awaited, and comes out of a `for await`, for its value.
 */
export type Ended<E> = E & { readonly then: never };

/** What has ended, one after another: a `for` loop over operations, or a `for await`. */
export interface AsCompleted<E>
  extends Iterable<Operation<E>>, AsyncIterable<Ended<E>, undefined> {}

/** How to go through what ends. */
export interface AsCompletedOptions {
  /**
   * How many milliseconds after the loop has begun all must have ended. When they have passed, waiting for
   * the next one throws {@linkcode TimeoutError}; nobody is cancelled. @default no limit
   */
  timeout?: number;
}

/**
 * Gives out tasks and futures in the order in which they end. Errors are left to
 * the code that looks at a task; a future that was given out counts as looked at.
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
 * @param options A limit to the time.
 * @returns For `for await` in async code; in a `function*`, `for (const next of …)` with
 *   `yield* next` inside.
 * @throws {RangeError} If the timeout is negative or not a number.
 */
export function asCompleted<E extends Ending>(
  endings: Iterable<E>,
  options: AsCompletedOptions = {},
): AsCompleted<E> {
  const { timeout } = checkOptions(options, "asCompleted()");
  if (timeout !== undefined) checkMs(timeout, "a timeout");
  const distinct = new Set(checkEndings(endings, "give out"));
  const begin = (
    wanted: Iterable<E> = distinct,
  ): (() => Generator<unknown, E, unknown>) & { ends: Ends<E> } => {
    const ends = new Ends(wanted);
    if (timeout === undefined) return Object.assign(() => ends.next(), { ends });
    const deadline = currentTask().timers.now() + timeout;
    return Object.assign(() => nextBefore(ends, deadline, timeout), { ends });
  };
  return {
    *[Symbol.iterator](): IterableIterator<Operation<E>> {
      const next = begin();
      using _ends = next.ends;
      for (let left = distinct.size; left > 0; left--) yield sequence("asCompleted()", next);
    },
    [Symbol.asyncIterator](): AsyncIterator<Ended<E>, undefined> {
      const left = new Set(distinct);
      let next: ReturnType<typeof begin> | null = begin();
      return {
        async next(): Promise<IteratorResult<Ended<E>, undefined>> {
          if (left.size === 0) return { done: true, value: undefined };
          const taking = next ??= begin(left);
          try {
            // In a box: a promise that resolved with a task would wait for that task's value.
            const [value] = await sequence("asCompleted()", function* (): Boxed<E> {
              return [yield* taking()];
            });
            left.delete(value);
            return { done: false, value: value as Ended<E> };
          } catch (error) {
            // A loop will not call `return`; who asks again has lost nothing.
            taking.ends[Symbol.dispose]();
            next = null;
            throw error;
          }
        },
        return(): Promise<IteratorResult<Ended<E>, undefined>> {
          left.clear();
          next?.ends[Symbol.dispose]();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}

type Boxed<E> = Generator<unknown, [E], unknown>;

function* nextBefore<E extends Ending>(
  ends: Ends<E>,
  deadline: number,
  timeout: number,
): Generator<unknown, E, unknown> {
  using entered = new Entered({ movable: true });
  entered.deadline = deadline;
  try {
    return yield* ends.next();
  } catch (error) {
    entered.absorb(error);
    throw new TimeoutError(timeout, "asCompleted()", error);
  }
}

/** Something that ends and says so: a task, or the future of a job. */
export interface Ending {
  /** Whether it has ended. */
  readonly done: boolean;
  /** Calls `fn` once it has ended, at once if it has. */
  link(fn: () => void): void;
  /** Takes a link back. */
  unlink?(fn: () => void): void;
}

/**
 * Checks tasks and futures, and gives them as a list.
 *
 * @throws {TypeError} If it is no list, or something in it never says that it has ended.
 */
function checkEndings<E extends Ending>(endings: Iterable<E>, verb: string): E[] {
  keepHandled(endings);
  const all = checkList(endings, "tasks or futures");
  all.forEach(keepHandled);
  for (const one of all) {
    if (typeof one === "object" && hasMethod(one, "link")) continue;
    throw new TypeError(`Cannot ${verb} ${show(one)}: it must be a task or a future`);
  }
  return all;
}

/** Ends as they come; each thing counts once. */
export class Ends<E extends Ending> implements Disposable {
  readonly #waiters: WaitQueue<void>;
  readonly #ended = new Deque<E>();
  /** What has not ended, with what was linked to it. */
  readonly #waited = new Map<E, () => void>();

  /** Watches all of them from now on. */
  constructor(endings: Iterable<E>) {
    const all = [...new Set(endings)];
    // Only tasks can wait for one another in a circle; what runs elsewhere will surely end.
    const host = all.every((one) => one instanceof Task) ? "none" : "bound";
    this.#waiters = new WaitQueue<void>(this, "next", host);
    for (const one of all) {
      const ended = (): void => {
        this.#waited.delete(one);
        this.#ended.push(one);
        this.#waiters.wakeAll();
      };
      this.#waited.set(one, ended);
      // A failed task waits for the end of its run to be looked at. A future that has no run would be
      // an unhandled rejection before anybody gets hold of it, so being given out counts as a look.
      if (one instanceof Task) one.watch(ended);
      else one.link(ended);
    }
  }

  /** One of the tasks that keep the waiter. */
  get holder(): Task | undefined {
    for (const one of this.#waited.keys()) if (one instanceof Task) return one;
    return undefined;
  }

  /** Waits for the next end; a checkpoint also when there is one already. */
  *next(): Generator<unknown, E, unknown> {
    do {
      yield* operation<void>(this.#waiters, (wait) => {
        if (this.#ended.size > 0) wait.settle();
        else this.#waiters.park(wait);
      });
    } while (this.#ended.size === 0);
    return this.#ended.shift()!;
  }

  /** Takes an end that is there, without waiting. */
  take(): E | undefined {
    return this.#ended.shift();
  }

  /** Watches them no more. */
  [Symbol.dispose](): void {
    for (const [one, ended] of this.#waited) {
      one.unlink?.(ended);
    }
    this.#waited.clear();
  }

  toString(): string {
    return "tasks";
  }
}

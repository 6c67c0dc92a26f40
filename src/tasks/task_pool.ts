/**
 * A pool of tasks: as many at a time as it has places, and back-pressure on the code that brings more.
 *
 * It is `gevent.pool.Pool`, with two differences. Nothing fails in silence: what nobody looks at is
 * thrown by `join`, or by the run. And a map is one piece of work: its first failure stops it, and when
 * it ends nothing of it is left. Tasks spawned one by one stay strangers to one another, as in gevent;
 * where the failure of one should stop the others, put a {@linkcode group} around them.
 *
 * The tasks belong to the run, not to a block, so that a pool may be a field of a server and outlive
 * the code that fills it; `await using` makes it end with a block. Rejected: a pool that only exists as the
 * argument of a body, as a group does.
 */
import {
  checkFlag,
  checkMs,
  checkOneOf,
  checkOptions,
  checkWhole,
  COUNT,
} from "../kernel/checks.ts";
import { type CancelScope, Entered } from "../kernel/scope.ts";
import { RunFinishedError, WouldBlock } from "../kernel/errors.ts";
import { reportName } from "../kernel/printable.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { checkBody } from "./perform.ts";
import { cancelAll } from "./join.ts";
import { currentTask } from "./run.ts";
import {
  ImapRun,
  Outlet,
  PoolResults,
  type TaskImapOptions,
  type TaskMapOptions,
} from "./task_pool_imap.ts";
import { checkMapped, type Items, mapPass, type PassPlan } from "./task_pool_map.ts";
import { Places, type TaskPoolStatistics } from "./task_pool_places.ts";

/** How a pool is to be shut down. */
export interface TaskPoolShutdownOptions {
  /** Whether submitted tasks that still wait for a place are cancelled. @default {false} */
  readonly cancelQueued?: boolean;
}

/**
 * A bounded pool of tasks.
 *
 * - At most `size` tasks of it run at a time; places are given out in FIFO order.
 * - `spawn`, `map` and `imap` hold their caller up while the pool is full; `submit` never does.
 * - A failure nobody observed is thrown by {@linkcode join}, else by the run.
 * - A task of a pool that waits for a place in the same pool keeps its own place meanwhile: when all do
 *   so, that is a deadlock, and reported as one.
 *
 * @example At most two at a time
 * ```ts
 * import { run, sleep, TaskPool } from "@weft/weft";
 * const squares = await run(async function* () {
 *   await using pool = new TaskPool(2);
 *   return yield* pool.map(async function* (n: number) {
 *     yield* sleep(n);
 *     return n * n;
 *   }, [3, 1, 2]);
 * });
 * if (squares.join() !== "9,1,4") throw new Error(squares.join());
 * ```
 */
export class TaskPool {
  readonly #name: string;
  readonly #places: Places;
  /** Where maps run, in tasks of their callers. */
  readonly #maps = new Set<CancelScope>();

  /**
   * Makes an empty pool.
   *
   * @param size How many tasks may run at a time.
   * @param name What reports call it.
   * @throws {RangeError} If the size is not a whole number of at least 1.
   */
  constructor(size: number, name?: string) {
    checkWhole(size, "make a pool of", "tasks", COUNT);
    this.#name = reportName("TaskPool", name);
    this.#places = new Places(size, this.#name);
  }

  /** How many tasks may run at a time. */
  get size(): number {
    return this.#places.size;
  }

  /** How many more could be spawned now without waiting. */
  get freeCount(): number {
    return this.#places.size - this.#places.taken;
  }

  /** Whether `spawn` would wait. */
  get full(): boolean {
    return this.freeCount === 0;
  }

  /** The tasks that run, in the order in which they got their places. */
  get tasks(): readonly Task[] {
    return [...this.#places.running];
  }

  /**
   * Starts a task of the pool; waits for a free place first. A cancelled `spawn` has started nothing.
   *
   * Take the task by `yield*`: an `await` would go on to wait for the task, too, and give its value.
   *
   * @typeParam A The body's parameters.
   * @typeParam T What the body returns.
   * @param body A `function*` or an `async function*`, uncalled.
   * @param args Its arguments.
   * @returns An operation that evaluates to the new task.
   * @throws {TypeError} If the body is not a generator function.
   * @throws {ClosedError} If the pool has been disposed of.
   */
  spawn<A extends readonly unknown[], T>(
    body: TaskBody<A, T>,
    ...args: A
  ): Operation<Task<T>> {
    checkBody(body, "spawn", args);
    return sequence(this.#places.label, () => {
      this.#places.checkOpen();
      return this.#spawnInPlace(body, args);
    });
  }

  /**
   * Starts a task of the pool without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If no place is free.
   * @throws {TypeError} If the body is not a generator function.
   * @throws {ClosedError} If the pool has been disposed of.
   */
  trySpawn<A extends readonly unknown[], T>(body: TaskBody<A, T>, ...args: A): Task<T> {
    checkBody(body, "spawn", args);
    const spawner = this.#spawner();
    const generator = body(...args);
    if (!this.#places.tryTake()) {
      throw new WouldBlock(
        `Cannot spawn into ${this} now: all of its ${this.size} places are taken`,
      );
    }
    return this.#places.start(body, generator, spawner);
  }

  /**
   * Hands in a task and returns it at once: `apply_async` of gevent. Where `spawn` makes its caller wait
   * for a place, here the task itself waits in line, and its body begins once it has a place. Nothing
   * bounds the line. The task is a handle to the result like any other: `yield*` it, `join` it, `cancel`
   * it. Never a checkpoint.
   *
   * @example Results in any order
   * ```ts
   * import { run, sleep, TaskPool } from "@weft/weft";
   * const sum = await run(async function* () {
   *   const pool = new TaskPool(1);
   *   const nap = async function* (ms: number) {
   *     yield* sleep(ms);
   *     return ms;
   *   };
   *   const [a, b] = [pool.submit(nap, 2), pool.submit(nap, 1)];
   *   return (yield* b) + (yield* a);
   * });
   * if (sum !== 3) throw new Error("not 3");
   * ```
   *
   * @throws {TypeError} If the body is not a generator function.
   * @throws {ClosedError} If the pool has been disposed of.
   */
  submit<A extends readonly unknown[], T>(body: TaskBody<A, T>, ...args: A): Task<T> {
    checkBody(body, "submit", args);
    const spawner = this.#spawner();
    const generator = body(...args);
    return this.#places.tryTake()
      ? this.#places.start(body, generator, spawner)
      : this.#places.startInLine(body, generator, spawner);
  }

  /**
   * Runs `body` for every item, as places become free, and evaluates to the results in the order of the
   * items. An item is drawn only when a place is free for it, so the items may be endless, or come late.
   *
   * The first failure, of a task or of the iterable, stops it: no more is drawn, the iterable is told
   * (`return()`), the other tasks are cancelled, and when all have ended the error is thrown (an
   * `AggregateError` if there are several). A cancel does the same.
   *
   * @typeParam I What an item is.
   * @typeParam R What a result is.
   * @param body A `function*` or an `async function*` of one item.
   * @param items An iterable or an async iterable.
   * @param options How long it may take: then {@linkcode TimeoutError} is thrown, as a failure.
   * @returns An operation that evaluates to the list of results.
   * @throws {TypeError} If the body is not a generator function, or there is nothing to iterate.
   * @throws {ClosedError} If the pool has been shut down or disposed of.
   */
  map<I, R>(body: TaskBody<[I], R>, items: Items<I>, options: TaskMapOptions = {}): Operation<R[]> {
    checkBody(body, "map");
    checkMapped(items, "map over");
    const { timeout = Infinity } = checkOptions(options, "map()");
    checkMs(timeout, "a timeout");
    const name = `${this.#name}.map()`;
    return sequence(name, () => {
      this.#places.checkOpen();
      return this.#map({ name, body, items, timeout });
    });
  }

  /**
   * Like {@linkcode map}, but gives the results out one by one, in the order of the items, while further
   * ones are in the making. Nothing begins before the first is asked for.
   *
   * At most `size` items are drawn and not yet given out: while the consumer is busy with a result, up
   * to `size` of those after it are made, and no further item is drawn. (An async iterable may have been
   * asked for its next item before that item finds a place; it counts.)
   *
   * @example Endless
   * ```ts
   * import { run, TaskPool } from "@weft/weft";
   * function* numbers() {
   *   for (let n = 1;; n++) yield n;
   * }
   * const seen: number[] = [];
   * await run(async function* () {
   *   const pool = new TaskPool(3);
   *   const double = async function* (n: number) {
   *     return n * 2;
   *   };
   *   for await (const n of pool.imap(double, numbers())) {
   *     if (seen.push(n) === 4) break;
   *   }
   * });
   * if (seen.join() !== "2,4,6,8") throw new Error(seen.join());
   * ```
   *
   * @typeParam I What an item is.
   * @typeParam R What a result is.
   * @param body A `function*` or an `async function*` of one item.
   * @param items An iterable or an async iterable.
   * @param options What becomes of an item whose task fails, and how long all may take from the first
   *   `next` on: then the next `next` throws {@linkcode TimeoutError}, as for a failure.
   * @returns The results, for `for await` or for `yield* results.next()`.
   * @throws {TypeError} If the body is not a generator function, or there is nothing to iterate.
   * @throws {ClosedError} If the pool has been shut down or disposed of.
   */
  imap<I, R>(
    body: TaskBody<[I], R>,
    items: Items<I>,
    options: TaskImapOptions & { readonly onError: "yield" },
  ): PoolResults<R | Error>;
  /** The same, where no error is among the results. */
  imap<I, R>(body: TaskBody<[I], R>, items: Items<I>, options?: TaskImapOptions): PoolResults<R>;
  imap<I, R>(
    body: TaskBody<[I], R>,
    items: Items<I>,
    options: TaskImapOptions = {},
  ): PoolResults<R> {
    return this.#imap(body, items, true, options);
  }

  /** Like {@linkcode imap}, but gives out each result as soon as it is there. */
  imapUnordered<I, R>(
    body: TaskBody<[I], R>,
    items: Items<I>,
    options: TaskImapOptions & { readonly onError: "yield" },
  ): PoolResults<R | Error>;
  /** The same, where no error is among the results. */
  imapUnordered<I, R>(
    body: TaskBody<[I], R>,
    items: Items<I>,
    options?: TaskImapOptions,
  ): PoolResults<R>;
  imapUnordered<I, R>(
    body: TaskBody<[I], R>,
    items: Items<I>,
    options: TaskImapOptions = {},
  ): PoolResults<R> {
    return this.#imap(body, items, false, options);
  }

  /**
   * Waits until no task of the pool is alive and nobody waits for a place. The pool can be used on.
   *
   * @throws What tasks threw that nobody has observed: an `AggregateError` if there are several. A task
   *   that was cancelled has not failed.
   * @throws {DeadlockError} In a task of the pool, which would wait for its own end.
   */
  join(): Operation<void> {
    return sequence(`${this.#name}.join()`, () => this.#places.join());
  }

  /**
   * Cancels every task of the pool, those that wait in line, and the maps under way. The pool can be
   * used on; a caller whom `spawn` keeps waiting goes on.
   *
   * @param reason Kept in each `Cancelled`.
   * @returns Waits until those tasks have ended. Nobody needs to wait for it.
   */
  cancel(reason?: unknown): Operation<void> {
    const { drawers, inLine, running } = this.#places;
    const tasks = [...drawers, ...inLine, ...running];
    for (const scope of this.#maps) scope.abort("explicit", reason);
    return cancelAll(tasks, reason);
  }

  /**
   * Takes in nothing new from now on, and ends when what it has is done. Maps under way go on, and so do
   * tasks that wait in line, unless `cancelQueued` is set.
   *
   * @returns Waits like {@linkcode TaskPool.join}. Nobody needs to wait for it.
   */
  shutdown(options: TaskPoolShutdownOptions = {}): Operation<void> {
    const { cancelQueued = false } = checkOptions(options, "shutdown()");
    checkFlag(cancelQueued, "cancelQueued");
    this.#places.shutDown();
    if (cancelQueued) cancelAll(this.#places.inLine, `${this.#name} was shut down`);
    return sequence(`${this.#name}.shutdown()`, () => this.#places.join(), { optional: true });
  }

  /** A frozen record of places and waiters. */
  statistics(): TaskPoolStatistics {
    return this.#places.statistics();
  }

  /** Cancels what is in the pool and takes in nothing more. Does not wait. */
  [Symbol.dispose](): void {
    this.cancel(`${this.#name} was disposed of`);
    this.#places.dispose();
  }

  /** Cancels what is in the pool, takes in nothing more, and waits until all of it has ended. */
  [Symbol.asyncDispose](): PromiseLike<void> {
    const { label } = this.#places;
    this[Symbol.dispose]();
    return sequence(label, () => this.#places.emptied());
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  // -- Starting --

  *#spawnInPlace<A extends readonly unknown[], T>(
    body: TaskBody<A, T>,
    args: A,
  ): Generator<unknown, Task<T>, unknown> {
    const generator = body(...args);
    yield* this.#places.take();
    return this.#places.start(body, generator, currentTask());
  }

  #spawner(): Task {
    this.#places.checkOpen();
    const spawner = currentTask();
    if (!spawner.done) return spawner;
    throw new RunFinishedError(`Cannot spawn into ${this}: task "${spawner}" has ended`);
  }

  // -- Maps --

  *#map<I, R>(plan: PassPlan<I, R>): Generator<unknown, R[], unknown> {
    using entered = new Entered();
    const outlet = new Outlet<R>({ toString: () => plan.name });
    this.#maps.add(entered.scope);
    try {
      yield* mapPass(this.#places, plan, outlet);
    } finally {
      this.#maps.delete(entered.scope);
    }
    return outlet.collect();
  }

  #imap<I, R>(
    body: TaskBody<[I], R>,
    items: Items<I>,
    ordered: boolean,
    options: TaskImapOptions,
  ): PoolResults<R> {
    checkBody(body, "map");
    checkMapped(items, "map over");
    const { onError = "raise", timeout = Infinity } = checkOptions(options, "imap()");
    checkOneOf(onError, ["raise", "skip", "yield"], "onError");
    checkMs(timeout, "a timeout");
    currentTask(); // outside of a run nobody could draw
    this.#places.checkOpen();
    const name = `${this.#name}.${ordered ? "imap" : "imapUnordered"}()`;
    const pass = { name, body, items, timeout };
    const draw = (outlet: Outlet<R>) => mapPass(this.#places, pass, outlet);
    const plan = { name, draw, ordered, onError, ahead: this.size };
    return new PoolResults(new ImapRun(this.#places, plan));
  }
}

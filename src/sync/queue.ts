/**
 * A queue between tasks, with back-pressure and the count of unfinished work.
 *
 * An item is always in exactly one place: with a waiting putter, in the store, or handed to a getter.
 * Handing over happens in one synchronous step, from the putter straight to the longest-waiting getter;
 * so a cancelled `get` has taken nothing, a cancelled `put` has put nothing, and nothing can slip by.
 * What a waiting putter offers is kept in its wait, and so leaves with it: a list beside the line of
 * putters would have to be searched on a cancel, a map from wait to item costs twice the whole `put`
 * (measured).
 *
 * Which item comes out next is the store's affair ({@linkcode ItemStore}), all else is the same for
 * every queue: the others extend this class with a store of their own and nothing more.
 */
import { BOUND, checkWhole } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { Deque } from "../internal/deque.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import { reportName } from "../kernel/printable.ts";
import {
  inOneShape,
  NOT_NOW,
  type Operation,
  operation,
  operationOn,
  Repeated,
} from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { itemsOf, type ItemStore } from "./items.ts";
import type { Task } from "../kernel/task.ts";

/** What a queue is doing. */
export interface QueueStatistics {
  /** Items in the buffer. */
  readonly size: number;
  /** The most it may hold. */
  readonly capacity: number;
  /** Tasks waiting in `get`. */
  readonly getting: number;
  /** Tasks waiting in `put`. */
  readonly putting: number;
  /** Items put and not yet reported done. */
  readonly unfinished: number;
}

/**
 * A first-in, first-out queue; `queue.Queue` of Python for tasks.
 *
 * - Items come out in the order in which they went in; waiters are served in FIFO order.
 * - `put` waits while the queue is full, `get` while it is empty.
 * - Cancelled means it did not happen: no item is lost, none is put.
 * - After {@linkcode shutdown} nothing goes in, and what is left can be got; then `get` throws
 *   `ClosedError`. `for await` in an `async function*` goes through the items and ends there.
 *
 * @example Back-pressure
 * ```ts
 * import { Queue, run, spawn } from "@weft/weft";
 * const got: number[] = [];
 * await run(function* () {
 *   const queue = new Queue<number>(1);
 *   spawn(function* () {
 *     for (let i = 0; i < 3; i++) yield* queue.put(i);
 *   });
 *   for (let i = 0; i < 3; i++) got.push(yield* queue.get());
 * });
 * if (got.join() !== "0,1,2") throw new Error(got.join());
 * ```
 *
 * @example Until it is shut down
 * ```ts
 * import { Queue, run, spawn } from "@weft/weft";
 * let sum = 0;
 * await run(async function* () {
 *   const queue = new Queue<number>(2);
 *   spawn(function* () {
 *     for (const item of [1, 2, 3]) yield* queue.put(item);
 *     queue.shutdown();
 *   });
 *   for await (const item of queue) sum += item;
 * });
 * if (sum !== 6) throw new Error(String(sum));
 * ```
 *
 * @typeParam T The items' type.
 */
export class Queue<T> implements AsyncIterable<T> {
  readonly #name: string;
  readonly #capacity: number;
  readonly #store: ItemStore<T>;
  readonly #getters: WaitQueue<T>;
  readonly #putters: WaitQueue<void>;
  readonly #joiners: WaitQueue<void>;
  readonly #getting: Repeated<T>;
  readonly #putting = inOneShape<void>({
    now: (_: Task, item: T): undefined | typeof NOT_NOW => {
      if (this.#isShutdown || this.full) return NOT_NOW;
      this.#accept(item);
    },
  });
  readonly #beginPut = (wait: Wait<void>, putters: WaitQueue<void>, item: T): void => {
    this.#refuseShut();
    if (!this.full) {
      this.#accept(item);
      wait.settle();
    } else {
      putters.park(wait);
      wait.offer = item; // see #admit
    }
  };
  #unfinished = 0;
  #isShutdown = false;

  /**
   * Makes an empty queue.
   *
   * @param capacity The most items it holds, at least 1. Without it the queue grows without bound.
   * @param name What reports call it.
   * @param store Keeps the items, and so decides which comes out next. It must be empty. @default FIFO
   * @throws {RangeError} If the capacity is not a whole number of at least 1, or `Infinity`.
   */
  constructor(
    capacity: number = Infinity,
    name?: string,
    store: ItemStore<T> = new Deque<T>(),
  ) {
    checkWhole(capacity, "make a queue for", "items", BOUND);
    this.#capacity = capacity;
    this.#name = reportName("Queue", name);
    this.#store = store;
    this.#getters = new WaitQueue(this, "get");
    this.#putters = new WaitQueue(this, "put");
    this.#joiners = new WaitQueue(this, "join");
    const options = inOneShape<T>({
      undo: (item: T): void => this.#putBack(item),
      now: (): T | typeof NOT_NOW => this.#store.size > 0 ? this.#take() : NOT_NOW,
    });
    this.#getting = new Repeated(this.#getters, (wait) => this.#beginGet(wait), options);
  }

  /** How many items the buffer holds. */
  get size(): number {
    return this.#store.size;
  }

  /** Whether a `get` would have to wait. */
  get empty(): boolean {
    return this.#store.size === 0;
  }

  /** Whether a `put` would have to wait. */
  get full(): boolean {
    return this.#store.size >= this.#capacity;
  }

  /** Whether {@linkcode shutdown} was called. */
  get isShutdown(): boolean {
    return this.#isShutdown;
  }

  /**
   * Puts an item in; waits while the queue is full. Waiting putters are served in FIFO order, and none
   * that comes later goes past them.
   *
   * @throws {ClosedError} If the queue was shut down, before or while it waited: then nothing was put.
   */
  put(item: T): Operation<void> {
    return operationOn(this.#putters, this.#beginPut, item, this.#putting);
  }

  /**
   * Takes the item that comes next; waits while the queue is empty.
   *
   * @throws {ClosedError} If the queue was shut down and is empty.
   */
  get(): Operation<T> {
    return this.#getting.make(currentScope());
  }

  /**
   * Puts an item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If the queue is full.
   * @throws {ClosedError} If the queue was shut down.
   */
  tryPut(item: T): void {
    this.#refuseShut();
    if (this.full) {
      throw new WouldBlock(`Cannot put into ${this.#name} now: it holds ${this.size} items`);
    }
    this.#accept(item);
  }

  /**
   * Takes an item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If the queue is empty.
   * @throws {ClosedError} If the queue is empty and was shut down.
   */
  tryGet(): T {
    if (!this.empty) return this.#take();
    if (this.#isShutdown) throw this.#ended();
    throw new WouldBlock(`Cannot get from ${this.#name} now: it is empty`);
  }

  /**
   * Reports one item that was taken as done; when all are, {@linkcode join} goes on.
   *
   * @throws {RangeError} If it is called more often than items were put.
   */
  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new RangeError(`Cannot report an item of ${this.#name} as done: none is unfinished`);
    }
    this.#finish(1);
  }

  /** Waits until every item that was put has been taken and reported by {@linkcode taskDone}. */
  join(): Operation<void> {
    return operation(this.#joiners, (wait: Wait<void>) => {
      if (this.#unfinished === 0) wait.settle();
      else this.#joiners.park(wait);
    });
  }

  /**
   * Ends the queue, as `shutdown` of Python 3.13 does: `put` throws `ClosedError` from now on, also
   * where it waits, and `get` does so once the queue is empty. Getters that wait are woken with it.
   * Never a checkpoint. Calling it again has no effect, but for `immediate`.
   *
   * @param immediate Also drops the items that are left, and counts each as done: `join` goes on unless
   * items were taken that nobody has reported done. @default {false}
   */
  shutdown(immediate: boolean = false): void {
    this.#isShutdown = true;
    if (immediate) {
      const dropped = this.#store.size;
      this.#store.clear();
      // Items reported done before they were taken have been counted off already.
      this.#finish(Math.min(dropped, this.#unfinished));
    }
    if (this.#getters.size > 0) this.#getters.failAll(this.#ended());
    if (this.#putters.size > 0) this.#putters.failAll(this.#closed("put into"));
  }

  /** A frozen record of items and waiters. */
  statistics(): QueueStatistics {
    return Object.freeze({
      size: this.size,
      capacity: this.#capacity,
      getting: this.#getters.size,
      putting: this.#putters.size,
      unfinished: this.#unfinished,
    });
  }

  /** Gets item after item, and ends when the queue is empty and was shut down. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return itemsOf(
      () => this.get(),
      (error) => error instanceof ClosedError && this.#isShutdown && this.empty,
    );
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  #beginGet(wait: Wait<T>): void {
    if (!this.empty) return wait.settle(this.#take());
    if (this.#isShutdown) throw this.#ended();
    this.#getters.park(wait);
  }

  /** Takes an item in: past the store if a getter waits, which means that the store is empty. */
  #accept(item: T): void {
    if (!this.#getters.wake(item)) this.#store.push(item);
    this.#unfinished++;
  }

  /** Gives an item out, and lets a waiting putter have its place. */
  #take(): T {
    const item = this.#store.shift() as T;
    if (this.#putters.size > 0) this.#admit();
    return item;
  }

  /** Takes in what the longest-waiting putters offer. An offer that the store refuses is its putter's error. */
  #admit(): void {
    while (!this.full) {
      const putter = this.#putters.shift();
      if (putter === null) return;
      try {
        this.#accept(putter.offer as T);
      } catch (error) {
        putter.fail(error);
        continue;
      }
      putter.settle();
    }
  }

  /** Takes in again what a getter that can have no result was given: before what came after it. */
  #putBack(item: T): void {
    if (this.#getters.wake(item)) return;
    if (this.#store.unshift === undefined) this.#store.push(item);
    else this.#store.unshift(item);
  }

  #finish(items: number): void {
    if (items === 0) return;
    this.#unfinished -= items;
    if (this.#unfinished === 0) this.#joiners.wakeAll();
  }

  #refuseShut(): void {
    if (this.#isShutdown) throw this.#closed("put into");
  }

  #ended(): ClosedError {
    return this.#closed("get from");
  }

  #closed(verb: string): ClosedError {
    return new ClosedError(`Cannot ${verb} ${this.#name}: it was shut down`);
  }
}

/**
 * A FIFO queue between tasks, with back-pressure and the count of unfinished work.
 *
 * An item is always in exactly one place: with a waiting putter, in the buffer, or handed to a getter.
 * Handing over happens in one synchronous step, from the putter straight to the longest-waiting getter;
 * so a cancelled `get` has taken nothing, a cancelled `put` has put nothing, and nothing can slip by.
 */
import { Deque } from "../internal/deque.ts";
import { WouldBlock } from "../kernel/errors.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

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
 * @typeParam T The items' type.
 */
export class Queue<T> {
  readonly #name: string;
  readonly #capacity: number;
  readonly #items = new Deque<T>();
  readonly #getters: WaitQueue<T>;
  readonly #putters: WaitQueue<void>;
  readonly #offers = new WeakMap<Wait<void>, T>();
  readonly #joiners: WaitQueue<void>;
  #unfinished = 0;

  /**
   * Makes an empty queue.
   *
   * @param capacity The most items it holds, at least 1. Without it the queue grows without bound.
   * @param name What reports call it.
   * @throws {RangeError} If the capacity is not a whole number of at least 1, or `Infinity`.
   */
  constructor(capacity: number = Infinity, name: string = nextName("Queue")) {
    if (capacity !== Infinity && (!Number.isInteger(capacity) || capacity < 1)) {
      throw new RangeError(
        `Cannot make a queue for ${capacity} items: the capacity must be a whole number of at least 1, or Infinity`,
      );
    }
    this.#capacity = capacity;
    this.#name = name;
    this.#getters = new WaitQueue(this, "get");
    this.#putters = new WaitQueue(this, "put");
    this.#joiners = new WaitQueue(this, "join");
  }

  /** How many items the buffer holds. */
  get size(): number {
    return this.#items.size;
  }

  /** Whether a `get` would have to wait. */
  get empty(): boolean {
    return this.#items.size === 0;
  }

  /** Whether a `put` would have to wait. */
  get full(): boolean {
    return this.#items.size >= this.#capacity;
  }

  /** Puts an item at the back; waits while the queue is full. */
  put(item: T): Operation<void> {
    return operation(this.#putters, (wait: Wait<void>) => {
      if (!this.full) {
        this.#accept(item);
        wait.settle();
      } else {
        this.#offers.set(wait, item);
        this.#putters.park(wait);
      }
    });
  }

  /** Takes the item at the front; waits while the queue is empty. */
  get(): Operation<T> {
    return operation(this.#getters, (wait: Wait<T>) => {
      if (!this.empty) wait.settle(this.#take());
      else this.#getters.park(wait);
    });
  }

  /**
   * Puts an item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If the queue is full.
   */
  tryPut(item: T): void {
    if (this.full) {
      throw new WouldBlock(`Cannot put into ${this.#name} now: it holds ${this.size} items`);
    }
    this.#accept(item);
  }

  /**
   * Takes an item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If the queue is empty.
   */
  tryGet(): T {
    if (this.empty) throw new WouldBlock(`Cannot get from ${this.#name} now: it is empty`);
    return this.#take();
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
    if (--this.#unfinished === 0) this.#joiners.wakeAll();
  }

  /** Waits until every item that was put has been taken and reported by {@linkcode taskDone}. */
  join(): Operation<void> {
    return operation(this.#joiners, (wait: Wait<void>) => {
      if (this.#unfinished === 0) wait.settle();
      else this.#joiners.park(wait);
    });
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

  /** The name. */
  toString(): string {
    return this.#name;
  }

  /** Takes an item in: past the buffer if a getter waits, which means that the buffer is empty. */
  #accept(item: T): void {
    this.#unfinished++;
    if (!this.#getters.wake(item)) this.#items.push(item);
  }

  /** Gives an item out, and fills its place from the longest-waiting putter. */
  #take(): T {
    const item = this.#items.shift() as T;
    const putter = this.#putters.shift();
    if (putter !== null) {
      const offer = this.#offers.get(putter) as T;
      this.#unfinished++;
      this.#items.push(offer);
      putter.settle();
    }
    return item;
  }
}

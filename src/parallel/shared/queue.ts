/** Queues between threads: one with everything that Python's `multiprocessing.JoinableQueue` has, and a plain one. */
import { BOUND, checkOptions, checkWhole } from "../../kernel/checks.ts";
import { ClosedError, WouldBlock } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import { channelBytes, type Count, initChannel, SharedChannel, UNBOUNDED } from "./channel.ts";
import { Gate, GATE_WORDS, type GateEntry, NOT_YET } from "./gate.ts";
import { isHandle, registerShared, type SharedHandle } from "./pack.ts";
import { ringSize } from "./ring.ts";
import { newRegion, type Region, regionOf, SharedObject } from "./region.ts";

/** How to make a {@linkcode SharedQueue}, a {@linkcode SimpleQueue} or a {@linkcode pipe}. */
export interface SharedQueueOptions {
  /**
   * How many bytes of items there is room for; also limits the size of one.
   *
   * @default as many as are needed in a {@linkcode SharedQueue}, 1 MiB in the others
   */
  bytes?: number;
}

/** What a shared queue is doing. */
export interface SharedQueueStatistics {
  /** How many items it holds. */
  readonly size: number;
  /** The most items it holds. */
  readonly capacity: number;
  /** How many threads wait for an item. */
  readonly getting: number;
  /** How many threads wait for room. */
  readonly putting: number;
  /** How many items were put and not reported done. */
  readonly unfinished: number;
}

/** How many items were put and not reported done. */
const UNFINISHED = 0;
const JOINERS = 1;
const CHANNEL = (JOINERS + GATE_WORDS + 1) & ~1;

/** A pipe or a simple queue has room for so many bytes if nobody says otherwise. */
export const DEFAULT_BYTES: number = 1 << 20;

function makeRegion(capacity: number, { bytes }: SharedQueueOptions): Region {
  checkWhole(capacity, "make a SharedQueue for", "items", BOUND);
  const ring = ringSize(bytes);
  const region = newRegion("SharedQueue", 4 * CHANNEL + channelBytes(ring.size), ring.growth);
  initChannel(region.words, CHANNEL, ring, Math.min(capacity, UNBOUNDED));
  return region;
}

/**
 * A first-in, first-out queue between threads: pass it to a job, and it is the same queue there.
 *
 * - Items are copied, as by a message: what can be cloned can be put, except for shared memory itself.
 * - It holds `capacity` items; `put` waits for room. Its memory grows as items need it, up to 1 GiB, where a
 *   `put` is an error, and stays; so without a capacity `put` never waits, whether anybody gets or not.
 *   With the option `bytes` it does not grow: `put` waits for that, too, and a larger item is an error.
 * - An item goes to one getter, exactly once. Several getters, or putters, are served about in turn.
 * - A cancelled `get` takes nothing, a cancelled `put` leaves nothing behind.
 * - When a thread dies half-way through a `put` or a `get`, complete items can still be taken; then, and
 *   for every other `put`, there is an {@linkcode AbandonedError}, within about a tenth of a second.
 *
 * An item costs a few tenths of a microsecond if it is a number, a string or a `Uint8Array`, and some
 * microseconds if it is an object. After Python's `multiprocessing.Queue` and `JoinableQueue`.
 *
 * @example A worker puts, the scheduler's thread gets
 * ```ts
 * import { jobs, run, SharedQueue, WorkerPool } from "@weft/weft";
 *
 * const { produce } = jobs(import.meta, {
 *   produce(queue: SharedQueue<number>): void {
 *     for (const item of [1, 2, 3]) queue.putSync(item);
 *     queue.shutdown();
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(1);
 *   await run(async function* () {
 *     const queue = new SharedQueue<number>(2);
 *     pool.submit(produce, queue);
 *     let sum = 0;
 *     for await (const item of queue) sum += item;
 *     if (sum !== 6) throw new Error(`${sum}`);
 *   });
 * }
 * ```
 *
 * @typeParam T The items' type.
 */
export class SharedQueue<T = unknown> extends SharedObject
  implements AsyncIterable<T>, Iterable<T> {
  readonly #region: Region;
  readonly #channel: SharedChannel;
  readonly #joiners: Gate;
  #closed = false;
  readonly #count: Count = (by) => void Atomics.add(this.#region.words, UNFINISHED, by);

  /**
   * Makes an empty queue; with a handle, another view of the one behind it.
   *
   * @param capacity The most items it holds, at least 1. @default {Infinity}
   * @param options How many bytes it has.
   * @throws {RangeError} If the capacity, or the number of bytes, is out of range.
   */
  constructor(capacity: number | SharedHandle = Infinity, options: SharedQueueOptions = {}) {
    const region = typeof capacity === "number"
      ? makeRegion(capacity, checkOptions(options, "SharedQueue"))
      : regionOf(capacity, "SharedQueue");
    super(region);
    this.#region = region;
    this.#channel = new SharedChannel(region, CHANNEL, {
      write: `put into ${region.name}`,
      read: `get from ${region.name}`,
      ended: () => this.#closed ? "it was closed in this thread" : null,
    });
    this.#joiners = new Gate(region.words, JOINERS, region.thread, "all");
  }

  /** The queue behind a handle. */
  static from<T = unknown>(handle: SharedHandle): SharedQueue<T> {
    return new SharedQueue(handle);
  }

  /** How many items it holds at this moment. */
  get size(): number {
    return this.#channel.length;
  }

  /** Whether it holds none at this moment. */
  get empty(): boolean {
    return this.size === 0;
  }

  /** Whether it holds as many items as it may at this moment. */
  get full(): boolean {
    return this.size >= this.#channel.capacity;
  }

  /** Whether {@linkcode shutdown} was called. */
  get isShutdown(): boolean {
    return this.#channel.isClosed;
  }

  /**
   * Puts an item in; waits while there is no room.
   *
   * @throws {ClosedError} If the queue was shut down, or closed here: then nothing was put.
   * @throws {TypeError} If the item cannot be cloned.
   * @throws {RangeError} If it is larger than the whole queue.
   * @throws {AbandonedError} If a thread died half-way through a `put` or `get`.
   */
  put(item: T): Operation<void> {
    return this.#channel.write(`${this}.put()`, item, this.#count);
  }

  /**
   * Takes the item that was put first; waits while there is none.
   *
   * @throws {ClosedError} If the queue was shut down and is empty.
   * @throws {AbandonedError} If it is empty and a thread died half-way through a `put` or `get`.
   */
  get(): Operation<T> {
    return this.#channel.read(`${this}.get()`) as Operation<T>;
  }

  /**
   * Puts an item in; blocks while there is no room, at most `ms` milliseconds. For the plain code of a
   * worker; throws like {@linkcode put}.
   *
   * @throws {TimeoutError} If it takes longer.
   * @throws {Error} On the main thread, and in a task if it would have to wait.
   */
  putSync(item: T, ms?: number): void {
    this.#channel.writeSync(this, "putSync", item, ms, this.#count);
  }

  /**
   * Takes the item that was put first; blocks while there is none, at most `ms` milliseconds. For the
   * plain code of a worker; throws like {@linkcode get}.
   *
   * @throws {TimeoutError} If it takes longer.
   * @throws {Error} On the main thread, and in a task if it would have to wait.
   */
  getSync(ms?: number): T {
    return this.#channel.readSync(this, "getSync", ms) as T;
  }

  /**
   * Puts an item in without waiting; otherwise like {@linkcode put}.
   *
   * @throws {WouldBlock} If there is no room.
   */
  tryPut(item: T): void {
    if (this.#channel.tryWrite(item, this.#count)) return;
    throw new WouldBlock(
      `Cannot put into ${this} now: it holds ${this.size} items and has no room`,
    );
  }

  /**
   * Takes an item without waiting; otherwise like {@linkcode get}.
   *
   * @throws {WouldBlock} If there is none.
   */
  tryGet(): T {
    const item = this.#channel.tryRead();
    if (item === NOT_YET) throw new WouldBlock(`Cannot get from ${this} now: it is empty`);
    return item as T;
  }

  /**
   * Reports one item that was taken as done. Never waits.
   *
   * @throws {RangeError} If more are reported than were put.
   */
  taskDone(): void {
    const { words } = this.#region;
    for (;;) {
      const unfinished = Atomics.load(words, UNFINISHED);
      if (unfinished === 0) {
        throw new RangeError(`Cannot report an item of ${this} done: all that were put are done`);
      }
      if (Atomics.compareExchange(words, UNFINISHED, unfinished, unfinished - 1) !== unfinished) {
        continue;
      }
      if (unfinished === 1) this.#joiners.wakeAll();
      return;
    }
  }

  /** Waits until every item that was put is reported done. */
  join(): Operation<void> {
    const label = `${this}.join()`;
    return this.#joiners.enter(label, () => this.#joining(label));
  }

  /** Blocks until every item that was put is reported done, at most `ms` milliseconds. */
  joinSync(ms?: number): void {
    this.#joiners.block(this.#joining(`${this}.joinSync()`), ms);
  }

  /**
   * Ends the queue, in all threads: `put` throws `ClosedError` from now on, also where it waits, and
   * `get` does so once the queue is empty. Never waits. Calling it again has no effect, but for
   * `immediate`.
   *
   * @param immediate Also drops the items that are left, and counts each as done. @default {false}
   */
  shutdown(immediate: boolean = false): void {
    this.#channel.close();
    if (!immediate) return;
    for (let left = this.#channel.clear(); left > 0; left--) this.taskDone();
  }

  /**
   * Says that nothing more is put through this object, as in Python: other threads go on. Items that are
   * left can still be taken; then `get` throws `ClosedError`, as `put` does at once. Never waits.
   */
  close(): void {
    this.#closed = true;
    this.#channel.rouse();
  }

  /** A frozen record of items and waiters. */
  statistics(): SharedQueueStatistics {
    const { length: size, capacity, values, room } = this.#channel;
    return Object.freeze({
      size,
      capacity: capacity === UNBOUNDED ? Infinity : capacity,
      getting: values.waiting,
      putting: room.waiting,
      unfinished: Atomics.load(this.#region.words, UNFINISHED),
    });
  }

  /** Gets items until the queue is shut down and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, unknown> {
    try {
      for (;;) yield await this.get();
    } catch (error) {
      if (!this.#isEnd(error)) throw error;
    }
  }

  /** Gets items, blocking, until the queue is shut down and empty. For the plain code of a worker. */
  *[Symbol.iterator](): Generator<T, void, unknown> {
    try {
      for (;;) yield this.getSync();
    } catch (error) {
      if (!this.#isEnd(error)) throw error;
    }
  }

  /** A thread that is told to end while it waits gets a `ClosedError`, too. */
  #isEnd(error: unknown): boolean {
    return error instanceof ClosedError && (this.isShutdown || this.#closed) && this.empty;
  }

  #joining(label: string): GateEntry<void> {
    return {
      label,
      attempt: () => Atomics.load(this.#region.words, UNFINISHED) === 0 ? undefined : NOT_YET,
    };
  }
}

/**
 * A queue between threads that can put and get and nothing else: pass it to a job, and it is the same
 * queue there.
 *
 * It holds what its bytes hold, as Python's `multiprocessing.SimpleQueue` holds what a pipe holds: `put`
 * waits while there is no room, and an item larger than all of it is an error. Otherwise like
 * {@linkcode SharedQueue}.
 *
 * @example
 * ```ts
 * import { run, SimpleQueue } from "@weft/weft";
 * await run(async function* () {
 *   const queue = new SimpleQueue<string>();
 *   yield* queue.put("hello");
 *   if ((yield* queue.get()) !== "hello" || !queue.empty) throw new Error();
 * });
 * ```
 *
 * @typeParam T The items' type.
 */
export class SimpleQueue<T = unknown> extends SharedObject {
  readonly #channel: SharedChannel;

  /**
   * Makes an empty queue; with a handle, another view of the one behind it.
   *
   * @throws {RangeError} If the number of bytes is out of range.
   */
  constructor(options: SharedQueueOptions | SharedHandle = {}) {
    const region = isHandle(options)
      ? regionOf(options, "SimpleQueue")
      : makeSimple(checkOptions(options, "SimpleQueue"));
    super(region);
    const terms = { write: `put into ${region.name}`, read: `get from ${region.name}` };
    this.#channel = new SharedChannel(region, 0, terms);
  }

  /** The queue behind a handle. */
  static from<T = unknown>(handle: SharedHandle): SimpleQueue<T> {
    return new SimpleQueue(handle);
  }

  /** Whether it holds no item at this moment. */
  get empty(): boolean {
    return this.#channel.length === 0;
  }

  /** Puts an item in; waits while there is no room. Throws like {@linkcode SharedQueue.put}. */
  put(item: T): Operation<void> {
    return this.#channel.write(`${this}.put()`, item);
  }

  /** Takes the item that was put first; waits while there is none. Throws like {@linkcode SharedQueue.get}. */
  get(): Operation<T> {
    return this.#channel.read(`${this}.get()`) as Operation<T>;
  }

  /** Puts an item in; blocks while there is no room. For the plain code of a worker. */
  putSync(item: T): void {
    this.#channel.writeSync(this, "putSync", item);
  }

  /** Takes the item that was put first; blocks while there is none. For the plain code of a worker. */
  getSync(): T {
    return this.#channel.readSync(this, "getSync") as T;
  }
}

registerShared("SharedQueue", SharedQueue.from);
registerShared("SimpleQueue", SimpleQueue.from);

function makeSimple({ bytes = DEFAULT_BYTES }: SharedQueueOptions): Region {
  const ring = ringSize(bytes);
  const region = newRegion("SimpleQueue", channelBytes(ring.size));
  initChannel(region.words, 0, ring, UNBOUNDED);
  return region;
}

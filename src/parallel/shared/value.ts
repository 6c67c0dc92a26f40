/**
 * Numbers and truth values in memory that threads share: one, or several side by side.
 *
 * A single read or write of one is whole and seen by all. What reads and then writes is not, as
 * everywhere: `value.value++` loses counts. For that there are `add`, `sub` and `compareExchange`, which
 * are one step each, and a lock.
 */
import { checkIndex, checkList, placeOfIndex } from "../../kernel/checks.ts";
import {
  type ArrayOf,
  Cells,
  type KindOf,
  newCells,
  type SharedKind,
  type WholeOf,
} from "./cells.ts";
import type { SharedRLock } from "./lock.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { regionOf, SharedObject } from "./region.ts";

/**
 * A number or truth value that threads share: pass it to a job, and it is the same value there.
 *
 * After Python's `multiprocessing.Value`, with names of typed arrays for its types. `value` is what it
 * is now, and can be set. `float32` and `float64` can be read and written; to change one by its old
 * value, hold the lock.
 *
 * @example Counted in two workers
 * ```ts
 * import { jobs, SharedValue, WorkerPool } from "@weft/weft";
 *
 * const { count } = jobs(import.meta, {
 *   count(counter: SharedValue<"int32">): void {
 *     for (let i = 0; i < 1000; i++) counter.add(1);
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const counter = new SharedValue("int32");
 *   await Promise.all([pool.submit(count, counter), pool.submit(count, counter)]);
 *   if (counter.value !== 2000) throw new Error(`${counter.value}`);
 * }
 * ```
 *
 * @typeParam K The kind.
 */
export class SharedValue<K extends SharedKind = SharedKind> extends SharedObject {
  readonly #cells: Cells<K>;

  /**
   * Makes a value; with a handle, another view of the one behind it.
   *
   * @param kind As in `"int32"`.
   * @param initial What it is at first. @default 0, or `false`
   * @throws {TypeError} If there is no such kind, or the first value is not of it.
   */
  constructor(kind: K, initial?: KindOf<K>, handle?: SharedHandle) {
    const region = handle === undefined
      ? newCells("SharedValue", kind, 1)
      : regionOf(handle, "SharedValue");
    super(region);
    this.#cells = new Cells(region);
    if (initial !== undefined) this.set(initial);
  }

  /** The value behind a handle. */
  static from(handle: SharedHandle): SharedValue {
    return new SharedValue<SharedKind>("int32", undefined, handle); // the memory knows its kind
  }

  /** What kind of value it is. */
  get kind(): K {
    return this.#cells.kind;
  }

  /** What it is now. */
  get value(): KindOf<K> {
    return this.#cells.read(0);
  }

  /** Sets it. A number that does not fit wraps around, as in a typed array. */
  set value(value: KindOf<K>) {
    this.#cells.write(0, value);
  }

  /** What it is now. */
  get(): KindOf<K> {
    return this.#cells.read(0);
  }

  /** Sets it. */
  set(value: KindOf<K>): void {
    this.#cells.write(0, value);
  }

  /** A lock for it, the same in all threads. Nothing takes it by itself. */
  get lock(): SharedRLock {
    return this.#cells.lock;
  }

  /** Adds in one step, and returns what it was before. Only whole numbers. */
  add(by: WholeOf<K>): KindOf<K> {
    return this.#cells.add(0, by);
  }

  /** Subtracts in one step, and returns what it was before. Only whole numbers. */
  sub(by: WholeOf<K>): KindOf<K> {
    return this.#cells.sub(0, by);
  }

  /** Sets it to `next` if it is `expected`, in one step; returns what it was before. No floats. */
  compareExchange(expected: KindOf<K>, next: KindOf<K>): KindOf<K> {
    return this.#cells.compareExchange(0, expected, next);
  }
}

/**
 * An array of numbers or truth values that threads share: pass it to a job, and it is the same there.
 *
 * Its length is fixed. `at` and `set` are whole and seen by all; `view` is the typed array itself, for
 * speed. After Python's `multiprocessing.Array`.
 *
 * @example Squares, computed elsewhere
 * ```ts
 * import { jobs, SharedArray, WorkerPool } from "@weft/weft";
 *
 * const { square } = jobs(import.meta, {
 *   square(numbers: SharedArray<"float64">): void {
 *     for (let i = 0; i < numbers.length; i++) numbers.view[i]! **= 2;
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(1);
 *   const numbers = new SharedArray("float64", [1, 2, 3]);
 *   await pool.submit(square, numbers);
 *   if ([...numbers].join() !== "1,4,9") throw new Error([...numbers].join());
 * }
 * ```
 *
 * @typeParam K The kind of its elements.
 */
export class SharedArray<K extends SharedKind = SharedKind> extends SharedObject {
  readonly #cells: Cells<K>;

  /**
   * Makes an array; with a handle, another view of the one behind it.
   *
   * @param kind As in `"int32"`.
   * @param content How many elements, all zero; or the elements.
   * @throws {TypeError} If there is no such kind, or an element is not of it.
   * @throws {RangeError} If the length is no whole number from 0 on.
   */
  constructor(kind: K, content: number | Iterable<KindOf<K>>, handle?: SharedHandle) {
    const values = typeof content === "number" ? undefined : checkList(content, "numbers to share");
    const region = handle === undefined
      ? newCells("SharedArray", kind, values?.length ?? content as number)
      : regionOf(handle, "SharedArray");
    super(region);
    this.#cells = new Cells(region);
    values?.forEach((value, index) => this.#cells.write(index, value));
  }

  /** The array behind a handle. */
  static from(handle: SharedHandle): SharedArray {
    return new SharedArray<SharedKind>("int32", 0, handle); // the memory knows its kind
  }

  /** What kind of values it has. */
  get kind(): K {
    return this.#cells.kind;
  }

  /** How many elements it has. */
  get length(): number {
    return this.#cells.length;
  }

  /** The typed array over the same memory; of truth values, a byte array of 0 and 1. */
  get view(): ArrayOf<K> {
    return this.#cells.array;
  }

  /** A lock for it, the same in all threads. Nothing takes it by itself. */
  get lock(): SharedRLock {
    return this.#cells.lock;
  }

  /** The element at an index, negative ones from the end; `undefined` if there is none, as everywhere. */
  at(index: number): KindOf<K> | undefined {
    const place = placeOfIndex(index, this.length);
    return place === undefined ? undefined : this.#cells.read(place);
  }

  /**
   * Sets the element at an index, negative ones from the end.
   *
   * @throws {RangeError} If there is none: a shared array does not grow.
   */
  set(index: number, value: KindOf<K>): void {
    this.#cells.write(this.#place(index), value);
  }

  /** Adds to an element in one step, and returns what it was before. Only whole numbers. */
  add(index: number, by: WholeOf<K>): KindOf<K> {
    return this.#cells.add(this.#place(index), by);
  }

  /** The elements, each as it is when its turn comes. */
  *[Symbol.iterator](): IterableIterator<KindOf<K>> {
    for (let i = 0; i < this.length; i++) yield this.#cells.read(i);
  }

  #place(index: number): number {
    return checkIndex(index, "element", this, this.length);
  }
}

registerShared("SharedValue", SharedValue.from);
registerShared("SharedArray", SharedArray.from);

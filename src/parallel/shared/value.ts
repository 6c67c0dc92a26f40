/**
 * Numbers and truth values in memory that threads share: one, or several side by side.
 *
 * A single read or write of one is whole and seen by all. What reads and then writes is not, as
 * everywhere: `value.value++` loses counts. For that there are `add`, `sub` and `compareExchange`, which
 * are one step each, and a lock.
 */
import { checkIndex, checkList, checkWhole, placeOfIndex } from "../../kernel/checks.ts";
import {
  type ArrayOf,
  bytesOf,
  kindNames,
  type KindOf,
  type SharedKind,
  type SharedView,
  viewOf,
  type WholeOf,
} from "./number_kinds.ts";
import { registerShared, shareable, type SharedHandle } from "./pack.ts";
import { damaged, handleOf, handleWithin, newRegion, type Region, regionOf } from "./region.ts";
import { SharedRLock } from "./lock.ts";
import { LOCK_WORDS } from "./lock_core.ts";

/** The kind, as a place in the list of kinds; and how many there are. */
const KIND = 0;
const LENGTH = 1;
const LOCK = 2;
/** Where the values begin, in bytes, so that any kind is aligned. */
const VALUES_BYTE = 4 * (LOCK + LOCK_WORDS);

/** Values of one kind, and a lock for them: the inside of both classes. */
class Cells<K extends SharedKind> {
  readonly region: Region;
  readonly view: SharedView<K>;
  readonly length: number;
  #lock: SharedRLock | undefined;

  constructor(name: string, kind: K, length: number, handle: SharedHandle | undefined) {
    const region = this.region = handle === undefined
      ? makeRegion(name, kind, length)
      : regionOf(handle, name);
    this.length = region.words[LENGTH]!;
    this.view = viewOf(kind, region.memory, VALUES_BYTE, this.length, region.name);
  }

  get lock(): SharedRLock {
    const { region } = this;
    return this.#lock ??= new SharedRLock(
      handleWithin(region, "SharedRLock", LOCK, `${region.name}.lock`),
    );
  }
}

function makeRegion(name: string, kind: SharedKind, length: number): Region {
  checkWhole(length, `make a ${name} of`, "elements", { least: 0, most: 0x7fff_ffff });
  const region = newRegion(name, VALUES_BYTE + length * bytesOf(kind));
  region.words[KIND] = kindNames.indexOf(kind);
  region.words[LENGTH] = length;
  return region;
}

/** The kind that a handle's memory was made for. */
function kindIn(handle: SharedHandle, name: string): SharedKind {
  const kind = kindNames[regionOf(handle, name).words[KIND]!];
  if (kind !== undefined) return kind;
  throw damaged();
}

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
export class SharedValue<K extends SharedKind = SharedKind> {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the value itself. */
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#cells.region));
  readonly #cells: Cells<K>;

  /**
   * Makes a value; with a handle, another view of the one behind it.
   *
   * @param kind As in `"int32"`.
   * @param initial What it is at first. @default 0, or `false`
   * @throws {TypeError} If there is no such kind, or the first value is not of it.
   */
  constructor(kind: K, initial?: KindOf<K>, handle?: SharedHandle) {
    this.#cells = new Cells("SharedValue", kind, 1, handle);
    if (initial !== undefined) this.set(initial);
  }

  /** The value behind a handle. */
  static from(handle: SharedHandle): SharedValue {
    return new SharedValue(kindIn(handle, "SharedValue"), undefined, handle);
  }

  /** What kind of value it is. */
  get kind(): K {
    return this.#cells.view.kind;
  }

  /** What it is now. */
  get value(): KindOf<K> {
    return this.#cells.view.read(0);
  }

  /** Sets it. A number that does not fit wraps around, as in a typed array. */
  set value(value: KindOf<K>) {
    this.#cells.view.write(0, value);
  }

  /** What it is now. */
  get(): KindOf<K> {
    return this.#cells.view.read(0);
  }

  /** Sets it. */
  set(value: KindOf<K>): void {
    this.#cells.view.write(0, value);
  }

  /** A lock for it, the same in all threads. Nothing takes it by itself. */
  get lock(): SharedRLock {
    return this.#cells.lock;
  }

  /** Adds in one step, and returns what it was before. Only whole numbers. */
  add(by: WholeOf<K>): KindOf<K> {
    return this.#cells.view.add(0, by);
  }

  /** Subtracts in one step, and returns what it was before. Only whole numbers. */
  sub(by: WholeOf<K>): KindOf<K> {
    return this.#cells.view.sub(0, by);
  }

  /** Sets it to `next` if it is `expected`, in one step; returns what it was before. No floats. */
  compareExchange(expected: KindOf<K>, next: KindOf<K>): KindOf<K> {
    return this.#cells.view.compareExchange(0, expected, next);
  }

  /** As in `SharedValue#1`. */
  toString(): string {
    return this.#cells.region.name;
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
export class SharedArray<K extends SharedKind = SharedKind> {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the array itself. */
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#cells.region));
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
    this.#cells = new Cells("SharedArray", kind, values?.length ?? content as number, handle);
    values?.forEach((value, index) => this.#cells.view.write(index, value));
  }

  /** The array behind a handle. */
  static from(handle: SharedHandle): SharedArray {
    return new SharedArray(kindIn(handle, "SharedArray"), 0, handle);
  }

  /** What kind of values it has. */
  get kind(): K {
    return this.#cells.view.kind;
  }

  /** How many elements it has. */
  get length(): number {
    return this.#cells.length;
  }

  /** The typed array over the same memory; of truth values, a byte array of 0 and 1. */
  get view(): ArrayOf<K> {
    return this.#cells.view.array;
  }

  /** A lock for it, the same in all threads. Nothing takes it by itself. */
  get lock(): SharedRLock {
    return this.#cells.lock;
  }

  /** The element at an index, negative ones from the end; `undefined` if there is none, as everywhere. */
  at(index: number): KindOf<K> | undefined {
    const place = placeOfIndex(index, this.length);
    return place === undefined ? undefined : this.#cells.view.read(place);
  }

  /**
   * Sets the element at an index, negative ones from the end.
   *
   * @throws {RangeError} If there is none: a shared array does not grow.
   */
  set(index: number, value: KindOf<K>): void {
    this.#cells.view.write(this.#place(index), value);
  }

  /** Adds to an element in one step, and returns what it was before. Only whole numbers. */
  add(index: number, by: WholeOf<K>): KindOf<K> {
    return this.#cells.view.add(this.#place(index), by);
  }

  /** The elements, each as it is when its turn comes. */
  *[Symbol.iterator](): IterableIterator<KindOf<K>> {
    for (let i = 0; i < this.length; i++) yield this.#cells.view.read(i);
  }

  /** As in `SharedArray#1`. */
  toString(): string {
    return this.#cells.region.name;
  }

  #place(index: number): number {
    return checkIndex(index, "element", this, this.length);
  }
}

registerShared("SharedValue", SharedValue.from);
registerShared("SharedArray", SharedArray.from);

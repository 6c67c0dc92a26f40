/** Numbers, or truth values, side by side in memory that threads share. */
import { checkWhole } from "../../kernel/checks.ts";
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
import { RLOCK_WORDS, SharedRLock } from "./rlock.ts";
import { handleOf, handleWithin, newRegion, type Region, regionOf } from "./region.ts";

/** The kind, as a place in the list of kinds. */
const KIND = 0;
const LENGTH = 1;
const LOCK = 2;
/** Where the values begin, in bytes, so that any kind is aligned. */
const VALUES_BYTE = 4 * (LOCK + RLOCK_WORDS);

function makeRegion(kind: SharedKind, length: number): Region {
  checkWhole(length, "make a SharedArray of", "elements", { least: 0, most: 0x7fff_ffff });
  const region = newRegion("SharedArray", VALUES_BYTE + length * bytesOf(kind));
  region.words[KIND] = kindNames.indexOf(kind);
  region.words[LENGTH] = length;
  return region;
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
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#region));
  readonly #region: Region;
  readonly #view: SharedView<K>;
  #lock: SharedRLock | undefined;

  /**
   * Makes an array; with a handle, another view of the one behind it.
   *
   * @param kind As in `"int32"`.
   * @param content How many elements, all zero; or the elements.
   * @throws {TypeError} If there is no such kind, or an element is not of it.
   * @throws {RangeError} If the length is no whole number from 0 on.
   */
  constructor(kind: K, content: number | Iterable<KindOf<K>>, handle?: SharedHandle) {
    const values = typeof content === "number" ? undefined : [...content];
    this.#region = handle === undefined
      ? makeRegion(kind, values?.length ?? content as number)
      : regionOf(handle, "SharedArray");
    const { memory, words, name } = this.#region;
    this.#view = viewOf(kind, memory, VALUES_BYTE, words[LENGTH]!, name);
    values?.forEach((value, index) => this.#view.write(index, value));
  }

  /** The array behind a handle. */
  static from(handle: SharedHandle): SharedArray {
    const { words } = regionOf(handle, "SharedArray");
    return new SharedArray(kindNames[words[KIND]!]!, 0, handle);
  }

  /** What kind of values it has. */
  get kind(): K {
    return this.#view.kind;
  }

  /** How many elements it has. */
  get length(): number {
    return this.#region.words[LENGTH]!;
  }

  /** The typed array over the same memory; of truth values, a byte array of 0 and 1. */
  get view(): ArrayOf<K> {
    return this.#view.array;
  }

  /** A lock for it, the same in all threads. Nothing takes it by itself. */
  get lock(): SharedRLock {
    return this.#lock ??= new SharedRLock(
      handleWithin(this.#region, "SharedRLock", LOCK, `${this}.lock`),
    );
  }

  /** The element at an index, negative ones from the end; `undefined` if there is none, as everywhere. */
  at(index: number): KindOf<K> | undefined {
    const place = index < 0 ? index + this.length : index;
    return this.#has(place) ? this.#view.read(place) : undefined;
  }

  /**
   * Sets the element at an index, negative ones from the end.
   *
   * @throws {RangeError} If there is none: a shared array does not grow.
   */
  set(index: number, value: KindOf<K>): void {
    this.#view.write(this.#place(index), value);
  }

  /** Adds to an element in one step, and returns what it was before. Only whole numbers. */
  add(index: number, by: WholeOf<K>): KindOf<K> {
    return this.#view.add(this.#place(index), by);
  }

  /** The elements, each as it is when its turn comes. */
  *[Symbol.iterator](): IterableIterator<KindOf<K>> {
    for (let i = 0; i < this.length; i++) yield this.#view.read(i);
  }

  /** As in `SharedArray#1`. */
  toString(): string {
    return this.#region.name;
  }

  #has(place: number): boolean {
    return Number.isInteger(place) && place >= 0 && place < this.length;
  }

  #place(index: number): number {
    const place = index < 0 ? index + this.length : index;
    if (this.#has(place)) return place;
    throw new RangeError(`Cannot set element ${index} of ${this}: it has ${this.length} elements`);
  }
}

registerShared("SharedArray", SharedArray.from);

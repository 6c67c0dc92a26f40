/**
 * One number, or one truth value, in memory that threads share.
 *
 * A single read or write of it is whole and seen by all. What reads and then writes is not, as
 * everywhere: `value.value++` loses counts. For that there are `add`, `sub` and `compareExchange`, which
 * are one step each, and a lock.
 */
import {
  kindNames,
  type KindOf,
  type SharedKind,
  type SharedView,
  viewOf,
  type WholeOf,
} from "./number_kinds.ts";
import { registerShared, shareable, type SharedHandle } from "./pack.ts";
import { RLOCK_WORDS, SharedRLock } from "./rlock.ts";
import { handleOf, handleWithin, type Region, regionFor, regionOf } from "./region.ts";

/** The kind, as a place in the list of kinds. */
const KIND = 0;
const LOCK = 2;
/** Where the value is, in bytes, so that any kind is aligned. */
const VALUE_BYTE = 4 * (LOCK + RLOCK_WORDS);

/**
 * A number or truth value that threads share: pass it to a job, and it is the same value there.
 *
 * After Python's `multiprocessing.Value`, with names of typed arrays for its types. `float32` and
 * `float64` can be read and written; to change one by its old value, hold the lock.
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
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#region));
  readonly #region: Region;
  readonly #view: SharedView<K>;
  #lock: SharedRLock | undefined;

  /**
   * Makes a value; with a handle, another view of the one behind it.
   *
   * @param kind As in `"int32"`.
   * @param initial What it is at first. @default 0, or `false`
   * @throws {TypeError} If there is no such kind, or the first value is not of it.
   */
  constructor(kind: K, initial?: KindOf<K>, handle?: SharedHandle) {
    const region = this.#region = regionFor("SharedValue", handle, VALUE_BYTE + 8);
    this.#view = viewOf(kind, region.memory, VALUE_BYTE, 1, region.name);
    if (initial !== undefined) this.#view.write(0, initial);
    region.words[KIND] = kindNames.indexOf(kind);
  }

  /** The value behind a handle. */
  static from(handle: SharedHandle): SharedValue {
    const { words } = regionOf(handle, "SharedValue");
    return new SharedValue(kindNames[words[KIND]!]!, undefined, handle);
  }

  /** What kind of value it is. */
  get kind(): K {
    return this.#view.kind;
  }

  /** What it is now. */
  get value(): KindOf<K> {
    return this.#view.read(0);
  }

  /** Sets it. A number that does not fit wraps around, as in a typed array. */
  set value(value: KindOf<K>) {
    this.#view.write(0, value);
  }

  /** What it is now. */
  get(): KindOf<K> {
    return this.#view.read(0);
  }

  /** Sets it. */
  set(value: KindOf<K>): void {
    this.#view.write(0, value);
  }

  /** A lock for it, the same in all threads. Nothing takes it by itself. */
  get lock(): SharedRLock {
    return this.#lock ??= new SharedRLock(
      handleWithin(this.#region, "SharedRLock", LOCK, `${this}.lock`),
    );
  }

  /** Adds in one step, and returns what it was before. Only whole numbers. */
  add(by: WholeOf<K>): KindOf<K> {
    return this.#view.add(0, by);
  }

  /** Subtracts in one step, and returns what it was before. Only whole numbers. */
  sub(by: WholeOf<K>): KindOf<K> {
    return this.#view.sub(0, by);
  }

  /** Sets it to `next` if it is `expected`, in one step; returns what it was before. No floats. */
  compareExchange(expected: KindOf<K>, next: KindOf<K>): KindOf<K> {
    return this.#view.compareExchange(0, expected, next);
  }

  /** As in `SharedValue#1`. */
  toString(): string {
    return this.#region.name;
  }
}

registerShared("SharedValue", SharedValue.from);

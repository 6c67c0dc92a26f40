/** A map between threads, as Python's `Manager().dict()`. */
import { checkArray, checkFunction, checkList } from "../../kernel/checks.ts";
import { show } from "../../kernel/printable.ts";
import type { Packet } from "./codec.ts";
import { ChangeLog, freeze, logRegion, thaw } from "./log.ts";
import { isHandle, registerShared, type SharedHandle } from "./pack.ts";
import { SharedObject } from "./region.ts";

/** What a {@linkcode SharedMap} can have for keys. */
export type SharedKey = string | number | bigint | boolean | null | undefined;

/** The map as this thread has it. */
class Entries extends Map<SharedKey, Packet> {
  reset(): void {
    super.clear();
  }

  apply([verb, key, tag, bytes]: readonly unknown[]): void {
    if (verb === "set") this.set(key as SharedKey, { tag, bytes } as Packet);
    else if (verb === "delete") this.delete(key as SharedKey);
    else this.reset();
  }

  *content(): Generator<readonly unknown[]> {
    for (const [key, { tag, bytes }] of this) yield ["set", key, tag, bytes];
  }
}

/**
 * A map that threads share: pass it to a job or a process, and it is the same map there.
 *
 * - Each method is one step, seen by all threads as soon as it returns; none waits for longer than others
 *   take for theirs. So there is no `Sync`, and no `yield*`.
 * - Values are copied in and out, as by a message: to change one, `set` it again, or {@linkcode update} it.
 *   What can be put into a {@linkcode SharedQueue} can be a value. Keys are compared as in a `Map`.
 * - Entries are in the order in which their keys came, in every thread.
 * - A thread that dies half-way through a change has not made it.
 *
 * After Python's `Manager().dict()`, but without a manager: each thread has a copy, and reads what has
 * changed since.
 *
 * @example Words, counted in two workers
 * ```ts
 * import { jobs, SharedMap, WorkerPool } from "@weft/weft";
 *
 * const { count } = jobs(import.meta, {
 *   count(words: string[], counts: SharedMap<string, number>): void {
 *     for (const word of words) counts.update(word, (n = 0) => n + 1);
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const counts = new SharedMap<string, number>();
 *   await Promise.all([
 *     pool.submit(count, ["over", "under", "over"], counts),
 *     pool.submit(count, ["over"], counts),
 *   ]);
 *   if (counts.get("over") !== 3) throw new Error(`${counts.get("over")}`);
 * }
 * ```
 *
 * @typeParam K The keys' type.
 * @typeParam V The values' type.
 */
export class SharedMap<K extends SharedKey = SharedKey, V = unknown> extends SharedObject
  implements Iterable<[K, V]> {
  readonly #log: ChangeLog;
  readonly #entries = new Entries();

  /** Makes a map of some entries; with a handle, another view of the one behind it. */
  constructor(content: Iterable<readonly [K, V]> | SharedHandle = []) {
    const handle = isHandle(content) ? content : undefined;
    const entries = handle === undefined ? entriesOf(content as Iterable<readonly [K, V]>) : [];
    const region = logRegion("SharedMap", handle);
    super(region);
    this.#log = new ChangeLog(region, this.#entries);
    for (const [key, value] of entries) this.set(key, value);
  }

  /** The map behind a handle. */
  static from<K extends SharedKey = SharedKey, V = unknown>(handle: SharedHandle): SharedMap<K, V> {
    return new SharedMap<K, V>(handle);
  }

  /** How many entries it has at this moment. */
  get size(): number {
    return this.#read(() => this.#entries.size);
  }

  /** A copy of the value of a key; `undefined` if there is none. */
  get(key: K): V | undefined {
    const packet = this.#read(() => this.#entries.get(key));
    return packet === undefined ? undefined : thaw(packet) as V;
  }

  /** Whether there is such a key. */
  has(key: K): boolean {
    return this.#read(() => this.#entries.has(key));
  }

  /**
   * Sets the value of a key.
   *
   * @throws {TypeError} If the value cannot be cloned, or the key is an object.
   * @throws {RangeError} If the map would take more than 1 GiB.
   */
  set(key: K, value: V): this {
    const change = this.#setting(key, value);
    this.#log.use(`set an entry of ${this}`, () => this.#log.change(change));
    return this;
  }

  /**
   * Changes a value by what it was, in one step: no other thread changes the map meanwhile. So `change`
   * must be quick, and cannot use the map itself. What it throws leaves everything as it was.
   *
   * @param change Is called with a copy of the value, `undefined` if there is none; returns the new one.
   * @returns The new value.
   */
  update(key: K, change: (value: V | undefined) => V): V {
    checkFunction(change, "what changes an entry");
    return this.#log.use(`update an entry of ${this}`, () => {
      const packet = this.#entries.get(key);
      const value = change(packet === undefined ? undefined : thaw(packet) as V);
      this.#log.change(this.#setting(key, value));
      return value;
    });
  }

  /** Removes an entry. Returns whether there was one. */
  delete(key: K): boolean {
    return this.#log.use(`delete an entry of ${this}`, () => {
      const had = this.#entries.has(key);
      if (had) this.#log.change(["delete", key]);
      return had;
    });
  }

  /** Removes all entries. */
  clear(): void {
    this.#log.use(`clear ${this}`, () => this.#log.change(["clear"]));
  }

  /** Copies of the entries of this moment. */
  *entries(): IterableIterator<[K, V]> {
    for (const [key, packet] of this.#read(() => [...this.#entries])) {
      yield [key as K, thaw(packet) as V];
    }
  }

  /** The keys of this moment. */
  keys(): IterableIterator<K> {
    return this.#read(() => [...this.#entries.keys()] as K[]).values();
  }

  /** Copies of the values of this moment. */
  *values(): IterableIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  /** The same as {@linkcode entries}. */
  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }

  #read<T>(work: () => T): T {
    return this.#log.use(`read ${this}`, work);
  }

  #setting(key: K, value: V): readonly unknown[] {
    if (
      typeof key === "object" && key !== null || typeof key === "symbol" ||
      typeof key === "function"
    ) {
      throw new TypeError(
        `Cannot use ${show(key)} as a key of ${this}: it must be a primitive value`,
      );
    }
    const { tag, bytes } = freeze(value, `set an entry of ${this}`);
    return ["set", key, tag, bytes];
  }
}

registerShared("SharedMap", SharedMap.from);

function entriesOf<E extends readonly unknown[]>(content: Iterable<E>): E[] {
  return checkList(content, "entries to share").map((entry) =>
    checkArray(entry, "an entry to share ([key, value])")
  );
}

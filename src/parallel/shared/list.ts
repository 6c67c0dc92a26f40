/** A list between threads, as Python's `Manager().list()`. */
import {
  checkFunction,
  checkIndex,
  checkList,
  checkNumber,
  placeOfIndex,
} from "../../kernel/checks.ts";
import type { Packet } from "./codec.ts";
import { ChangeLog, freeze, logRegion, thaw } from "./log.ts";
import { isHandle, registerShared, type SharedHandle } from "./pack.ts";
import { SharedObject } from "./region.ts";

/** Items are written down in pieces of so many when the list is written down anew. */
const PIECE = 1000;

/** The list as this thread has it. */
class Items {
  readonly packets: Packet[] = [];

  reset(): void {
    this.packets.length = 0;
  }

  apply([at, count, items]: readonly unknown[]): void {
    const tail = this.packets.splice(at as number).slice(count as number);
    for (const packet of items as Packet[]) this.packets.push(packet); // too many for a call, perhaps
    for (const packet of tail) this.packets.push(packet);
  }

  *content(): Generator<readonly unknown[]> {
    for (let at = 0; at < this.packets.length; at += PIECE) {
      yield [at, 0, this.packets.slice(at, at + PIECE)];
    }
  }
}

/**
 * A list that threads share: pass it to a job or a process, and it is the same list there.
 *
 * It is to an array what {@linkcode SharedMap} is to a map, with the same promises: each method is one
 * step, and items are copied in and out. After Python's `Manager().list()`.
 *
 * @example Results of two workers, as they come
 * ```ts
 * import { jobs, SharedList, WorkerPool } from "@weft/weft";
 *
 * const { square } = jobs(import.meta, {
 *   square(n: number, results: SharedList<number>): void {
 *     results.push(n * n);
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const results = new SharedList<number>();
 *   await Promise.all([pool.submit(square, 2, results), pool.submit(square, 3, results)]);
 *   if ([...results].toSorted().join() !== "4,9") throw new Error([...results].join());
 * }
 * ```
 *
 * @typeParam T The items' type.
 */
export class SharedList<T = unknown> extends SharedObject implements Iterable<T> {
  readonly #log: ChangeLog;
  readonly #items = new Items();

  /** Makes a list of some items; with a handle, another view of the one behind it. */
  constructor(content: Iterable<T> | SharedHandle = []) {
    const handle = isHandle(content) ? content : undefined;
    const items = handle === undefined ? checkList(content as Iterable<T>, "items to share") : [];
    const region = logRegion("SharedList", handle);
    super(region);
    this.#log = new ChangeLog(region, this.#items);
    if (handle === undefined) this.#append(items);
  }

  /** The list behind a handle. */
  static from<T = unknown>(handle: SharedHandle): SharedList<T> {
    return new SharedList<T>(handle);
  }

  /** How many items it has at this moment. */
  get length(): number {
    return this.#read((packets) => packets.length);
  }

  /** A copy of the item at an index, negative ones from the end; `undefined` if there is none. */
  at(index: number): T | undefined {
    return this.#thaw(this.#read((packets) => packets[placeOfIndex(index, packets.length) ?? -1]));
  }

  /**
   * Sets the item at an index, negative ones from the end.
   *
   * @throws {RangeError} If there is none: use `push`.
   * @throws {TypeError} If the item cannot be cloned.
   */
  set(index: number, item: T): void {
    const packet = this.#freeze(item);
    this.#change((packets) => [this.#place(index, packets), 1, [packet]]);
  }

  /**
   * Changes an item by what it was, in one step: no other thread changes the list meanwhile. So `change`
   * must be quick, and cannot use the list itself. What it throws leaves everything as it was.
   *
   * @returns The new item.
   * @throws {RangeError} If there is no such item.
   */
  update(index: number, change: (item: T) => T): T {
    checkFunction(change, "what changes an item");
    let item!: T;
    this.#change((packets) => {
      const place = this.#place(index, packets);
      item = change(thaw(packets[place]!) as T);
      return [place, 1, [this.#freeze(item)]];
    });
    return item;
  }

  /** Puts items at the end, and returns how many there are then. */
  push(...items: T[]): number {
    return this.#append(items);
  }

  /** Takes the last item; `undefined` if there is none. */
  pop(): T | undefined {
    return this.splice(-1, 1)[0];
  }

  /** Takes the first item; `undefined` if there is none. */
  shift(): T | undefined {
    return this.splice(0, 1)[0];
  }

  /** Puts items at the beginning, and returns how many there are then. */
  unshift(...items: T[]): number {
    const packets = items.map((item) => this.#freeze(item));
    return this.#change(() => [0, 0, packets]).length + packets.length;
  }

  /** Takes out `count` items from `start` on, puts others in their place, and returns what it took. */
  splice(start: number, count: number = Infinity, ...items: T[]): T[] {
    checkNumber(start, "a place to start at");
    checkNumber(count, "a number of items");
    const packets = items.map((item) => this.#freeze(item));
    let from = 0;
    let taken = 0;
    const { before } = this.#change(({ length }) => {
      const whole = Math.trunc(start);
      from = whole < 0 ? Math.max(0, length + whole) : Math.min(whole, length);
      taken = Math.min(Math.max(0, Math.trunc(count)), length - from);
      return [from, taken, packets];
    }, () => this.#items.packets.slice(from, from + taken));
    return before.map((packet) => thaw(packet) as T);
  }

  /** Removes all items. */
  clear(): void {
    this.splice(0);
  }

  /** Copies of the items of this moment. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const packet of this.#read((packets) => [...packets])) yield thaw(packet) as T;
  }

  #append(items: readonly T[]): number {
    const packets = items.map((item) => this.#freeze(item));
    return this.#change(({ length }) => [length, 0, packets]).length + packets.length;
  }

  #read<R>(work: (packets: readonly Packet[]) => R): R {
    return this.#log.use(`read ${this}`, () => work(this.#items.packets));
  }

  /** Makes one change; tells how long the list was, and what `look` saw, before it. */
  #change(
    make: (packets: readonly Packet[]) => readonly [at: number, count: number, items: Packet[]],
    look: () => Packet[] = () => [],
  ): { length: number; before: Packet[] } {
    return this.#log.use(`change ${this}`, () => {
      const { packets } = this.#items;
      const { length } = packets;
      const change = make(packets);
      const before = look();
      if (change[1] > 0 || change[2].length > 0) this.#log.change(change);
      return { length, before };
    });
  }

  #place(index: number, packets: readonly Packet[]): number {
    return checkIndex(index, "item", this, packets.length);
  }

  #freeze(item: T): Packet {
    return freeze(item, `put an item into ${this}`);
  }

  #thaw(packet: Packet | undefined): T | undefined {
    return packet === undefined ? undefined : thaw(packet) as T;
  }
}

registerShared("SharedList", SharedList.from);

/**
 * A queue that gives out the least item first: `queue.PriorityQueue` of Python for tasks.
 *
 * The heap of the kernel is not used here. Its items carry their place, so that timers can be cancelled
 * from the middle; nothing leaves this queue but the least item. And the order here is the user's code,
 * which may throw: so every comparison comes before the first change, and an item that cannot be
 * compared leaves the queue as it was.
 */
import { show } from "../kernel/printable.ts";
import { reportName } from "../kernel/names.ts";
import type { ItemStore } from "./items.ts";
import { Queue } from "./queue.ts";

/** Tells which of two items comes first: negative for the first, positive for the second, 0 for a tie. */
export type Compare<T> = (a: T, b: T) => number;

/**
 * A queue whose smallest item comes out first.
 *
 * - Items that compare as equal come out in the order in which they went in.
 * - In all but the order it is a {@linkcode Queue}: tasks that wait are served in FIFO order. So an item
 *   that is put while getters wait goes to the one that has waited longest, and the item of a waiting
 *   `put` takes part in the order only once there is room for it.
 * - Without `compare`, numbers, bigints, strings, booleans and dates go by `<`, arrays by their first
 *   difference, as tuples do in Python: `[2, "code"]` before `[10, "eat"]`. Others, and items of
 *   different kinds, are a `TypeError` of the `put` that brought them.
 * - An item must not change its rank while it is queued.
 *
 * @example Urgent things first
 * ```ts
 * import { PriorityQueue } from "@weft/weft";
 * const queue = new PriorityQueue<[number, string]>();
 * queue.tryPut([2, "code"]);
 * queue.tryPut([1, "eat"]);
 * queue.tryPut([3, "sleep"]);
 * if (queue.tryGet()[1] !== "eat") throw new Error();
 * ```
 *
 * @example The longest first
 * ```ts
 * import { PriorityQueue } from "@weft/weft";
 * const queue = new PriorityQueue<string>(Infinity, (a, b) => b.length - a.length);
 * for (const word of ["a", "ccc", "bb"]) queue.tryPut(word);
 * if (queue.tryGet() !== "ccc") throw new Error();
 * ```
 *
 * @typeParam T The items' type.
 */
export class PriorityQueue<T> extends Queue<T> {
  /**
   * Makes an empty queue.
   *
   * @param capacity The most items it holds, at least 1. Without it the queue grows without bound.
   * @param compare The order. @default smallest first
   * @param name What reports call it.
   * @throws {RangeError} If the capacity is not a whole number of at least 1, or `Infinity`.
   */
  constructor(
    capacity: number = Infinity,
    compare: Compare<T> = naturalOrder,
    name?: string,
  ) {
    super(capacity, reportName("PriorityQueue", name), new LeastFirst(compare));
  }
}

/** A binary heap. Each item has the number of its arrival, which breaks ties. */
class LeastFirst<T> implements ItemStore<T> {
  readonly #compare: Compare<T>;
  readonly #items: T[] = [];
  readonly #arrivals: number[] = [];
  #arrived = 0;

  constructor(compare: Compare<T>) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    const last = this.#items.length;
    let place = last;
    while (place > 0) {
      const up = (place - 1) >> 1;
      if (this.#compare(item, this.#items[up]!) >= 0) break; // the older one wins a tie
      place = up;
    }
    for (let hole = last; hole > place;) {
      const up = (hole - 1) >> 1;
      this.#set(hole, this.#items[up]!, this.#arrivals[up]!);
      hole = up;
    }
    this.#set(place, item, this.#arrived++);
  }

  shift(): T | undefined {
    const last = this.#items.length - 1;
    let place = this.#placeOf(last);
    let item = this.#items[last]!;
    let arrival = this.#arrivals[last]!;
    this.#items.length = this.#arrivals.length = last;
    if (last === 0) return item;
    // Along the way that was found, from its end up, each item makes room for the one below it.
    for (;;) {
      const above = this.#items[place]!;
      const aboveArrival = this.#arrivals[place]!;
      this.#set(place, item, arrival);
      if (place === 0) return above;
      item = above;
      arrival = aboveArrival;
      place = (place - 1) >> 1;
    }
  }

  clear(): void {
    this.#items.length = this.#arrivals.length = 0;
  }

  /** Where the last item belongs once the least one is gone. Only looks. */
  #placeOf(last: number): number {
    let place = 0;
    for (let down = 1; down < last; down = 2 * place + 1) {
      if (down + 1 < last && this.#precedes(down + 1, down)) down++;
      if (!this.#precedes(down, last)) break;
      place = down;
    }
    return place;
  }

  #precedes(a: number, b: number): boolean {
    const order = this.#compare(this.#items[a]!, this.#items[b]!);
    return order < 0 || (order === 0 && this.#arrivals[a]! < this.#arrivals[b]!);
  }

  #set(place: number, item: T, arrival: number): void {
    this.#items[place] = item;
    this.#arrivals[place] = arrival;
  }
}

/** Python's order of numbers, strings and tuples. */
function naturalOrder(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return orderOfArrays(a, b);
  const kind = kindOf(a);
  if (kind !== null && kind === kindOf(b)) {
    if (a as number < (b as number)) return -1;
    if (a as number > (b as number)) return 1;
    return 0;
  }
  throw new TypeError(
    `Cannot order ${show(a)} and ${
      show(b)
    }: a PriorityQueue of such items needs a compare function`,
  );
}

function orderOfArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const order = naturalOrder(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Values of one kind can be told apart by `<`; `null` for those of which that cannot be said. */
function kindOf(value: unknown): string | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : "date";
  if (typeof value === "number") return Number.isNaN(value) ? null : "number";
  if (typeof value === "bigint") return "number";
  return typeof value === "string" || typeof value === "boolean" ? typeof value : null;
}

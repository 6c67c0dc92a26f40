/**
 * A queue that gives out the least item first: `queue.PriorityQueue` of Python for tasks.
 *
 * The order is the user's code, which may throw. Whose error is that? A heap compares when an item is
 * taken, too, and would hit a taker that has nothing to do with either of the two. So the items are kept in
 * order: all comparing is done by `put`, before the first change, and to take is a `pop`. An item that
 * cannot be compared is its putter's error and leaves the queue as it was. It takes no longer than a heap.
 */
import { reportName, show } from "../kernel/printable.ts";
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

/** A chunk that grows longer than this is cut in two: to insert moves no more items. */
const LONGEST = 512;

/**
 * Items in order, in chunks: the last chunk has the least items, and the last item of a chunk is its least.
 * Of items that are equal, the one that came last stands first.
 */
class LeastFirst<T> implements ItemStore<T> {
  readonly #compare: Compare<T>;
  #chunks: T[][] = [[]];
  #size = 0;

  constructor(compare: Compare<T>) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  push(item: T): void {
    this.#insert(item, 0);
  }

  /** Puts back an item that was taken: of its equals, it comes out first. It is kept, whatever the order throws. */
  unshift(item: T): void {
    try {
      this.#insert(item, 1);
    } catch {
      this.#chunks.at(-1)!.push(item); // it was the least when it was taken
      this.#size++;
    }
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    this.#size--;
    const chunk = this.#chunks.at(-1)!;
    const item = chunk.pop();
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.pop();
    return item;
  }

  clear(): void {
    this.#chunks = [[]];
    this.#size = 0;
  }

  /** Inserts an item behind all that come out after it: those whose order to it is less than `limit`. */
  #insert(item: T, limit: 0 | 1): void {
    const chunks = this.#chunks;
    let from = 0;
    for (let to = chunks.length - 1; from < to;) {
      const middle = (from + to) >> 1;
      const least = chunks[middle]!.at(-1)!;
      if (this.#compare(item, least) < limit) from = middle + 1;
      else to = middle;
    }
    const at = from;
    const chunk = chunks[at]!;
    from = 0;
    for (let to = chunk.length; from < to;) {
      const middle = (from + to) >> 1;
      if (this.#compare(item, chunk[middle]!) < limit) from = middle + 1;
      else to = middle;
    }
    if (from === chunk.length) chunk.push(item);
    else chunk.splice(from, 0, item);
    if (chunk.length > LONGEST) chunks.splice(at + 1, 0, chunk.splice(LONGEST >> 1));
    this.#size++;
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

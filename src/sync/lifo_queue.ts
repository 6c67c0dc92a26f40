/** A queue that gives out the youngest item first: `queue.LifoQueue` of Python for tasks. */
import { reportName } from "../kernel/printable.ts";
import type { ItemStore } from "./items.ts";
import { Queue } from "./queue.ts";

/**
 * A last-in, first-out queue. In all but the order it is a {@linkcode Queue}: tasks that wait, to put
 * or to get, are served in FIFO order, and an item that is put while a getter waits goes straight to it.
 *
 * @example The youngest first
 * ```ts
 * import { LifoQueue } from "@weft/weft";
 * const queue = new LifoQueue<string>();
 * for (const word of ["a", "b", "c"]) queue.tryPut(word);
 * const got = [queue.tryGet(), queue.tryGet(), queue.tryGet()].join("");
 * if (got !== "cba") throw new Error(got);
 * ```
 *
 * @typeParam T The items' type.
 */
export class LifoQueue<T> extends Queue<T> {
  /**
   * Makes an empty queue.
   *
   * @param capacity The most items it holds, at least 1. Without it the queue grows without bound.
   * @param name What reports call it.
   * @throws {RangeError} If the capacity is not a whole number of at least 1, or `Infinity`.
   */
  constructor(capacity: number = Infinity, name?: string) {
    super(capacity, reportName("LifoQueue", name), new Stack<T>());
  }
}

class Stack<T> implements ItemStore<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    return this.#items.pop();
  }

  clear(): void {
    this.#items.length = 0;
  }
}

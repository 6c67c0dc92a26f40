/**
 * Where a queue keeps its items: the one thing in which the queues differ.
 *
 * A queue asks for nothing but the next item, so who comes next is its store's affair: first in first
 * out (the ring-buffer deque), last in first out, or least first. Rejected: a base class with the order
 * as abstract methods, which would tie the order to the waiting.
 */

/** Keeps items and decides which one comes out next. A call that throws must change nothing. */
export interface ItemStore<T> {
  /** How many items are held. */
  readonly size: number;
  /** Takes an item in. */
  push(item: T): void;
  /** Takes an item in again that had come out; only where {@linkcode push} would put it elsewhere. */
  unshift?(item: T): void;
  /** Gives out the item that comes next; only called when there is one. */
  shift(): T | undefined;
  /** Lets go of every item. */
  clear(): void;
}

/**
 * How items are kept, and how a `for await` takes them one after the other: what queues, channels and
 * broadcasts share.
 *
 * Each round is one wait like any other: a checkpoint, fair, and cancelled without taking an item. The
 * iterator is no async generator on purpose: that would put promises of its own between the taken item
 * and the loop's body. Nor does it take items by `then`: of a task, one would get its value.
 * A `function*` has no such loop; there one calls the verb itself.
 *
 * The store is the one thing in which the queues differ. A queue asks for nothing but the next item, so who
 * comes next is its store's affair: first in first out (the ring-buffer deque), last in first out, or least
 * first. Rejected: a base class with the order as abstract methods, which would tie the order to the waiting.
 */
import type { Operation } from "../kernel/operation.ts";

/**
 * Makes an iterator of a verb.
 *
 * @param take Begins to wait for the next item.
 * @param isEnd Whether an error of that wait means that no item will come; any other is thrown.
 */
export function itemsOf<T>(
  take: () => Operation<T>,
  isEnd: (error: unknown) => boolean,
): AsyncIterableIterator<T> {
  const found = (step: IteratorResult<unknown, T>): IteratorResult<T> => {
    return { done: false, value: step.value as T };
  };
  const failed = (error: unknown): IteratorResult<T> => {
    if (isEnd(error)) return { done: true, value: undefined };
    throw error;
  };
  return {
    next() {
      try {
        const step: unknown = take()[Symbol.asyncIterator]().next(); // no promise when an item is at hand
        return Promise.resolve(step as IteratorResult<unknown, T>).then(found, failed);
      } catch (error) {
        return Promise.try(failed, error);
      }
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

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

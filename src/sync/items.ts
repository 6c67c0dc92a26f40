/**
 * Going through items with `for await`, for everything that gives out one after the other.
 *
 * Each round is one wait like any other: a checkpoint, fair, and cancelled without taking an item. The
 * iterator is no async generator on purpose: that would put promises of its own between the taken item
 * and the loop's body. Nor does it take items by `then`: of a task, one would get its value. A `function*` has no such loop; there one calls the verb itself.
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
        return take()[Symbol.asyncIterator]().next().then(found, failed);
      } catch (error) {
        return Promise.try(failed, error);
      }
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

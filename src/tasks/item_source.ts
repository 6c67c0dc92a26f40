/**
 * Where the items of a map come from: an iterable or an async iterable, drawn one at a time.
 *
 * An async iterable is asked in a part of the drawing task, as its own `for await` would ask it: the
 * current task is exact in the iterable's code, a cancel reaches the operations it awaits, and the
 * virtual clock and the deadlock check see through it. `wait(iterator.next())` would be shorter and hide
 * all of that behind a promise that the host "will surely settle".
 */
import { show } from "../kernel/printable.ts";
import { keepHandled } from "../kernel/trap.ts";
import { begun, type EitherGenerator } from "./perform.ts";

/** What can be mapped over. */
export type Items<T> = Iterable<T> | AsyncIterable<T>;

/** Items under way. */
export interface ItemSource<T> {
  /** Whether drawing may wait. */
  readonly waits: boolean;
  /** Draws one. For `yield*` inside a sequence. */
  next(): Iterable<unknown, IteratorResult<T, unknown>, unknown>;
  /** Tells the iterable that no more are wanted, and waits for it. For `yield*` inside a sequence. */
  close(): Iterable<unknown, void, unknown>;
}

/**
 * Makes sure that items can be drawn from `items`. Promises in a list are taken care of, since they may
 * reject long before their turn.
 *
 * @throws {TypeError} If it is neither iterable nor async iterable.
 */
export function checkItems(items: unknown, verb: string): void {
  if (typeof items === "string") return;
  if (Array.isArray(items)) items.forEach(keepHandled);
  if (typeof items === "object" && items !== null) {
    if (Symbol.asyncIterator in items || Symbol.iterator in items) return;
  }
  throw new TypeError(
    `Cannot ${verb} ${show(items)}: it must be an iterable or an async iterable`,
  );
}

/** Begins to draw. */
export function openItems<T>(items: Items<T>): ItemSource<T> {
  return typeof items === "object" && Symbol.asyncIterator in items
    ? new AwaitedItems(items[Symbol.asyncIterator]())
    : new ListedItems((items as Iterable<T>)[Symbol.iterator]());
}

class ListedItems<T> implements ItemSource<T> {
  readonly waits = false;
  readonly #iterator: Iterator<T, unknown>;

  constructor(iterator: Iterator<T, unknown>) {
    this.#iterator = iterator;
  }

  *next(): Generator<never, IteratorResult<T, unknown>, unknown> {
    return this.#iterator.next();
  }

  *close(): Generator<never, void, unknown> {
    this.#iterator.return?.();
  }
}

class AwaitedItems<T> implements ItemSource<T> {
  readonly waits = true;
  readonly #iterator: AsyncIterator<T, unknown>;

  constructor(iterator: AsyncIterator<T, unknown>) {
    this.#iterator = iterator;
  }

  next(): Iterable<unknown, IteratorResult<T, unknown>, unknown> {
    return begun(awaited(() => this.#iterator.next()));
  }

  close(): Iterable<unknown, void, unknown> {
    return begun(awaited<unknown>(() => this.#iterator.return?.())) as Iterable<
      unknown,
      void,
      unknown
    >;
  }
}

async function* awaited<T>(ask: () => PromiseLike<T> | T): EitherGenerator<T> {
  return await ask();
}

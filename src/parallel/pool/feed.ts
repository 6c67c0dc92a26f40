/**
 * Drawing the items of a map as workers get round to them, never sooner.
 *
 * An array knows how much is left, so it can be dealt out evenly; an iterator only ever knows whether
 * it has ended; an async iterable has to be asked ahead (see async_feed.ts). Whatever the iterable
 * throws is told to the listener, after the items that came before it.
 */
import { AsyncFeed } from "./async_feed.ts";
import type { Feed, FeedListener } from "./feed_types.ts";
import { show } from "../../kernel/printable.ts";

/**
 * Makes the right feed for whatever can be iterated.
 *
 * @throws {TypeError} If it cannot be iterated.
 */
export function feedOf(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  listener: FeedListener,
): Feed {
  // A copy: what the array may be besides (a proxy, say) must not be asked while jobs are dealt.
  if (Array.isArray(items)) return new ListFeed([...items]);
  if (isAsync(items)) return new AsyncFeed(items, listener);
  return new IteratorFeed(items, listener);
}

/**
 * Does nothing if `items` can be iterated.
 *
 * @throws {TypeError} If not.
 */
export function checkItems(items: unknown): void {
  if (isAsync(items) || isSync(items)) return;
  throw new TypeError(
    `Cannot map over ${show(items)}: it must be an iterable or an async iterable`,
  );
}

function isAsync(items: unknown): items is AsyncIterable<unknown> {
  return typeof items === "object" && items !== null && Symbol.asyncIterator in items;
}

function isSync(items: unknown): items is Iterable<unknown> {
  return typeof (items as Iterable<unknown> | undefined)?.[Symbol.iterator] === "function";
}

class ListFeed implements Feed {
  readonly #items: readonly unknown[];
  #next = 0;

  constructor(items: readonly unknown[]) {
    this.#items = items;
  }

  get ready(): number {
    return Math.max(0, this.#items.length - this.#next);
  }

  get ended(): boolean {
    return this.ready === 0;
  }

  get complete(): boolean {
    return true;
  }

  take(count: number): unknown[] {
    const items = this.#items.slice(this.#next, this.#next + count);
    this.#next += items.length;
    return items;
  }

  draw(): void {}

  close(): void {
    this.#next = Infinity;
  }
}

class IteratorFeed implements Feed {
  readonly #iterator: Iterator<unknown>;
  readonly #listener: FeedListener;
  #failure: { readonly error: unknown } | null = null;
  ended = false;

  constructor(items: Iterable<unknown>, listener: FeedListener) {
    this.#iterator = items[Symbol.iterator]();
    this.#listener = listener;
  }

  get ready(): number {
    return this.ended ? 0 : Infinity;
  }

  get complete(): boolean {
    return this.ended;
  }

  take(count: number): unknown[] {
    const items: unknown[] = [];
    while (!this.ended && this.#failure === null && items.length < count) {
      try {
        const step = this.#iterator.next();
        if (step.done === true) this.ended = true;
        else items.push(step.value);
      } catch (error) {
        this.#failure = { error };
      }
    }
    // What came before the error is taken first, the error when there is nothing else.
    if (this.#failure !== null && items.length === 0 && !this.ended) {
      this.ended = true;
      this.#listener.starved(this.#failure.error);
    }
    return items;
  }

  draw(): void {}

  close(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.#failure === null) this.#iterator.return?.();
  }
}

/**
 * Drawing the items of a map as workers get round to them, never sooner.
 *
 * An array knows how much is left, so it can be dealt out evenly; an iterator only ever knows whether
 * it has ended; an async iterable has to be asked ahead, by as much as the window allows.
 */
import { Deque } from "../internal/deque.ts";

/** Where the items of a map come from. */
export interface Feed {
  /** How many items can be taken now, as far as is known; `Infinity` for "some, perhaps". */
  readonly ready: number;
  /** Whether nothing will come any more. */
  readonly ended: boolean;
  /** Takes up to `count` items; fewer only if there are no more now. */
  take(count: number): unknown[];
  /** Draws nothing any more. */
  close(): void;
}

/** What a feed tells its map. */
export interface FeedListener {
  /** There may be more now, or the end has come. */
  fed(): void;
  /** The iterable threw. */
  starved(error: unknown): void;
}

/** Makes the right feed for whatever can be iterated. */
export function feedOf(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  window: number,
  listener: FeedListener,
): Feed {
  if (Array.isArray(items)) return new ListFeed(items);
  if (typeof items === "object" && items !== null && Symbol.asyncIterator in items) {
    return new AsyncFeed(items, window, listener);
  }
  if (typeof (items as Iterable<unknown> | undefined)?.[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Cannot map over ${String(items)}: it must be an iterable or an async iterable`,
    );
  }
  return new IteratorFeed(items as Iterable<unknown>);
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

  take(count: number): unknown[] {
    const items = this.#items.slice(this.#next, this.#next + count);
    this.#next += items.length;
    return items;
  }

  close(): void {
    this.#next = Infinity;
  }
}

class IteratorFeed implements Feed {
  readonly #iterator: Iterator<unknown>;
  ended = false;

  constructor(items: Iterable<unknown>) {
    this.#iterator = items[Symbol.iterator]();
  }

  get ready(): number {
    return this.ended ? 0 : Infinity;
  }

  take(count: number): unknown[] {
    const items: unknown[] = [];
    while (!this.ended && items.length < count) {
      const step = this.#iterator.next();
      if (step.done === true) this.ended = true;
      else items.push(step.value);
    }
    return items;
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.#iterator.return?.();
  }
}

class AsyncFeed implements Feed {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #listener: FeedListener;
  readonly #window: number;
  readonly #items = new Deque<unknown>();
  #state: "drawing" | "resting" | "ended" = "resting";

  constructor(items: AsyncIterable<unknown>, window: number, listener: FeedListener) {
    this.#iterator = items[Symbol.asyncIterator]();
    this.#window = window;
    this.#listener = listener;
    this.#draw();
  }

  get ready(): number {
    return this.#items.size;
  }

  get ended(): boolean {
    return this.#state === "ended" && this.#items.size === 0;
  }

  take(count: number): unknown[] {
    const items: unknown[] = [];
    while (items.length < count && this.#items.size > 0) items.push(this.#items.shift());
    this.#draw();
    return items;
  }

  close(): void {
    this.#items.clear();
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#iterator.return?.().catch(() => {}); // the map has its outcome already
  }

  /** Draws until the window is full, one item at a time. */
  async #draw(): Promise<void> {
    if (this.#state !== "resting") return;
    this.#state = "drawing";
    try {
      while (this.#isDrawing() && this.#items.size < this.#window) {
        const step = await this.#iterator.next();
        if (!this.#isDrawing()) return;
        if (step.done === true) this.#state = "ended";
        else this.#items.push(step.value);
        this.#listener.fed();
      }
      if (this.#isDrawing()) this.#state = "resting";
    } catch (error) {
      if (!this.#isDrawing()) return;
      this.#state = "ended";
      this.#listener.starved(error);
    }
  }

  #isDrawing(): boolean {
    return this.#state === "drawing";
  }
}

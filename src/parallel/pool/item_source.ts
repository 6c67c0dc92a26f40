/**
 * Where the items of a map come from: drawn as workers get round to them, never sooner.
 *
 * An array knows how much is left, so it can be dealt out evenly; an iterator only ever knows whether
 * it has ended; an async iterable has to be asked ahead. Whatever the iterable throws is told to the
 * owner, after the items that came before it.
 *
 * How far ahead an async one is asked is found out: a few items at first, twice as many each time the
 * workers would have taken more than was there. So a source of large or costly items in front of slow
 * jobs is hardly drawn ahead, and one of small items is read by the thousand. The bound of the map holds
 * in any case. The map hears of new items when there are as many as it can take, or when the source has
 * nothing more to give at this moment: a message per item would cost ten times what the item does. All
 * is drawn in nobody's scope, because the source serves the map and not the task that happened to read.
 */
import { checkIterator, isAsyncItems } from "../../kernel/checks.ts";
import { Deque } from "../../internal/deque.ts";
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";

/** Where the items of a map come from. */
export interface ItemSource {
  /** How many items can be taken now, as far as is known; `Infinity` for "some, perhaps". */
  readonly ready: number;
  /** Whether nothing will come any more. */
  readonly ended: boolean;
  /** Whether what is ready is all there will be. */
  readonly complete: boolean;
  /** Takes up to `count` items; fewer only if there are no more now. */
  take(count: number): unknown[];
  /** There may be room for more than before. */
  draw(): void;
  /** Draws nothing any more. May throw what the iterable's `return` throws, or give its promise. */
  close(): Promise<unknown> | void;
}

/** What a source asks and tells its map. */
export interface ItemSourceOwner {
  /** How many items may be drawn beyond those that were taken. */
  readonly room: number;
  /** There may be more now, or the end has come. */
  moreItems(): void;
  /** The iterable threw: nothing more will come. */
  sourceFailed(error: unknown): void;
}

/**
 * Makes the source of whatever can be iterated.
 *
 * @throws {TypeError} If it cannot be iterated.
 */
export function itemSourceOf(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  listener: ItemSourceOwner,
): ItemSource {
  // A copy: what the array may be besides (a proxy, say) must not be asked while jobs are dealt.
  if (Array.isArray(items)) return new ListSource([...items]);
  if (isAsyncItems(items)) return new AsyncSource(items, listener);
  return new IteratorSource(items, listener);
}

class ListSource implements ItemSource {
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

class IteratorSource implements ItemSource {
  readonly #iterator: Iterator<unknown>;
  readonly #listener: ItemSourceOwner;
  #failure: { readonly error: unknown } | null = null;
  ended = false;

  constructor(items: Iterable<unknown>, listener: ItemSourceOwner) {
    this.#iterator = checkIterator(items[Symbol.iterator](), "map over");
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
      this.#listener.sourceFailed(this.#failure.error);
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

/** How many items are asked for at first, before anybody needs them. */
const FIRST_AHEAD = 8;

/** Items of an async iterable. */
export class AsyncSource implements ItemSource {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #listener: ItemSourceOwner;
  readonly #items = new Deque<unknown>();
  readonly #clock = new SystemClock();
  #ahead = FIRST_AHEAD;
  #state: "drawing" | "resting" | "ended" = "resting";
  #telling = false;

  /** Draws nothing yet. */
  constructor(items: AsyncIterable<unknown>, listener: ItemSourceOwner) {
    const iterator = withScope(null, () => items[Symbol.asyncIterator]());
    this.#iterator = checkIterator(iterator, "map over");
    this.#listener = listener;
  }

  /** How many items have been drawn. */
  get ready(): number {
    return this.#items.size;
  }

  /** Whether the source has ended and all was taken. */
  get ended(): boolean {
    return this.#state === "ended" && this.#items.size === 0;
  }

  /** Whether the source has ended. */
  get complete(): boolean {
    return this.#state === "ended";
  }

  /** Takes what is there. */
  take(count: number): unknown[] {
    const items: unknown[] = [];
    if (count > this.#items.size) this.#ahead = Math.min(this.#ahead * 2, Number.MAX_SAFE_INTEGER);
    while (items.length < count && this.#items.size > 0) items.push(this.#items.shift());
    return items;
  }

  /** Draws as far ahead as may be. */
  draw(): void {
    if (this.#state !== "resting" || !this.#hasRoom()) return;
    this.#state = "drawing";
    withScope(null, () => void this.#drawAll());
  }

  /** Draws nothing any more. While an item is being waited for, the source may take its time to close. */
  close(): Promise<unknown> | void {
    this.#items.clear();
    const before = this.#state;
    this.#state = "ended";
    if (before === "ended") return;
    const closing = this.#iterator.return?.();
    if (before === "resting") return closing;
    closing?.catch(() => {}); // nobody can wait for it: it may never come
  }

  async #drawAll(): Promise<void> {
    try {
      while (this.#hasRoom()) {
        const step = await this.#iterator.next();
        if (!this.#isDrawing()) return;
        if (step.done === true) {
          this.#state = "ended";
          return this.#listener.moreItems();
        }
        this.#items.push(step.value);
        if (!this.#telling) this.#tellSoon();
      }
      this.#state = "resting";
      this.#listener.moreItems();
    } catch (error) {
      if (!this.#isDrawing()) return;
      this.#state = "ended";
      this.#listener.sourceFailed(error);
    }
  }

  #hasRoom(): boolean {
    return this.#items.size < Math.min(this.#ahead, this.#listener.room);
  }

  /** Tells of what has come once the source pauses for the host: microtasks run first. */
  async #tellSoon(): Promise<void> {
    this.#telling = true;
    await this.#clock.hop(false);
    this.#telling = false;
    if (this.#items.size > 0) this.#listener.moreItems();
  }

  #isDrawing(): boolean {
    return this.#state === "drawing";
  }
}

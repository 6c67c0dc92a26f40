/**
 * Drawing from an async iterable, which has to be asked before its items are needed.
 *
 * How far ahead is found out: a few items at first, twice as many each time the workers would have
 * taken more than was there. So a source of large or costly items in front of slow jobs is hardly
 * drawn ahead, and one of small items is read by the thousand. The bound of the map holds in any case.
 *
 * The map hears of new items when there are as many as it can take, or when the source has nothing
 * more to give at this moment: a message per item would cost ten times what the item does. All is
 * drawn in nobody's scope, because the source serves the map and not the task that happened to read.
 */
import { Deque } from "../../internal/deque.ts";
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import type { Feed, FeedListener } from "./feed_types.ts";

/** How many items are asked for at first, before anybody needs them. */
const FIRST_AHEAD = 8;

/** Items of an async iterable. */
export class AsyncFeed implements Feed {
  readonly #iterator: AsyncIterator<unknown>;
  readonly #listener: FeedListener;
  readonly #items = new Deque<unknown>();
  readonly #clock = new SystemClock();
  #ahead = FIRST_AHEAD;
  #state: "drawing" | "resting" | "ended" = "resting";
  #telling = false;

  /** Draws nothing yet. */
  constructor(items: AsyncIterable<unknown>, listener: FeedListener) {
    this.#iterator = withScope(null, () => items[Symbol.asyncIterator]());
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
          return this.#listener.fed();
        }
        this.#items.push(step.value);
        if (!this.#telling) this.#tellSoon();
      }
      this.#state = "resting";
      this.#listener.fed();
    } catch (error) {
      if (!this.#isDrawing()) return;
      this.#state = "ended";
      this.#listener.starved(error);
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
    if (this.#items.size > 0) this.#listener.fed();
  }

  #isDrawing(): boolean {
    return this.#state === "drawing";
  }
}

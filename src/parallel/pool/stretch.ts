/**
 * Consecutive items of a map in one batch.
 *
 * A hundred thousand items get no hundred thousand futures: a stretch is one object for all that
 * travel together, and says where in the whole each of its results belongs.
 */
import type { BatchOwner } from "../dispatch/batch.ts";

/** Whoever deals out stretches. */
export interface StretchOwner {
  /** Consecutive items, from `first` on, came to these values. */
  returned(first: number, values: readonly unknown[], stretch: Stretch): void;
  /** The item at `index` came to an error. */
  failed(index: number, error: unknown, stretch: Stretch): void;
  /** Items have come back without having been begun. */
  giveBack(first: number, items: readonly unknown[], stretch: Stretch): void;
  /** The pool was terminated. */
  dropped(reason: unknown): void;
}

/** Consecutive items in one batch. */
export class Stretch implements BatchOwner {
  readonly #owner: StretchOwner;
  readonly #first: number;
  readonly #items: readonly unknown[];
  #left: number;

  /** Some items, of which the first is the `first` of the whole. */
  constructor(owner: StretchOwner, first: number, items: readonly unknown[]) {
    this.#owner = owner;
    this.#first = first;
    this.#items = items;
    this.#left = items.length;
  }

  /** Whether something of it is still to come. */
  get open(): boolean {
    return this.#left > 0;
  }

  /** Jobs returned. */
  returned(first: number, values: readonly unknown[]): void {
    this.#left -= values.length;
    this.#owner.returned(this.#first + first, values, this);
  }

  /** A job failed. */
  failed(index: number, error: unknown): void {
    this.#left--;
    this.#owner.failed(this.#first + index, error, this);
  }

  /** Jobs were not begun. */
  takenBack(from: number): void {
    const items = this.#items.slice(from);
    this.#left -= items.length;
    this.#owner.giveBack(this.#first + from, items, this);
  }

  /** A job will not be heard of again. */
  dropped(_index: number, reason: unknown): void {
    this.#owner.dropped(reason);
  }
}

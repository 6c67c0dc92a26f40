/**
 * Consecutive items of a map in one batch.
 *
 * A hundred thousand items get no hundred thousand futures: a chunk is one object for all that
 * travel together, and says where in the whole each of its results belongs.
 * For `starmap`, lists of arguments are laid out in the columns of a batch.
 */
import type { BatchOwner } from "./batch.ts";
import { show } from "../../kernel/printable.ts";
import type { Column } from "../thread/wire.ts";

/** What deals out chunks. */
export interface ItemChunkOwner {
  /** Consecutive items, from `first` on, have these values. */
  returned(first: number, values: readonly unknown[], itemChunk: ItemChunk): void;
  /** The item at `index` failed. */
  failed(index: number, error: unknown, itemChunk: ItemChunk): void;
  /** The job of the item at `index` reports something. */
  reported(index: number, value: unknown): void;
  /** Items have come back without having been begun. */
  giveBack(first: number, items: readonly unknown[], itemChunk: ItemChunk): void;
  /** The pool was terminated. */
  dropped(reason: unknown): void;
}

/** Consecutive items in one batch. */
export class ItemChunk implements BatchOwner {
  readonly #owner: ItemChunkOwner;
  readonly #first: number;
  readonly #items: readonly unknown[];
  #left: number;

  /** Some items, of which the first is the `first` of the whole. */
  constructor(owner: ItemChunkOwner, first: number, items: readonly unknown[]) {
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

  /** A job reports something. */
  reported(index: number, value: unknown): void {
    this.#owner.reported(this.#first + index, value);
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

/** What a batch carries of some lists of arguments. */
export interface Spread {
  /** How many each list has. */
  readonly arity: Column<number>;
  /** All of them. */
  readonly args: readonly unknown[];
}

/** Lays out the arguments of consecutive jobs. */
export function layOut(lists: readonly (readonly unknown[])[]): Spread {
  const { length } = lists[0]!;
  const same = lists.every((list) => list.length === length);
  const args: unknown[] = [];
  for (const list of lists) for (let i = 0; i < list.length; i++) args.push(list[i]);
  return { arity: same ? length : lists.map((list) => list.length), args };
}

/**
 * An item as an array of arguments, in which a hole is `undefined`, as in a call.
 *
 * @throws {TypeError} If it is no list; whatever its iterator throws.
 */
export function listOf(item: unknown): readonly unknown[] {
  if (typeof item === "object" && item !== null && Symbol.iterator in item) {
    return [...item as Iterable<unknown>];
  }
  throw new TypeError(
    `Cannot spread ${show(item)} over the arguments of a job: it is no list`,
  );
}

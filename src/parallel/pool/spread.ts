/** Laying lists of arguments out in the columns of a batch, for `starmap`. */
import type { Column } from "../dispatch/wire.ts";

/** What a batch carries of some lists of arguments. */
export interface Spread {
  /** How many each list has. */
  readonly arity: Column<number>;
  /** All of them. */
  readonly args: readonly unknown[];
}

/**
 * Lays out the arguments of consecutive jobs.
 *
 * @throws {TypeError} If an item is no list.
 */
export function spreadOut(items: readonly unknown[]): Spread {
  const lists = items.map(listOf);
  const { length } = lists[0]!;
  const same = lists.every((list) => list.length === length);
  return { arity: same ? length : lists.map((list) => list.length), args: lists.flat(1) };
}

function listOf(item: unknown): readonly unknown[] {
  if (Array.isArray(item)) return item;
  if (typeof item === "object" && item !== null && Symbol.iterator in item) {
    return [...item as Iterable<unknown>];
  }
  throw new TypeError(`Cannot spread ${String(item)} over the arguments of a job: it is no list`);
}

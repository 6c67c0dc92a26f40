/** Laying lists of arguments out in the columns of a batch, for `starmap`. */
import { show } from "../../kernel/printable.ts";
import type { Column } from "../dispatch/wire.ts";

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

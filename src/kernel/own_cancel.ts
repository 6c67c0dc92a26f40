/**
 * Taking an error apart: the cancel in it that belongs to somebody, and the rest.
 *
 * JavaScript wraps what is thrown. A cancel that meets a disposer which waits, and so is cancelled as
 * well, comes out as a `SuppressedError` of two; `Promise.any` of cancelled waits as an `AggregateError`.
 * To ask `error === cause` is to take either for a failure. So all code that asks "is this my cancel" asks
 * here, and gets both answers: a cancel alone never surfaces as an error, and an error beside it never
 * goes down with it.
 *
 * What is left when the cancel is taken out is thrown as plain code would throw it: one error as it is,
 * several in the kind of wrap they came in. An error that merely names a cancel as its `cause` is an
 * error: somebody decided to throw it. The walk is a loop, because ten thousand disposers nest ten
 * thousand deep.
 */
import type { Cancelled } from "./errors.ts";

/** Stands for "no error is left", since `undefined` can be thrown, too. */
export const NOTHING: unique symbol = Symbol("nothing");

/** An error taken apart. */
export interface Parts {
  /** The cancel that was looked for, if it was there. */
  readonly cancel: Cancelled | null;
  /** The error without it; {@linkcode NOTHING} if that was all. */
  readonly rest: unknown;
}

/** Takes out of an error every cancel that `isOwn` knows. */
export function partCancel(error: unknown, isOwn: (leaf: unknown) => boolean): Parts {
  if (isOwn(error)) return { cancel: error as Cancelled, rest: NOTHING };
  if (partsOf(error) === null) return { cancel: null, rest: error };
  let cancel: Cancelled | null = null;
  const rest: unknown[] = [];
  for (const leaf of leavesOf(error)) {
    if (isOwn(leaf)) cancel ??= leaf as Cancelled;
    else rest.push(leaf);
  }
  if (cancel === null) return { cancel, rest: error };
  return { cancel, rest: rest.length === 0 ? NOTHING : rewrap(error as Error, rest) };
}

/** What is not a wrap, left to right; a wrap that holds itself counts as one. */
function leavesOf(error: unknown): unknown[] {
  const leaves: unknown[] = [];
  const seen = new Set<unknown>();
  const stack = [error];
  while (stack.length > 0) {
    const one = stack.pop();
    const parts = seen.has(one) ? null : partsOf(one);
    if (parts === null) {
      leaves.push(one);
    } else {
      seen.add(one);
      for (const part of [...parts].reverse()) stack.push(part);
    }
  }
  return leaves;
}

/** What a wrap of the language holds, or `null` for everything else. */
function partsOf(error: unknown): readonly unknown[] | null {
  try {
    if (error instanceof SuppressedError) return [error.error, error.suppressed];
    if (error instanceof AggregateError && error.errors.length > 0) return [...error.errors];
  } catch {
    // A getter of the user's: then it is no wrap of the language.
  }
  return null;
}

function rewrap(wrap: Error, errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  if (wrap instanceof AggregateError) return new AggregateError(errors, wrap.message);
  return errors.reduceRight((suppressed, error) => new SuppressedError(error, suppressed));
}

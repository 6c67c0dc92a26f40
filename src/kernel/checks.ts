/**
 * Checks of the numbers that users hand in: one rule and one wording for each kind.
 *
 * Verb and noun come apart, and not as a ready text, so that a check that passes builds no string.
 */

/** Which whole numbers will do. */
export interface WholeRange {
  /** The least. */
  readonly least: number;
  /** The greatest; all that are exact, unless said otherwise. */
  readonly most?: number;
  /** Whether `Infinity` will do, too. */
  readonly endless?: boolean;
}

/** How many there are, where none would make no sense. */
export const COUNT: WholeRange = { least: 1 };

/** How many there are, which may be none. */
export const COUNT_OR_NONE: WholeRange = { least: 0 };

/** How many there may be at most, or any number. */
export const BOUND: WholeRange = { least: 1, endless: true };

/** The same, where none is a bound, too. */
export const BOUND_OR_NONE: WholeRange = { least: 0, endless: true };

/**
 * Checks a whole number and returns it.
 *
 * @throws {RangeError} `Cannot <verb> <n> <noun>: it must be a whole number …`.
 */
export function checkWhole(n: number, verb: string, noun: string, range: WholeRange): number {
  const { least, most = Number.MAX_SAFE_INTEGER, endless = false } = range;
  if (Number.isSafeInteger(n) && n >= least && n <= most) return n;
  if (endless && n === Infinity) return n;
  const where = range.most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RangeError(
    `Cannot ${verb} ${String(n)} ${noun}: it must be a whole number ${where}${
      endless ? ", or Infinity" : ""
    }`,
  );
}

/**
 * Checks a length of time and returns it.
 *
 * @throws {RangeError} If it is none.
 */
export function checkMs(ms: number, what: string): number {
  if (typeof ms !== "number" || Number.isNaN(ms) || ms < 0) {
    throw new RangeError(
      `Cannot use ${String(ms)} as ${what}: it must be a number of milliseconds, zero or more`,
    );
  }
  return ms;
}

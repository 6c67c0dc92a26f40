/** What a receiver may be told in place of an item. */
import { ClosedError } from "../kernel/errors.ts";

/**
 * Every sender was closed, and everything that was sent has been received: the orderly end of a
 * channel or a broadcast. A `ClosedError` of its own, because a loop over `receive` ends here, while
 * using an end that one has closed oneself is a mistake.
 */
export class EndOfChannel extends ClosedError {
  /** The class name. */
  override readonly name: string = "EndOfChannel";
}

/**
 * A subscriber of a broadcast whose rule is `"error"` was too slow: `missed` items were dropped before
 * it could receive them. It has not ended; the next `receive` goes on with the oldest item still held.
 */
export class LaggedError extends Error {
  /** The class name. */
  override readonly name: string = "LaggedError";
  /** How many items were dropped since the last one that it received. */
  readonly missed: number;

  /** Says who has missed how many. */
  constructor(subscription: string, missed: number) {
    super(`Cannot receive from ${subscription} without a gap: ${missed} items were dropped`);
    this.missed = missed;
  }
}

/**
 * What a task holds and others may wait for: locks, above all.
 *
 * The list is linked through the things held, so that taking and giving back cost O(1) and allocate
 * nothing. It is kept for the sake of the dead: when a task ends with something in its hands, a task that
 * waits for that would wait for ever, and so the thing itself is told.
 */

/** What holds something. */
export interface Holder {
  /** The name shown in reports. */
  readonly name: string;
}

/** Something that belongs to one task at a time. */
export interface Holding {
  /** Link in its holder's list. */
  heldBefore: Holding | null;
  /** Link in its holder's list. */
  heldAfter: Holding | null;
  /** What it is a piece of, as a token is of its limiter; reports show that. @default nothing */
  readonly pieceOf?: object;
  /** Its holder has ended without giving it back. */
  abandoned(by: Holder): void;
  /** As in `Lock#1`. */
  toString(): string;
}

/** The things one task holds, latest first. */
export class Holdings implements Iterable<Holding> {
  #first: Holding | null = null;

  /** Adds one. */
  add(holding: Holding): void {
    const first = this.#first;
    holding.heldBefore = null;
    holding.heldAfter = first;
    if (first !== null) first.heldBefore = holding;
    this.#first = holding;
  }

  /** Removes one, which must be here. */
  remove(holding: Holding): void {
    const { heldBefore, heldAfter } = holding;
    if (heldBefore === null) this.#first = heldAfter;
    else heldBefore.heldAfter = heldAfter;
    if (heldAfter !== null) heldAfter.heldBefore = heldBefore;
    holding.heldBefore = holding.heldAfter = null;
  }

  /** Tells everything that is left that `by`, its holder, has ended; what one throws goes to `failed`. */
  abandon(by: Holder, failed: (error: unknown, what: Holding) => void): void {
    for (let one = this.#first; one !== null; one = this.#first) {
      this.remove(one);
      try {
        one.abandoned(by);
      } catch (error) {
        failed(error, one);
      }
    }
  }

  /** Goes through them, latest first. */
  *[Symbol.iterator](): IterableIterator<Holding> {
    for (let one = this.#first; one !== null; one = one.heldAfter) yield one;
  }
}

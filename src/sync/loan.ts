/** A token lent by a {@linkcode CapacityLimiter}: who has it, and whether it is still out. */
import { printable } from "../kernel/printable.ts";
import type { Holding } from "../kernel/holding.ts";
import { Task } from "../kernel/task.ts";

/** Whoever borrows: a task, or anything that stands for the work a token is borrowed for. */
export type Borrower = object | string;

/** Who lends. */
export interface Lender {
  /** The limiter. */
  readonly limiter: object;
  /** Takes a token back that its borrower returns. */
  takeBack(loan: Loan): void;
  /** Takes a token back whose borrower has ended. */
  recover(loan: Loan): void;
  /** As in `CapacityLimiter#1`. */
  toString(): string;
}

/** A token that is out. Disposing of it gives it back. */
export class Loan implements Holding, Disposable {
  /** Link in its borrower's list. */
  heldBefore: Holding | null = null;
  /** Link in its borrower's list. */
  heldAfter: Holding | null = null;
  /** Who has it. */
  readonly borrower: Borrower;
  readonly #lender: Lender;
  #state: "out" | "returned" | "recovered" = "out";

  /** Lends `borrower` a token. */
  constructor(borrower: Borrower, lender: Lender) {
    this.borrower = borrower;
    this.#lender = lender;
    if (borrower instanceof Task) borrower.take(this);
  }

  /** The limiter that lent it. */
  get pieceOf(): object {
    return this.#lender.limiter;
  }

  /** Ends the loan. */
  end(): void {
    if (this.#state === "returned") {
      throw new Error(
        `Cannot release a token of ${this.#lender} for ${
          nameOf(this.borrower)
        }: it was released before`,
      );
    }
    // One whose borrower died has been given back; there is nothing left for a `using` block to do.
    if (this.#state === "recovered") return;
    this.#state = "returned";
    if (this.borrower instanceof Task) this.borrower.drop(this);
    this.#lender.takeBack(this);
  }

  /** The borrower has ended with the token in hand. */
  abandoned(): void {
    this.#state = "recovered";
    this.#lender.recover(this);
  }

  /** Gives the token back. */
  [Symbol.dispose](): void {
    this.end();
  }

  /** The name. */
  toString(): string {
    return `a token of ${this.#lender}`;
  }
}

/** How reports call a borrower. */
export function nameOf(borrower: Borrower): string {
  return printable(borrower);
}

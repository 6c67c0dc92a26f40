/**
 * A limiter of capacity: so many tokens, each lent to somebody; `trio.CapacityLimiter`.
 *
 * A semaphore counts how often it was acquired. This knows who has a token: a task never has two, so a
 * function that takes one and calls another that takes one is told so, and does not wait for itself on
 * a bad day; giving back what one has not is an error; and the number of tokens can be changed while
 * they are out.
 *
 * A borrower that dies with a token in hand is named in a warning, and the token is lent on. A lock
 * breaks instead, because what it guards may be half done; a token guards nothing, and a limiter that
 * lost capacity with each crash would in the end let nobody through, in silence.
 *
 * A token that is out is a {@linkcode Loan}: it knows who has it, and whether it came back.
 */
import { BOUND_OR_NONE, checkWhole, isInstance } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { WouldBlock } from "../kernel/errors.ts";
import type { Holding } from "../kernel/resource.ts";
import { printable, reportName } from "../kernel/printable.ts";
import { inOneShape, NOT_NOW, type Operation, operation, Repeated } from "../kernel/operation.ts";
import { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";
import { current } from "./mutex.ts";

/** What a limiter is doing. */
export interface CapacityLimiterStatistics {
  /** How many tokens there are. */
  readonly total: number;
  /** How many are lent; more than there are, for a while, after `total` was lowered. */
  readonly borrowed: number;
  /** How many could be lent now. */
  readonly available: number;
  /** How many wait for one. */
  readonly waiting: number;
  /** Names of those who have one, longest first. */
  readonly borrowers: readonly string[];
}

/**
 * Lends a limited number of tokens to tasks.
 *
 * - Waiters get tokens in FIFO order, from hand to hand.
 * - A cancelled `acquire` has taken none.
 * - A borrower has one token at most; asking for a second is an error, and so is giving back none.
 * - A task that ends with a token loses it to the next, with a warning that names it.
 * - `total`, how many tokens there are, can be set: more serve the longest waiters at once, fewer take
 *   no token away.
 *
 * @example At most two at a time, later three
 * ```ts
 * import { CapacityLimiter, run, sleep, spawn } from "@weft/weft";
 * let most = 0;
 * await run(async function* () {
 *   const limiter = new CapacityLimiter(2);
 *   for (let i = 0; i < 9; i++) {
 *     spawn(async function* () {
 *       using _token = yield* limiter.acquire();
 *       most = Math.max(most, limiter.borrowed);
 *       yield* sleep(1);
 *     });
 *   }
 *   yield;
 *   limiter.total = 3;
 * });
 * if (most !== 3) throw new Error(String(most));
 * ```
 */
export class CapacityLimiter implements QueueOwner {
  readonly #name: string;
  readonly #waiters: WaitQueue<Disposable>;
  readonly #loans = new Map<Borrower, Loan>();
  /** For whom a wait is, where that is not the waiting task. */
  readonly #behalf = new WeakMap<Wait<Disposable>, Borrower>();
  readonly #lender = {
    limiter: this,
    takeBack: (loan: Loan) => this.#takeBack(loan),
    recover: (loan: Loan) => this.#recover(loan),
    toString: () => this.#name,
  };
  readonly #acquiring: Repeated<Disposable>;
  #total: number;

  /**
   * Makes a limiter with all tokens at home.
   *
   * @param total How many tokens there are.
   * @param name What reports call it.
   * @throws {RangeError} If the total is not a whole number of at least 0, or `Infinity`.
   */
  constructor(total: number, name?: string) {
    this.#name = reportName("CapacityLimiter", name);
    this.#total = checkTotal(total);
    this.#waiters = new WaitQueue(this, "acquire");
    const begin = (wait: Wait<Disposable>): void => this.#lendOrPark(wait, wait.task);
    const options = inOneShape<Disposable>({
      ...giveBack,
      now: (task: Task) =>
        this.available > 0 && !this.#loans.has(task) ? this.#lend(task) : NOT_NOW,
    });
    this.#acquiring = new Repeated(this.#waiters, begin, options);
  }

  /**
   * How many tokens there are. Raising it serves the longest waiters at once. Lowering it takes no
   * token away: those that are out beyond it are not lent again. With 0, nobody gets any.
   *
   * @throws {RangeError} If it is set to anything but a whole number of at least 0, or `Infinity`.
   */
  get total(): number {
    return this.#total;
  }

  set total(total: number) {
    this.#total = checkTotal(total);
    this.#serve();
  }

  /** How many tokens are lent. */
  get borrowed(): number {
    return this.#loans.size;
  }

  /** How many tokens could be lent now. */
  get available(): number {
    return Math.max(0, this.#total - this.#loans.size);
  }

  /** A task that has a token: the one that has had it longest. */
  get holder(): Task | undefined {
    for (const borrower of this.#loans.keys()) {
      if (isInstance(borrower, Task)) return borrower;
    }
    return undefined;
  }

  /** Others than {@linkcode holder} may let the waiters go on: another borrower, or code that raises the total. */
  get isShared(): boolean {
    return true;
  }

  /**
   * Waits until the current task has a token.
   *
   * @returns An operation that evaluates to a guard, which gives the token back.
   * @throws {Error} If the task has one already.
   */
  acquire(): Operation<Disposable> {
    return this.#acquiring.make(currentScope());
  }

  /**
   * Waits until `borrower` has a token. A task given here loses the token when it ends; of anything else
   * no end is known.
   *
   * @param borrower Who is to have it: another task, or an object or a name that stands for some work.
   * @returns An operation that evaluates to a guard, which gives the token back.
   * @throws {Error} If it has one already, or is a task that has ended.
   */
  acquireOnBehalfOf(borrower: Borrower): Operation<Disposable> {
    return operation(this.#waiters, (wait: Wait<Disposable>) => {
      this.#behalf.set(wait, borrower);
      this.#lendOrPark(wait, borrower);
    }, giveBack);
  }

  /**
   * Takes a token for the current task without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If none is available.
   * @throws {Error} If the task has one already.
   */
  tryAcquire(): Disposable {
    return this.tryAcquireOnBehalfOf(current("acquire a token of", this));
  }

  /**
   * Takes a token for `borrower` without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If none is available.
   * @throws {Error} If it has one already, or is a task that has ended.
   */
  tryAcquireOnBehalfOf(borrower: Borrower): Disposable {
    const reason = this.#refusal(borrower);
    if (reason !== null) throw reason;
    if (this.available === 0) {
      throw new WouldBlock(
        `Cannot acquire a token of ${this.#name} now: ${this.borrowed} of ${this.#total} are lent`,
      );
    }
    return this.#lend(borrower);
  }

  /**
   * Gives the current task's token to the longest waiter, or back. Never a checkpoint.
   *
   * @throws {Error} If the task has none.
   */
  release(): void {
    this.releaseOnBehalfOf(current("release a token of", this));
  }

  /**
   * Gives the token of `borrower` to the longest waiter, or back. Never a checkpoint; may be called
   * outside of tasks.
   *
   * @throws {Error} If it has none.
   */
  releaseOnBehalfOf(borrower: Borrower): void {
    const loan = this.#loans.get(borrower);
    if (loan === undefined) {
      throw new Error(
        `Cannot release a token of ${this.#name} for ${nameOf(borrower)}: it has none`,
      );
    }
    loan.end();
  }

  /** A frozen record of tokens, borrowers and waiters. */
  statistics(): CapacityLimiterStatistics {
    return Object.freeze({
      total: this.#total,
      borrowed: this.borrowed,
      available: this.available,
      waiting: this.#waiters.size,
      borrowers: Object.freeze([...this.#loans.keys()].map(nameOf)),
    });
  }

  toString(): string {
    return this.#name;
  }

  #lendOrPark(wait: Wait<Disposable>, borrower: Borrower): void {
    const reason = this.#refusal(borrower);
    if (reason !== null) throw reason;
    if (this.available > 0) wait.settle(this.#lend(borrower));
    else this.#waiters.park(wait);
  }

  #lend(borrower: Borrower): Loan {
    const loan = new Loan(borrower, this.#lender);
    this.#loans.set(borrower, loan);
    return loan;
  }

  #takeBack(loan: Loan): void {
    this.#loans.delete(loan.borrower);
    this.#serve();
  }

  #recover(loan: Loan): void {
    const borrower = loan.borrower as Task;
    borrower.host.warn(
      `Task "${borrower}" ended with a token of ${this.#name}: it is lent on; ` +
        `write "using token = yield* limiter.acquire()"`,
    );
    this.#takeBack(loan);
  }

  /** Lends what is available to the longest waiters; one that may have none any more is told so. */
  #serve(): void {
    while (this.available > 0) {
      const wait = this.#waiters.shift();
      if (wait === null) return;
      const borrower = this.#behalf.get(wait) ?? wait.task;
      const reason = this.#refusal(borrower);
      if (reason === null) wait.settle(this.#lend(borrower));
      else wait.fail(reason);
    }
  }

  /** Why a borrower may not have a token, or `null`. */
  #refusal(borrower: Borrower): Error | null {
    if (this.#loans.has(borrower)) {
      return new Error(
        `Cannot acquire a token of ${this.#name} for ${nameOf(borrower)}: it has one already`,
      );
    }
    if (isInstance(borrower, Task) && borrower.done) {
      return new Error(
        `Cannot acquire a token of ${this.#name} for ${nameOf(borrower)}: that task has ended`,
      );
    }
    return null;
  }
}

/** Where nobody can have the guard any more. */
const giveBack = { undo: (guard: Disposable): void => guard[Symbol.dispose]() };

function checkTotal(total: number): number {
  return checkWhole(total, "use", "as a number of tokens", BOUND_OR_NONE);
}

/** What borrows: a task, or anything that stands for the work a token is borrowed for. */
export type Borrower = object | string;

/** Who lends. */
interface Lender {
  readonly limiter: object;
  /** Takes a token back that its borrower returns. */
  takeBack(loan: Loan): void;
  /** Takes a token back whose borrower has ended. */
  recover(loan: Loan): void;
  toString(): string;
}

/** A token that is out. Disposing of it gives it back. */
class Loan implements Holding, Disposable {
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
    if (isInstance(borrower, Task)) borrower.take(this);
  }

  get pieceOf(): object {
    return this.#lender.limiter;
  }

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
    if (isInstance(this.borrower, Task)) this.borrower.drop(this);
    this.#lender.takeBack(this);
  }

  /** The borrower has ended with the token in hand. */
  abandoned(): void {
    this.#state = "recovered";
    this.#lender.recover(this);
  }

  [Symbol.dispose](): void {
    this.end();
  }

  toString(): string {
    return `a token of ${this.#lender}`;
  }
}

/** How reports call a borrower. */
export function nameOf(borrower: Borrower): string {
  return printable(borrower);
}

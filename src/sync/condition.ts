/**
 * A condition variable: `threading.Condition` for tasks.
 *
 * A waiter is in one of two places: among those who wait for a notice, or, once it has got one, among
 * those who want the lock back. From the first a cancel takes it out at once, so that no notice can be
 * spent on it. In the second a shield stands around it: it got the notice, so its `wait` completes, and
 * the cancel comes at the next checkpoint. Either way it holds the lock again before anything is thrown,
 * because the code around a wait was written for a lock that is held.
 */
import { reportName, show } from "../kernel/printable.ts";
import { Entered, within } from "../kernel/scope.ts";
import { checkMs, checkWhole, COUNT_OR_NONE, isInstance } from "../kernel/checks.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { Lock, type LockGuard, mutexOf, RLock } from "./lock.ts";
import { current, type Mutex } from "./mutex.ts";

/** What a condition is doing. */
export interface ConditionStatistics {
  /** How many tasks wait for a notice. */
  readonly waiting: number;
  /** Name of the task that holds the lock, if it is held. */
  readonly holder: string | undefined;
  /** How many tasks wait for the lock, those among them that have got their notice. */
  readonly acquiring: number;
}

/**
 * A lock, and a place to wait until its holder says that something has changed.
 *
 * - `wait`, `waitFor`, `notify` and `notifyAll` need the lock; `wait` gives it up, however often it was
 *   taken, and has it back when it ends, in whatever way.
 * - Notices go to the longest waiters. A notice without a waiter is lost, as in Python.
 * - A waiter that is cancelled has the lock back before the cancel goes on, and has taken no notice.
 * - There are no wake-ups without a notice; the state may still have changed again before the lock came.
 *
 * @example A waiter for a state
 * ```ts
 * import { Condition, run, spawn } from "@weft/weft";
 * await run(function* () {
 *   const changed = new Condition();
 *   let count = 0;
 *   spawn(function* () {
 *     for (let i = 0; i < 3; i++) {
 *       using _lock = yield* changed.acquire();
 *       count++;
 *       changed.notifyAll();
 *     }
 *   });
 *   using _lock = yield* changed.acquire();
 *   yield* changed.waitFor(() => count === 3);
 * });
 * ```
 */
export class Condition {
  /** The lock, which several conditions may share. */
  readonly lock: Lock | RLock;
  readonly #name: string;
  readonly #mutex: Mutex;
  readonly #waiters: WaitQueue;
  /** How many have got their notice, and not yet had their turn to ask for the lock. */
  #noticed = 0;

  /**
   * Makes a condition.
   *
   * @param lock Its lock. @default a new `RLock`, as in Python
   * @param name What reports call it.
   */
  constructor(lock?: Lock | RLock, name?: string) {
    if (lock !== undefined && !isInstance(lock, Lock) && !isInstance(lock, RLock)) {
      throw new TypeError(
        `Cannot make a condition of ${show(lock)}: it must be a Lock or an RLock`,
      );
    }
    this.#name = reportName("Condition", name);
    this.lock = lock ?? new RLock(`${this.#name}.lock`);
    this.#mutex = mutexOf(this.lock);
    this.#waiters = new WaitQueue(this, "wait");
  }

  /** Waits for the lock, like its own `acquire`. */
  acquire(): Operation<LockGuard> {
    return this.lock.acquire();
  }

  /**
   * Takes the lock without waiting, like its own `tryAcquire`.
   *
   * @throws {WouldBlock} If another task has it.
   */
  tryAcquire(): LockGuard {
    return this.lock.tryAcquire();
  }

  /**
   * Releases the lock, like its own `release`.
   *
   * @throws {Error} If the current task does not hold it.
   */
  release(): void {
    this.lock.release();
  }

  /**
   * Gives up the lock, waits for a notice, and takes the lock again.
   *
   * @param ms Gives up after so many milliseconds, without an error.
   * @returns An operation that evaluates to `true`, or to `false` when the time was up first.
   * @throws {Error} If the current task does not hold the lock.
   * @throws {AbandonedError} If a holder of the lock dies meanwhile; the lock is then not held.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  wait(ms?: number): Operation<boolean> {
    if (ms !== undefined) checkMs(ms, "a timeout");
    return sequence(`${this.#name}.wait()`, () => this.#wait(ms));
  }

  /**
   * Waits until the predicate holds, asking it at first and after each notice.
   *
   * @param predicate Called with the lock held; must not wait. What it throws ends the wait.
   * @param ms Gives up after so many milliseconds, without an error.
   * @returns An operation that evaluates to what the predicate said last.
   * @throws {Error} If the current task does not hold the lock.
   * @throws {AbandonedError} If a holder of the lock dies meanwhile; the lock is then not held.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  waitFor(predicate: () => boolean, ms?: number): Operation<boolean> {
    if (ms !== undefined) checkMs(ms, "a timeout");
    const waiting = (): Generator<unknown, boolean, unknown> => this.#waitFor(predicate);
    return sequence(
      `${this.#name}.waitFor()`,
      () => ms === undefined ? waiting() : within(ms, waiting, predicate),
    );
  }

  /**
   * Gives a notice to the longest waiters; they go on when they have the lock. Never a checkpoint.
   *
   * @param n To how many at most.
   * @throws {Error} If the current task does not hold the lock.
   * @throws {RangeError} If `n` is not a whole number of at least 0.
   */
  notify(n: number = 1): void {
    checkWhole(n, "notify", "waiters", COUNT_OR_NONE);
    this.#mutex.mustHold(current("notify", this), "notify", this);
    for (let left = n; left > 0 && this.#waiters.wake(); left--) this.#noticed++;
  }

  /**
   * Gives a notice to every waiter. Never a checkpoint.
   *
   * @throws {Error} If the current task does not hold the lock.
   */
  notifyAll(): void {
    this.notify(this.#waiters.size);
  }

  /** A frozen record of waiters and lock. */
  statistics(): ConditionStatistics {
    return Object.freeze({
      waiting: this.#waiters.size,
      holder: this.#mutex.holder?.name,
      acquiring: this.#mutex.waiters.size + this.#noticed,
    });
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  *#wait(ms: number | undefined): Generator<unknown, boolean, unknown> {
    let depth = 0;
    let parked: Wait<void> | null = null;
    const waiting = operation<void>(this.#waiters, (wait: Wait<void>) => {
      this.#mutex.mustHold(wait.task, "wait for", this);
      this.#mutex.bystanders.add(this.#waiters);
      depth = this.#mutex.surrender(wait.task);
      parked = wait;
      this.#waiters.park(wait);
    });
    try {
      if (ms === undefined) yield* waiting;
      else return yield* within(ms, () => noticed(waiting), () => false);
      return true;
    } finally {
      if ((parked as Wait<void> | null)?.state === "settled") this.#noticed--;
      if (this.#waiters.size === 0) this.#mutex.bystanders.delete(this.#waiters);
      if (depth > 0) yield* this.#retake(depth);
    }
  }

  *#retake(depth: number): Generator<unknown, void, unknown> {
    using _shield = new Entered({ shielded: true });
    yield* this.#mutex.retake(depth);
  }

  *#waitFor(predicate: () => boolean): Generator<unknown, boolean, unknown> {
    this.#mutex.mustHold(current("wait for", this), "wait for", this);
    if (predicate()) {
      yield* operation<void>(`${this.#name}.waitFor()`, (wait) => wait.settle());
      return true;
    }
    do yield* this.#wait(undefined); while (!predicate());
    return true;
  }
}

function* noticed(waiting: Operation<void>): Generator<unknown, boolean, unknown> {
  yield* waiting;
  return true;
}

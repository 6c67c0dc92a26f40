/**
 * Semaphores: a number of permits that tasks take and give back.
 *
 * A permit that is given back goes straight to the longest waiter, so nobody slips in between. Anybody
 * may give one back, also a task that took none, or code outside of tasks: that is what makes a
 * semaphore more than a lock, a signal, and why it cannot call a release wrong or a holder dead.
 *
 * Reports name all the same who took a permit and has not given it back, where {@linkcode PermitHolders} know.
 *
 * The account is kept while there are few permits, and until a permit is given back that was not taken. From
 * then on the semaphore is used as a signal, and a task that took a permit and keeps it holds up nobody.
 * What is kept is no proof of a deadlock either way: anybody may release.
 */
import { checkWhole, COUNT, COUNT_OR_NONE } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { WouldBlock } from "../kernel/errors.ts";
import { reportName } from "../kernel/printable.ts";
import { inOneShape, NOT_NOW, type Operation, Repeated } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";
import type { LockGuard } from "./lock.ts";
import type { Task } from "../kernel/task.ts";

/** What a semaphore is doing. */
export interface SemaphoreStatistics {
  /** Permits that are free. */
  readonly value: number;
  /** How many tasks wait for one. */
  readonly waiting: number;
  /** Names of the tasks that hold one, as far as that is known. */
  readonly holders: readonly string[];
}

/**
 * A counting semaphore; `threading.Semaphore` of Python for tasks.
 *
 * - Waiters get permits in FIFO order, from hand to hand.
 * - A cancelled `acquire` has taken no permit.
 * - `release` may be called by anybody, from anywhere.
 *
 * @example At most two at a time
 * ```ts
 * import { run, Semaphore, sleep, spawn } from "@weft/weft";
 * let inside = 0;
 * await run(function* () {
 *   const permits = new Semaphore(2);
 *   for (let i = 0; i < 6; i++) {
 *     spawn(function* () {
 *       using _permit = yield* permits.acquire();
 *       if (++inside > 2) throw new Error("three inside");
 *       yield* sleep(1);
 *       inside--;
 *     });
 *   }
 * });
 * ```
 */
export class Semaphore {
  readonly #holders: PermitHolders;
  readonly #waiters: WaitQueue<LockGuard>;
  readonly #guard: LockGuard = { [Symbol.dispose]: () => this.release() };
  readonly #acquiring: Repeated<LockGuard>;
  #value: number;

  /**
   * Makes a semaphore.
   *
   * @param value How many permits there are at first; with 0, somebody has to release some.
   * @param name What reports call it.
   * @throws {RangeError} If the value is not a whole number of at least 0.
   */
  constructor(value: number = 1, name?: string) {
    checkWhole(value, "make a semaphore of", "permits", COUNT_OR_NONE);
    this.#value = value;
    this.#holders = new PermitHolders(reportName("Semaphore", name), value);
    this.#waiters = new WaitQueue<LockGuard>(this.#holders, "acquire");
    const options = inOneShape<LockGuard>({
      now: (task: Task): LockGuard | typeof NOT_NOW => this.#value > 0 ? this.#give(task) : NOT_NOW,
      undo: (_: LockGuard, task: Task): void => {
        this.#holders.remove(task);
        this.#passOne();
      },
    });
    this.#acquiring = new Repeated(this.#waiters, (wait) => this.#start(wait), options);
  }

  /** How many permits are free. */
  get value(): number {
    return this.#value;
  }

  /** Whether an `acquire` would have to wait. */
  get locked(): boolean {
    return this.#value === 0;
  }

  /**
   * Waits for a permit. For a limit, use {@linkcode withTimeout}.
   *
   * @returns An operation that evaluates to a guard, which gives one permit back.
   */
  acquire(): Operation<LockGuard> {
    return this.#acquiring.make(currentScope());
  }

  /**
   * Takes a permit without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @returns A guard, which gives one permit back.
   * @throws {WouldBlock} If none is free.
   */
  tryAcquire(): LockGuard {
    if (this.#value === 0) {
      throw new WouldBlock(`Cannot acquire ${this} now: no permit is free`);
    }
    this.#value--;
    this.#holders.addCurrent();
    return this.#guard;
  }

  /**
   * Gives permits to the longest waiters; those left over are free. Never a checkpoint; may be called
   * outside of tasks, and by a task that took none.
   *
   * @param n How many.
   * @throws {RangeError} If `n` is not a whole number of at least 1.
   */
  release(n: number = 1): void {
    if (n === 1) return this.#releaseOne();
    checkWhole(n, "release", "permits", COUNT);
    for (let left = n; left > 0; left--) this.#releaseOne();
  }

  /** A frozen record of permits and waiters. */
  statistics(): SemaphoreStatistics {
    return Object.freeze({
      value: this.#value,
      waiting: this.#waiters.size,
      holders: Object.freeze(this.#holders.names),
    });
  }

  /** The name. */
  toString(): string {
    return String(this.#holders);
  }

  #start(wait: Wait<LockGuard>): void {
    if (this.#value > 0) wait.settle(this.#give(wait.task));
    else this.#waiters.park(wait);
  }

  #give(task: Task): LockGuard {
    this.#value--;
    this.#holders.add(task);
    return this.#guard;
  }

  #releaseOne(): void {
    this.#holders.removeCurrent();
    this.#passOne();
  }

  #passOne(): void {
    const next = this.#waiters.shift();
    if (next === null) {
      this.#value++;
      return;
    }
    this.#holders.add(next.task);
    next.settle(this.#guard);
  }
}

/**
 * A semaphore that never has more permits than at first: giving back one too many is an error.
 *
 * @example A permit given back twice
 * ```ts
 * import { BoundedSemaphore } from "@weft/weft";
 * const permits = new BoundedSemaphore(1);
 * permits.tryAcquire();
 * permits.release();
 * try {
 *   permits.release();
 *   throw new Error("unnoticed");
 * } catch (error) {
 *   if (!(error instanceof RangeError)) throw error;
 * }
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  /**
   * Makes a semaphore.
   *
   * @param value How many permits there are at first, and at most.
   * @param name What reports call it.
   * @throws {RangeError} If the value is not a whole number of at least 0.
   */
  constructor(value: number = 1, name?: string) {
    super(value, reportName("BoundedSemaphore", name));
    this.#bound = value;
  }

  /**
   * Gives permits to the longest waiters; those left over are free. Never a checkpoint; may be called
   * outside of tasks.
   *
   * @param n How many.
   * @throws {RangeError} If `n` is not a whole number of at least 1, or if there would then be more
   *   permits than at first; then nothing has happened.
   */
  override release(n: number = 1): void {
    if (n !== 1) checkWhole(n, "release", "permits", COUNT);
    if (this.value + n > this.#bound) {
      throw new RangeError(
        `Cannot release ${n} permits of ${this}: ${this.value} of ${this.#bound} are free already`,
      );
    }
    super.release(n);
  }
}

/** With more permits than this, who took them is not kept: looking for one would cost too much. */
const MOST = 8;

/** Who has permits of one semaphore, for which this also stands in reports. */
class PermitHolders implements QueueOwner {
  /** Another one may do as well. */
  readonly isShared: boolean = true;
  readonly #name: string;
  /** One entry for each permit; `null` once it cannot be told. */
  #list: (Task | null)[] | null;

  /** Those of a semaphore that begins with `permits`. */
  constructor(name: string, permits: number) {
    this.#name = name;
    this.#list = permits > 0 && permits <= MOST ? [] : null;
  }

  /** The one that took a permit last and still has it. */
  get holder(): Task | undefined {
    return this.#list?.at(-1) ?? undefined;
  }

  /** Their names, latest last. */
  get names(): string[] {
    return (this.#list ?? []).filter((taker) => taker !== null).map((taker) => taker.name);
  }

  /** A task has taken a permit. */
  add(taker: Task): void {
    if (this.#list !== null) this.#list.push(taker);
  }

  /** The running task has taken a permit, or code outside of tasks has. */
  addCurrent(): void {
    if (this.#list !== null) this.#list.push(running());
  }

  /** The running task, or code outside of tasks, has given one back. */
  removeCurrent(): void {
    if (this.#list !== null) this.remove(running());
  }

  /** `taker` has given one back. */
  remove(taker: Task | null): void {
    const list = this.#list;
    if (list === null) return;
    const at = list.lastIndexOf(taker);
    if (at < 0) this.#list = null;
    else if (at === list.length - 1) list.pop();
    else list.splice(at, 1);
  }

  toString(): string {
    return this.#name;
  }
}

function running(): Task | null {
  const scope = currentScope();
  return scope === null ? null : scope.task;
}

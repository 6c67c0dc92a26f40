/**
 * Locks for tasks: each knows its holder, and hands itself on.
 *
 * Stricter than `threading.Lock`, which anybody may release: there a release in the wrong place goes
 * unnoticed. A permit that one task takes and another gives back is a semaphore's. `Lock` and `RLock` are
 * one {@linkcode Mutex} each and differ in what its holder gets who takes it again.
 */
import { reportName } from "../kernel/printable.ts";
import type { Operation } from "../kernel/operation.ts";
import { type Again, Mutex } from "./mutex.ts";
import type { Task } from "../kernel/task.ts";

/** A taken lock or permit: `using` it gives it back at the end of the block. */
export interface LockGuard {
  /** Releases it. */
  [Symbol.dispose](): void;
}

/** What a lock is doing. */
export interface LockStatistics {
  /** Name of the holder, if it is held. */
  readonly holder: string | undefined;
  /** How many tasks wait for it. */
  readonly waiting: number;
}

/** What a re-entrant lock is doing. */
export interface RLockStatistics extends LockStatistics {
  /** How often its holder has taken it. */
  readonly depth: number;
}

let inside: (lock: MutexLock) => Mutex;

/**
 * What both kinds of lock are: a {@linkcode Mutex}, seen from outside.
 *
 * @internal
 */
abstract class MutexLock {
  readonly #mutex: Mutex;

  static {
    inside = (lock) => lock.#mutex;
  }

  /** A free one; `again` says what its holder gets who takes it again. */
  constructor(kind: string, name: string | undefined, again: Again) {
    this.#mutex = new Mutex(reportName(kind, name), again);
  }

  get holder(): Task | undefined {
    return this.#mutex.holder;
  }

  /** Whether a task has it. */
  get locked(): boolean {
    return this.#mutex.holder !== undefined;
  }

  /**
   * Waits until the lock is the current task's. An {@linkcode RLock} counts one more if it is already. For a
   * limit, use {@linkcode withTimeout}.
   *
   * @returns An operation that evaluates to the guard for `using`.
   * @throws {Error} If it is called outside of tasks.
   * @throws {DeadlockError} If the task holds it already and it is no {@linkcode RLock}.
   * @throws {AbandonedError} If its holder has died, before or meanwhile.
   */
  acquire(): Operation<LockGuard> {
    return this.#mutex.acquire();
  }

  /**
   * Takes the lock without waiting. Never a checkpoint.
   *
   * @returns The guard for `using`.
   * @throws {WouldBlock} If another task has it.
   * @throws {DeadlockError} If the task holds it already and it is no {@linkcode RLock}.
   * @throws {AbandonedError} If its holder has died.
   */
  tryAcquire(): LockGuard {
    return this.#mutex.tryAcquire();
  }

  /**
   * Gives the lock to the longest waiter, or frees it. An {@linkcode RLock} takes one off its holder's count
   * first, and stays the holder's until none is left. Never a checkpoint.
   *
   * @throws {Error} If the current task does not hold it.
   */
  release(): void {
    this.#mutex.release();
  }

  /**
   * Makes the lock free again after its holder has died: for code that has looked at what it guards.
   * A free lock stays free.
   *
   * @throws {Error} If a task holds it.
   */
  reset(): void {
    this.#mutex.reset();
  }

  /** A frozen record of holder and waiters. */
  statistics(): LockStatistics {
    const { holder, waiters } = this.#mutex;
    return Object.freeze({ holder: holder?.name, waiting: waiters.size });
  }

  toString(): string {
    return String(this.#mutex);
  }
}

/**
 * A mutual exclusion lock.
 *
 * - Waiters get it in FIFO order, from hand to hand: nobody slips in between.
 * - A cancelled `acquire` does not hold it.
 * - Taking it twice in one task is an error, not a wait for oneself.
 * - When its holder ends without giving it back, everyone who waits or comes later gets an
 *   {@linkcode AbandonedError}, until somebody has put things right and calls {@linkcode Lock.reset}.
 * - A `using` block costs some 150 ns more than a `try` and `finally` with {@linkcode Lock.release}.
 *
 * @example Only one at a time
 * ```ts
 * import { Lock, run, sleep, spawn } from "@weft/weft";
 * let inside = 0;
 * await run(async function* () {
 *   const lock = new Lock();
 *   const body = async function* () {
 *     using _guard = yield* lock.acquire();
 *     if (++inside > 1) throw new Error("two inside");
 *     yield* sleep(1);
 *     inside--;
 *   };
 *   for (let i = 0; i < 3; i++) spawn(body);
 * });
 * ```
 */
export class Lock extends MutexLock {
  /** Makes a free lock; `name` is what reports call it. */
  constructor(name?: string) {
    super("Lock", name, "refuse");
  }
}

/**
 * A re-entrant lock: its holder may take it again, and gives it up when it has released it as often.
 *
 * Otherwise like {@linkcode Lock}: FIFO from hand to hand, a cancelled `acquire` takes nothing, and when
 * its holder dies everyone else is told. Taking it again is a checkpoint like the first time.
 *
 * @example A locked method calls another
 * ```ts
 * import { RLock, run } from "@weft/weft";
 * const depths: number[] = [];
 * await run(function* () {
 *   const lock = new RLock();
 *   using _outer = yield* lock.acquire();
 *   {
 *     using _inner = yield* lock.acquire();
 *     depths.push(lock.depth);
 *   }
 *   depths.push(lock.depth);
 * });
 * if (depths.join() !== "2,1") throw new Error(depths.join());
 * ```
 */
export class RLock extends MutexLock {
  /** Makes a free lock; `name` is what reports call it. */
  constructor(name?: string) {
    super("RLock", name, "count");
  }

  /** How often its holder has taken it; 0 when it is free. */
  get depth(): number {
    return inside(this).depth;
  }

  /** A frozen record of holder, depth and waiters. */
  override statistics(): RLockStatistics {
    return Object.freeze({ ...super.statistics(), depth: this.depth });
  }
}

/** What is inside a lock, for a condition. */
export function mutexOf(lock: MutexLock): Mutex {
  return inside(lock);
}

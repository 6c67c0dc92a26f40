/**
 * A lock for tasks: it knows its holder, and hands itself on.
 *
 * Stricter than `threading.Lock`, which anybody may release: there a release in the wrong place goes
 * unnoticed. Whoever wants a permit that one task takes and another gives back wants a semaphore.
 */
import { reportName } from "../kernel/names.ts";
import type { Operation } from "../kernel/operation.ts";
import type { Party } from "../kernel/wait.ts";
import { Mutex } from "./mutex.ts";

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

let mutexOf: (lock: Lock) => Mutex;

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
export class Lock {
  readonly #mutex: Mutex;

  static {
    mutexOf = (lock) => lock.#mutex;
  }

  /** Makes a free lock; `name` is what reports call it. */
  constructor(name?: string) {
    this.#mutex = new Mutex(reportName("Lock", name), "refuse");
  }

  /** The task that has it. */
  get holder(): Party | undefined {
    return this.#mutex.holder;
  }

  /** Whether a task has it. */
  get locked(): boolean {
    return this.#mutex.holder !== undefined;
  }

  /**
   * Waits until the lock is the current task's. For a limit, use {@linkcode withTimeout}.
   *
   * @returns An operation that evaluates to the guard for `using`.
   * @throws {Error} If it is called outside of tasks.
   * @throws {DeadlockError} If the task holds it already.
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
   * @throws {DeadlockError} If the task holds it already.
   * @throws {AbandonedError} If its holder has died.
   */
  tryAcquire(): LockGuard {
    return this.#mutex.tryAcquire();
  }

  /**
   * Gives the lock to the longest waiter, or frees it. Never a checkpoint.
   *
   * @throws {Error} If the current task does not hold it.
   */
  release(): void {
    this.#mutex.release();
  }

  /**
   * Makes the lock free again after its holder has died: for whoever has looked at what it guards.
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

  /** The name. */
  toString(): string {
    return String(this.#mutex);
  }
}

/** What is inside a lock, for a condition. */
export function mutexOfLock(lock: Lock): Mutex {
  return mutexOf(lock);
}

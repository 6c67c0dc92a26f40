/** A lock that its holder may take again: `threading.RLock` for tasks. */
import { reportName } from "../kernel/names.ts";
import type { Operation } from "../kernel/operation.ts";
import type { Party } from "../kernel/wait.ts";
import type { LockGuard, LockStatistics } from "./lock.ts";
import { Mutex } from "./mutex.ts";

/** What a re-entrant lock is doing. */
export interface RLockStatistics extends LockStatistics {
  /** How often its holder has taken it. */
  readonly depth: number;
}

let mutexOf: (lock: RLock) => Mutex;

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
export class RLock {
  readonly #mutex: Mutex;

  static {
    mutexOf = (lock) => lock.#mutex;
  }

  /** Makes a free lock; `name` is what reports call it. */
  constructor(name?: string) {
    this.#mutex = new Mutex(reportName("RLock", name), "count");
  }

  /** The task that has it. */
  get holder(): Party | undefined {
    return this.#mutex.holder;
  }

  /** Whether a task has it. */
  get locked(): boolean {
    return this.#mutex.holder !== undefined;
  }

  /** How often its holder has taken it; 0 when it is free. */
  get depth(): number {
    return this.#mutex.depth;
  }

  /**
   * Waits until the lock is the current task's, or counts one more if it is already. For a limit, use
   * {@linkcode withTimeout}.
   *
   * @returns An operation that evaluates to the guard for `using`.
   * @throws {Error} If it is called outside of tasks.
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
   * @throws {AbandonedError} If its holder has died.
   */
  tryAcquire(): LockGuard {
    return this.#mutex.tryAcquire();
  }

  /**
   * Takes one off the holder's count; with the last, gives the lock to the longest waiter, or frees it.
   * Never a checkpoint.
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

  /** A frozen record of holder, depth and waiters. */
  statistics(): RLockStatistics {
    const { holder, depth, waiters } = this.#mutex;
    return Object.freeze({ holder: holder?.name, depth, waiting: waiters.size });
  }

  /** The name. */
  toString(): string {
    return String(this.#mutex);
  }
}

/** What is inside a lock, for a condition. */
export function mutexOfRLock(lock: RLock): Mutex {
  return mutexOf(lock);
}

/** Locks between threads: a plain one, and one that its holder may take again. */
import type { Operation } from "../../kernel/operation.ts";
import { LockCore, type SharedGuard, type SharedLockStatistics } from "./lock_core.ts";
import { registerShared, shareable, type SharedHandle } from "./pack.ts";
import { handleOf } from "./region.ts";

export type { SharedGuard, SharedLockStatistics } from "./lock_core.ts";

/**
 * A mutual exclusion lock between threads: pass it to a job, and it is the same lock there.
 *
 * - `acquire()` is an operation and never blocks a thread; `acquireSync()` blocks, in a worker's plain
 *   code, where nothing else could run anyway; `tryAcquire()` never waits.
 * - While several wait, a thread that comes by when it is free may get it first, but nobody is passed over
 *   for more than about 10 ms.
 * - A cancelled `acquire` does not hold it.
 * - When the thread that holds it dies, all who want it get an {@linkcode AbandonedError}, within about
 *   a tenth of a second, until somebody calls {@linkcode recover}. Threads that weft started are
 *   watched; of a bare `new Worker` nobody knows whether it lives.
 * - Taking it twice in a task, or in the plain code of a worker, is an error, not a wait for oneself; see
 *   {@linkcode SharedRLock}. The plain async code of a thread is many at once that cannot be told apart, so
 *   there a second `await` waits.
 *
 * After Python's `multiprocessing.Lock`, except that only the thread that holds it can release it.
 *
 * @example One at a time, here and in a worker
 * ```ts
 * import { jobs, SharedLock, SharedValue, WorkerPool } from "@weft/weft";
 *
 * const { count } = jobs(import.meta, {
 *   count(lock: SharedLock, counter: SharedValue<"int32">): void {
 *     for (let i = 0; i < 1000; i++) {
 *       using _guard = lock.acquireSync();
 *       counter.value = counter.value + 1;
 *     }
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const [lock, counter] = [new SharedLock(), new SharedValue("int32")];
 *   await Promise.all([pool.submit(count, lock, counter), pool.submit(count, lock, counter)]);
 *   if (counter.value !== 2000) throw new Error(`${counter.value}`);
 * }
 * ```
 */
export class SharedLock {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the lock itself. */
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#core.region));
  readonly #core: LockCore;

  /** Makes a free lock; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    this.#core = new LockCore("SharedLock", "refuse", handle);
  }

  /** The lock behind a handle. */
  static from(handle: SharedHandle): SharedLock {
    return new SharedLock(handle);
  }

  /** Whether some thread has it. */
  get locked(): boolean {
    return this.#core.mutex.holder !== 0;
  }

  /** Whether this thread has it. */
  get isMine(): boolean {
    return this.#core.mutex.isMine;
  }

  /** Waits until this thread has the lock. */
  acquire(): Operation<SharedGuard> {
    return this.#core.acquire();
  }

  /**
   * Blocks until this thread has the lock, at most `ms` milliseconds. For the plain code of a worker.
   *
   * @throws {TimeoutError} If it takes longer.
   * @throws {DeadlockError} If this thread has it already, whichever of its tasks took it.
   * @throws {AbandonedError} If the thread that has it dies.
   * @throws {ClosedError} If this worker is told to end meanwhile.
   * @throws {Error} On the main thread, and in a task if it would have to wait.
   */
  acquireSync(ms?: number): SharedGuard {
    return this.#core.acquireSync(ms);
  }

  /**
   * Takes the lock without waiting.
   *
   * @throws {WouldBlock} If some thread has it.
   * @throws {AbandonedError} If that thread has died.
   */
  tryAcquire(): SharedGuard {
    return this.#core.tryAcquire();
  }

  /**
   * Gives the lock back. Never waits.
   *
   * @throws {Error} If this thread does not hold it.
   */
  release(): void {
    this.#core.release();
  }

  /**
   * Frees the lock of a holder that has died: for a thread that knows that what it guards is sound, or has
   * mended it. Returns whether that was so; the lock of a living holder stays as it is.
   */
  recover(): boolean {
    return this.#core.mutex.recover();
  }

  /**
   * Makes sure that nobody died holding it. Never waits.
   *
   * @throws {AbandonedError} If somebody did.
   */
  check(): void {
    this.#core.check();
  }

  /** A frozen record of holder and waiters. */
  statistics(): SharedLockStatistics {
    return this.#core.statistics();
  }

  /** As in `SharedLock#1`. */
  toString(): string {
    return String(this.#core);
  }
}

/**
 * A lock between threads that the task which holds it may take again; it is free when it was released
 * as often as it was taken.
 *
 * Otherwise like {@linkcode SharedLock}; after Python's `multiprocessing.RLock`. Code outside of every
 * task counts as one task of its thread.
 *
 * @example Taken by a function, and by one it calls
 * ```ts
 * import { run, SharedRLock } from "@weft/weft";
 * await run(async function* () {
 *   const lock = new SharedRLock();
 *   using _outer = yield* lock.acquire();
 *   using _inner = yield* lock.acquire();
 *   if (lock.statistics().holder !== "main") throw new Error();
 * });
 * ```
 */
export class SharedRLock {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the lock itself. */
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#core.region));
  readonly #core: LockCore;

  /** Makes a free lock; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    this.#core = new LockCore("SharedRLock", "count", handle);
  }

  /** The lock behind a handle. */
  static from(handle: SharedHandle): SharedRLock {
    return new SharedRLock(handle);
  }

  /** Whether some thread has it. */
  get locked(): boolean {
    return this.#core.mutex.holder !== 0;
  }

  /** Waits until the current task has the lock. */
  acquire(): Operation<SharedGuard> {
    return this.#core.acquire();
  }

  /**
   * Blocks until the calling code has the lock, at most `ms` milliseconds. For the plain code of a
   * worker; throws like {@linkcode SharedLock.acquireSync}.
   */
  acquireSync(ms?: number): SharedGuard {
    return this.#core.acquireSync(ms);
  }

  /**
   * Takes the lock without waiting.
   *
   * @throws {WouldBlock} If another task or thread has it.
   * @throws {AbandonedError} If that thread has died.
   */
  tryAcquire(): SharedGuard {
    return this.#core.tryAcquire();
  }

  /**
   * Takes back one `acquire`. Never waits.
   *
   * @throws {Error} If the current task does not hold it.
   */
  release(): void {
    this.#core.release();
  }

  /** Frees the lock of a holder that has died; see {@linkcode SharedLock.recover}. */
  recover(): boolean {
    return this.#core.mutex.recover();
  }

  /** A frozen record of holder and waiters. */
  statistics(): SharedLockStatistics {
    return this.#core.statistics();
  }

  /** As in `SharedRLock#1`. */
  toString(): string {
    return String(this.#core);
  }
}

registerShared("SharedLock", SharedLock.from);
registerShared("SharedRLock", SharedRLock.from);

/**
 * A lock between threads.
 *
 * Its holder is a thread: that is what can die, and what `release` checks. Which task of the thread took
 * it is remembered only to tell a task that takes it twice that it would wait for itself.
 */
import { currentScope } from "../../kernel/context.ts";
import { DeadlockError, WouldBlock } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { ScopeTask } from "../../kernel/scope.ts";
import type { Entry } from "./gate.ts";
import { Mutex, MUTEX_WORDS } from "./mutex.ts";
import { registerShared, shareable, type SharedHandle } from "./pack.ts";
import { handleOf, type Region, regionFor } from "./region.ts";
import { refuseMainThread } from "./waiting.ts";

/** What was taken: `using` it gives it back at the end of the block. */
export interface SharedGuard {
  /** Gives it back. */
  [Symbol.dispose](): void;
}

/** What a shared lock is doing. */
export interface SharedLockStatistics {
  /** The name of the thread that holds it. */
  readonly holder: string | undefined;
  /** How many threads wait for it. */
  readonly waiting: number;
}

/**
 * A mutual exclusion lock between threads: pass it to a job, and it is the same lock there.
 *
 * - `acquire()` is an operation and never blocks a thread; `acquireSync()` blocks, in a worker's plain
 *   code, where nothing else could run anyway; `tryAcquire()` never waits.
 * - While several wait, whoever comes by when it is free may get it first, but nobody is passed over
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
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#region));
  readonly #region: Region;
  readonly #mutex: Mutex;
  readonly #guard: SharedGuard = { [Symbol.dispose]: () => this.release() };
  /** The task that took it through this view, as long as it is this thread's. */
  #task: ScopeTask | null = null;

  /** Makes a free lock; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    const region = this.#region = regionFor("SharedLock", handle, 4 * MUTEX_WORDS);
    this.#mutex = new Mutex(region);
  }

  /** The lock behind a handle. */
  static from(handle: SharedHandle): SharedLock {
    return new SharedLock(handle);
  }

  /** Whether some thread has it. */
  get locked(): boolean {
    return this.#mutex.holder !== 0;
  }

  /** Whether this thread has it. */
  get isMine(): boolean {
    return this.#mutex.isMine;
  }

  /** Waits until this thread has the lock. */
  acquire(): Operation<SharedGuard> {
    const task = currentScope()?.task ?? null;
    return this.#mutex.gate.enter(`${this}.acquire()`, () => this.#entry(task));
  }

  /**
   * Blocks until this thread has the lock, at most `ms` milliseconds. For the plain code of a worker.
   *
   * @throws {TimeoutError} If it takes longer.
   * @throws {AbandonedError} If the thread that has it dies.
   * @throws {ClosedError} If this worker is told to end meanwhile.
   * @throws {Error} On the main thread, and in a task if it would have to wait.
   */
  acquireSync(ms?: number): SharedGuard {
    refuseMainThread(this, "acquireSync");
    if (this.#mutex.tryTake()) {
      this.#task = null;
      return this.#guard;
    }
    if (this.#mutex.isMine) throw this.#selfWait("this thread");
    return this.#mutex.gate.block(this.#entry(null, "acquireSync"), ms);
  }

  /**
   * Takes the lock without waiting.
   *
   * @throws {WouldBlock} If some thread has it.
   * @throws {AbandonedError} If that thread has died.
   */
  tryAcquire(): SharedGuard {
    if (!this.#mutex.tryTake()) {
      this.#mutex.checkHolder(`acquire ${this}`);
      throw new WouldBlock(
        `Cannot take ${this} now: ${this.#mutex.holderName ?? "another"} has it`,
      );
    }
    this.#task = currentScope()?.task ?? null;
    return this.#guard;
  }

  /**
   * Gives the lock back. Never waits.
   *
   * @throws {Error} If this thread does not hold it.
   */
  release(): void {
    if (this.#mutex.give()) return;
    throw new Error(
      `Cannot release ${this} in ${this.#region.thread.name}: ${
        holderText(this.#mutex.holderName)
      }`,
    );
  }

  /**
   * Frees the lock of a holder that has died: for whoever knows that what it guards is sound, or has
   * mended it. Returns whether that was so; the lock of a living holder stays as it is.
   */
  recover(): boolean {
    return this.#mutex.recover();
  }

  /**
   * Makes sure that nobody died holding it. Never waits.
   *
   * @throws {AbandonedError} If somebody did.
   */
  check(): void {
    this.#mutex.checkHolder(`acquire ${this}`);
  }

  /** A frozen record of holder and waiters. */
  statistics(): SharedLockStatistics {
    const { holderName, gate } = this.#mutex;
    return Object.freeze({ holder: holderName, waiting: gate.waiting });
  }

  /** As in `SharedLock#1`. */
  toString(): string {
    return this.#region.name;
  }

  #entry(task: ScopeTask | null, verb = "acquire"): Entry<SharedGuard> {
    if (task !== null && this.#task === task && this.#mutex.isMine) throw this.#selfWait(task.name);
    return this.#mutex.entry(`${this}.${verb}()`, () => {
      this.#task = task;
      return this.#guard;
    });
  }

  #selfWait(who: string): DeadlockError {
    return new DeadlockError(
      `Cannot take ${this} twice: ${who} holds it already; a SharedRLock can be taken again`,
      [[who]],
    );
  }
}

/** Who has a lock, in words. */
export function holderText(name: string | undefined): string {
  return name === undefined ? "nobody holds it" : `"${name}" holds it`;
}

registerShared("SharedLock", SharedLock.from);

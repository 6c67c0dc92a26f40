/**
 * A lock between threads that its holder may take again.
 *
 * Here the holder is one task of one thread (all code outside of tasks counts as one, too): two tasks
 * of a thread exclude each other as two threads do. Tasks are numbered in each thread as they first
 * take such a lock, and the number of the holder stands in shared memory beside the count, so that
 * several views of the same lock agree.
 */
import { currentScope } from "../../kernel/context.ts";
import { DeadlockError, WouldBlock } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { Entry } from "./gate.ts";
import { holderText, type SharedGuard, type SharedLockStatistics } from "./lock.ts";
import { Mutex, MUTEX_WORDS } from "./mutex.ts";
import { registerShared, shareable, type SharedHandle } from "./pack.ts";
import { handleOf, type Region, regionFor } from "./region.ts";
import { refuseMainThread } from "./waiting.ts";

/** How many words it takes. */
export const RLOCK_WORDS: number = MUTEX_WORDS + 2;

/** The number of the task that has it, and how often it took it. Only the holder writes them. */
const TASK = MUTEX_WORDS;
const DEPTH = MUTEX_WORDS + 1;

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** The number of the current task in this thread; 0 outside of every task. */
function currentNumber(): number {
  const task = currentScope()?.task;
  if (task === undefined) return 0;
  let number = numbers.get(task);
  if (number === undefined) numbers.set(task, number = ++lastNumber);
  return number;
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
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#region));
  readonly #region: Region;
  readonly #mutex: Mutex;
  readonly #guard: SharedGuard = { [Symbol.dispose]: () => this.release() };

  /** Makes a free lock; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    const region = this.#region = regionFor("SharedRLock", handle, 4 * RLOCK_WORDS);
    this.#mutex = new Mutex(region);
  }

  /** The lock behind a handle. */
  static from(handle: SharedHandle): SharedRLock {
    return new SharedRLock(handle);
  }

  /** Whether some thread has it. */
  get locked(): boolean {
    return this.#mutex.holder !== 0;
  }

  /** Waits until the current task has the lock. */
  acquire(): Operation<SharedGuard> {
    const number = currentNumber();
    return this.#mutex.gate.enter(`${this}.acquire()`, () => this.#entry(number, "acquire"));
  }

  /**
   * Blocks until the calling code has the lock, at most `ms` milliseconds. For the plain code of a
   * worker; throws like {@linkcode SharedLock.acquireSync}.
   */
  acquireSync(ms?: number): SharedGuard {
    refuseMainThread(this, "acquireSync");
    const number = currentNumber();
    if (this.#take(number)) return this.#guard;
    if (this.#mutex.isMine) {
      throw new DeadlockError(
        `Cannot block in ${this}.acquireSync(): another task of this thread holds it, and would stand still`,
        [],
      );
    }
    return this.#mutex.gate.block(this.#entry(number, "acquireSync"), ms);
  }

  /**
   * Takes the lock without waiting.
   *
   * @throws {WouldBlock} If another task or thread has it.
   * @throws {AbandonedError} If that thread has died.
   */
  tryAcquire(): SharedGuard {
    if (this.#take(currentNumber())) return this.#guard;
    this.#mutex.checkHolder(`acquire ${this}`);
    throw new WouldBlock(`Cannot take ${this} now: ${this.#mutex.holderName ?? "another"} has it`);
  }

  /**
   * Takes back one `acquire`. Never waits.
   *
   * @throws {Error} If the current task does not hold it.
   */
  release(): void {
    const { words, at } = this.#region;
    if (!this.#isMine(currentNumber())) {
      const { isMine, holderName } = this.#mutex;
      const state = isMine ? "another task of it holds it" : holderText(holderName);
      throw new Error(`Cannot release ${this} in ${this.#region.thread.name}: ${state}`);
    }
    if (--words[at + DEPTH]! === 0) this.#mutex.give();
  }

  /** Frees the lock of a holder that has died; see {@linkcode SharedLock.recover}. */
  recover(): boolean {
    return this.#mutex.recover();
  }

  /** A frozen record of holder and waiters. */
  statistics(): SharedLockStatistics {
    const { holderName, gate } = this.#mutex;
    return Object.freeze({ holder: holderName, waiting: gate.waiting });
  }

  /** As in `SharedRLock#1`. */
  toString(): string {
    return this.#region.name;
  }

  #isMine(number: number): boolean {
    return this.#mutex.isMine && this.#region.words[this.#region.at + TASK] === number;
  }

  #take(number: number): boolean {
    const { words, at } = this.#region;
    if (this.#mutex.tryTake()) {
      this.#enter(number);
    } else if (this.#isMine(number)) {
      words[at + DEPTH]!++;
    } else {
      return false;
    }
    return true;
  }

  #enter(number: number): void {
    const { words, at } = this.#region;
    words[at + TASK] = number;
    words[at + DEPTH] = 1;
  }

  #entry(number: number, verb: string): Entry<SharedGuard> {
    const label = `${this}.${verb}()`;
    if (this.#isMine(number)) {
      const again = (): SharedGuard => {
        this.#take(number);
        return this.#guard;
      };
      return { label, attempt: again, check: () => {}, leave: () => true };
    }
    return this.#mutex.entry(label, () => {
      this.#enter(number);
      return this.#guard;
    });
  }
}

registerShared("SharedRLock", SharedRLock.from);

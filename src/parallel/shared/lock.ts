/**
 * Locks between threads: a plain one, and one that its holder may take again.
 *
 * The holder is a thread: that is what can die, with what the lock guards half done. Beside it stands a note
 * of which task of the thread took the lock, and how often. Any code of the thread can give a plain lock back;
 * a re-entrant one counts, which makes sense for one task only, so it is that task's alone. The two are one
 * class, and differ in what a task gets that takes its lock again.
 */
import { checkMs } from "../../kernel/checks.ts";
import { currentScope } from "../../kernel/context.ts";
import { DeadlockError, WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { printable } from "../../kernel/printable.ts";
import { heldBy } from "../../kernel/report.ts";
import type { Task } from "../../kernel/task.ts";
import type { Wait } from "../../kernel/wait.ts";
import { type GateEntry, NOT_YET } from "./gate.ts";
import { LocalHold } from "./local_hold.ts";
import { MUTEX_WORDS, SharedMutex } from "./mutex.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { type Region, regionFor, SharedObject } from "./region.ts";
import { refuseMainThread } from "./waiting.ts";

/** How many words a lock takes. */
export const LOCK_WORDS: number = MUTEX_WORDS + 2;

/** The number of the holder's note, 0 if it is no task; then how often it took the lock. Only the holder writes them. */
const HOLD = MUTEX_WORDS;

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

/** The task whose code is running; `null` outside of tasks. */
function currentTaskOrNone(): Task | null {
  return currentScope()?.task ?? null;
}

let inside: (lock: BaseLock) => SharedMutex;

/**
 * What both kinds of lock between threads are.
 *
 * @internal
 */
export abstract class BaseLock extends SharedObject {
  readonly #mutex: SharedMutex;
  readonly #words: Int32Array;
  readonly #holdAt: number;
  readonly #region: Region;
  /** Whether a task may take it again; then no other code of its thread may give it back. */
  readonly #counts: boolean;
  readonly #hold: LocalHold;
  readonly #label: string;
  readonly #guard: SharedGuard = { [Symbol.dispose]: () => this.release() };
  readonly #options = { undo: (_: SharedGuard, task: Task): void => void this.#give(task) };
  readonly #beginInTask = (wait: Wait<SharedGuard>): void => this.#begin(wait, wait.task);
  readonly #beginOutside = (wait: Wait<SharedGuard>): void => this.#begin(wait, null);

  static {
    inside = (lock) => lock.#mutex;
  }

  /** A new one of a kind; with a handle, another view of the one behind it. */
  constructor(kind: string, again: "refuse" | "count", handle: SharedHandle | undefined) {
    const region = regionFor(kind, handle, 4 * LOCK_WORDS);
    super(region);
    this.#region = region;
    this.#words = region.words;
    this.#holdAt = region.at + HOLD;
    this.#counts = again === "count";
    this.#label = `${region.name}.acquire()`;
    this.#hold = new LocalHold(region.name);
    const keeper = { hold: () => this.#current(), anyReleases: !this.#counts };
    this.#mutex = new SharedMutex(region, region.at, keeper);
  }

  /** Whether some thread has it. */
  get locked(): boolean {
    return this.#mutex.holder !== 0;
  }

  /** Waits until the current task has the lock; of a {@linkcode SharedLock}, until its thread has it. */
  acquire(): Operation<SharedGuard> {
    const begin = currentScope() === null ? this.#beginOutside : this.#beginInTask;
    return operation(this.#label, begin, this.#options);
  }

  /**
   * Blocks until the calling code has the lock, at most `ms` milliseconds. For the plain code of a worker.
   *
   * @throws {TimeoutError} If it takes longer.
   * @throws {DeadlockError} If this thread has it already, whichever of its tasks took it; of a
   *   {@linkcode SharedRLock}, if another of its tasks did.
   * @throws {AbandonedError} If the thread that has it dies.
   * @throws {ClosedError} If this worker is told to end meanwhile.
   * @throws {Error} On the main thread, and in a task if it would have to wait.
   */
  acquireSync(ms?: number): SharedGuard {
    refuseMainThread(this, "acquireSync");
    if (ms !== undefined) checkMs(ms, "a timeout");
    const task = currentTaskOrNone();
    if (this.#take(task)) return this.#guard;
    if (this.#mutex.isMine) throw this.#selfWait(this.#current()?.task ?? null, true);
    return this.#mutex.gate.block(this.#entry(task, "acquireSync"), ms);
  }

  /**
   * Takes the lock without waiting.
   *
   * @throws {WouldBlock} If some thread has it; of a {@linkcode SharedRLock}, another thread or task.
   * @throws {AbandonedError} If that thread has died.
   */
  tryAcquire(): SharedGuard {
    if (this.#take(currentTaskOrNone())) return this.#guard;
    this.#mutex.checkHolder(`acquire ${this}`);
    const { holderName: name = "another" } = this.#mutex;
    throw new WouldBlock(`Cannot acquire ${this}: ${heldBy({ name })}`);
  }

  /**
   * Gives the lock back; a {@linkcode SharedRLock} when that was done as often as it was taken. Never waits.
   *
   * @throws {Error} If this thread does not hold it; of a {@linkcode SharedRLock}, if the current task does not.
   */
  release(): void {
    if (this.#give(this.#counts ? currentTaskOrNone() : null)) return;
    const { isMine, holderName } = this.#mutex;
    const holder = holderName === undefined ? "nobody holds it" : `"${holderName}" holds it`;
    const why = isMine ? "another task of it holds it" : holder;
    throw new Error(`Cannot release ${this} in ${this.#region.thread.name}: ${why}`);
  }

  /**
   * Frees the lock of a holder that has died: for a thread that knows that what it guards is sound, or has
   * mended it. Returns whether that was so; the lock of a living holder stays as it is.
   */
  recover(): boolean {
    return this.#mutex.recover();
  }

  /** A frozen record of holder and waiters. */
  statistics(): SharedLockStatistics {
    const { holderName, gate } = this.#mutex;
    return Object.freeze({ holder: holderName, waiting: gate.waiting });
  }

  #begin(wait: Wait<SharedGuard>, task: Task | null): void {
    if (this.#take(task)) return wait.settle(this.#guard);
    const entry = this.#entry(task, "acquire");
    entry.check();
    this.#mutex.gate.park(entry, wait);
  }

  #take(task: Task | null): boolean {
    if (this.#mutex.tryTake()) {
      this.#taken(task);
      return true;
    }
    if (!this.#counts || !this.#isOf(task)) return false;
    this.#words[this.#holdAt + 1]!++;
    return true;
  }

  #taken(task: Task | null): void {
    this.#words[this.#holdAt] = task === null ? 0 : this.#hold.begin(task);
    if (this.#counts) this.#words[this.#holdAt + 1] = 1;
  }

  /** This thread's hold on it, if it has one. */
  #current(): LocalHold | null {
    return this.#mutex.isMine ? LocalHold.find(this.#words[this.#holdAt]!) : null;
  }

  #isOf(task: Task | null): boolean {
    if (!this.#mutex.isMine) return false;
    const number = this.#words[this.#holdAt]!;
    return task === null ? number === 0 : LocalHold.find(number)?.task === task;
  }

  /** Gives back what `task` took; `false` if it does not have it. */
  #give(task: Task | null): boolean {
    return this.#counts ? this.#countDown(task) : this.#giveBack();
  }

  /** Returns `false` if this thread does not have it. */
  #giveBack(): boolean {
    const number = this.#words[this.#holdAt]!; // a thread that takes it next writes another
    if (!this.#mutex.give()) return false;
    if (number === 0) return true;
    const hold = this.#hold;
    if (hold.task !== null && hold.number === number) hold.end();
    else LocalHold.find(number)?.end(); // it was taken through another view
    return true;
  }

  /** Gives it back when it has been called as often as it was taken. */
  #countDown(task: Task | null): boolean {
    if (!this.#isOf(task)) return false;
    if (--this.#words[this.#holdAt + 1]! > 0) return true;
    return this.#giveBack();
  }

  /** For a wait that could not take it at once; meanwhile, its own task may get it by another wait. */
  #entry(task: Task | null, verb: string): Required<GateEntry<SharedGuard>> {
    const entry = this.#mutex.entry(`${this}.${verb}()`, () => {
      this.#taken(task);
      return this.#guard;
    });
    return {
      ...entry,
      attempt: () => {
        const got = entry.attempt();
        return got === NOT_YET && this.#take(task) ? this.#guard : got;
      },
      check: () => {
        if (task !== null && this.#isOf(task)) throw this.#selfWait(task, false);
        entry.check();
      },
    };
  }

  /** The error for code that would wait for its own task, or block the thread of the task that has it. */
  #selfWait(task: Task | null, isBlocking: boolean): DeadlockError {
    const name = task === null ? "this thread" : printable(task.name);
    const text = isBlocking && task !== null && task !== currentTaskOrNone()
      ? `Cannot block in ${this}.acquireSync(): ${name}, a task of this thread, holds it and would stand still`
      : `Cannot take ${this} twice: ${name} holds it already; a SharedRLock can be taken again`;
    return new DeadlockError(text, [[name]]);
  }
}

/**
 * A mutual exclusion lock between threads: pass it to a job, and it is the same lock there.
 *
 * - `acquire()` is an operation and never blocks a thread; `acquireSync()` blocks, in a worker's plain
 *   code, where nothing else could run anyway; `tryAcquire()` never waits.
 * - While several wait, a thread that comes by when it is free may get it first, but nobody is passed over
 *   for more than about 10 ms.
 * - A cancelled `acquire` does not hold it.
 * - When the thread that holds it dies, all who want it get an {@linkcode AbandonedError}, within about
 *   a tenth of a second, until somebody calls {@linkcode SharedLock.recover}. Threads that weft started are
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
export class SharedLock extends BaseLock {
  /** Makes a free lock; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    super("SharedLock", "refuse", handle);
  }

  /** The lock behind a handle. */
  static from(handle: SharedHandle): SharedLock {
    return new SharedLock(handle);
  }

  /** Whether this thread has it. */
  get isMine(): boolean {
    return inside(this).isMine;
  }

  /**
   * Makes sure that nobody died holding it. Never waits.
   *
   * @throws {AbandonedError} If somebody did.
   */
  check(): void {
    inside(this).checkHolder(`acquire ${this}`);
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
export class SharedRLock extends BaseLock {
  /** Makes a free lock; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    super("SharedRLock", "count", handle);
  }

  /** The lock behind a handle. */
  static from(handle: SharedHandle): SharedRLock {
    return new SharedRLock(handle);
  }
}

registerShared("SharedLock", SharedLock.from);
registerShared("SharedRLock", SharedRLock.from);

/**
 * The inside of both locks between threads.
 *
 * The holder is a thread: that is what can die, with what the lock guards half done. Beside it stands a note
 * of which task of the thread took the lock, and how often. Any code of the thread can give a plain lock back;
 * a re-entrant one counts, which makes sense for one task only, so it is that task's alone.
 */
import { checkMs } from "../../kernel/checks.ts";
import { currentScope } from "../../kernel/context.ts";
import { DeadlockError, WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { printable } from "../../kernel/printable.ts";
import type { Wait } from "../../kernel/wait.ts";
import { type GateEntry, type GateKeeper, NOT_YET } from "./gate.ts";
import { LocalHold } from "./local_hold.ts";
import { MUTEX_WORDS, SharedMutex } from "./mutex.ts";
import type { SharedHandle } from "./pack.ts";
import { type Region, regionFor } from "./region.ts";
import { refuseMainThread } from "./waiting.ts";
import type { Task } from "../../kernel/task.ts";

/** How many words a lock takes. */
export const LOCK_WORDS: number = MUTEX_WORDS + 2;

/** The number of the holder's note, and then how often it took the lock. Only the holder writes them. */
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

/** What a task that takes its lock again gets: an error, or another turn on its count. */
type Again = "refuse" | "count";

/** The task whose code is running; `null` outside of tasks. */
function currentTaskOrNone(): Task | null {
  return currentScope()?.task ?? null;
}

/** One thread's view of a lock. */
export class LockCore implements GateKeeper {
  /** Its memory. */
  readonly region: Region;
  /** The lock of the thread. */
  readonly mutex: SharedMutex;
  /** Whether any code of the thread may give it back. */
  readonly anyReleases: boolean;
  readonly #words: Int32Array;
  readonly #holdAt: number;
  readonly #label: string;
  readonly #hold: LocalHold;
  readonly #guard: SharedGuard = { [Symbol.dispose]: () => this.release() };
  readonly #options = { undo: (_: SharedGuard, task: Task): void => this.#undo(task) };
  readonly #beginInTask = (wait: Wait<SharedGuard>): void => this.#begin(wait, wait.task);
  readonly #beginOutside = (wait: Wait<SharedGuard>): void => this.#begin(wait, null);

  /** A new lock of a kind; with a handle, another view of the one behind it. */
  constructor(kind: string, again: Again, handle: SharedHandle | undefined) {
    const region = this.region = regionFor(kind, handle, 4 * LOCK_WORDS);
    this.#words = region.words;
    this.#holdAt = region.at + HOLD;
    this.anyReleases = again === "refuse";
    this.#label = `${region.name}.acquire()`;
    this.#hold = new LocalHold(region.name);
    this.mutex = new SharedMutex(region, region.at, this);
  }

  /** This thread's hold on it, if it has one. */
  get hold(): LocalHold | null {
    return this.mutex.isMine ? LocalHold.find(this.#words[this.#holdAt]!) : null;
  }

  /** Waits for it. */
  acquire(): Operation<SharedGuard> {
    const begin = currentScope() === null ? this.#beginOutside : this.#beginInTask;
    return operation(this.#label, begin, this.#options);
  }

  /** Blocks until the calling code has it. */
  acquireSync(ms: number | undefined): SharedGuard {
    refuseMainThread(this, "acquireSync");
    if (ms !== undefined) checkMs(ms, "a timeout");
    const task = currentTaskOrNone();
    if (this.#take(task)) return this.#guard;
    if (this.mutex.isMine) throw this.#selfWait(this.hold?.task ?? null, true);
    return this.mutex.gate.block(this.#entry(task, "acquireSync"), ms);
  }

  /** Takes it, or throws. */
  tryAcquire(): SharedGuard {
    if (this.#take(currentTaskOrNone())) return this.#guard;
    this.check();
    throw new WouldBlock(`Cannot acquire ${this}: held by ${this.mutex.holderName ?? "another"}`);
  }

  /** Gives it back once. */
  release(): void {
    if (this.anyReleases ? this.#giveBack() : this.#countDown(currentTaskOrNone())) return;
    const why = this.mutex.isMine
      ? "another task of it holds it"
      : holderText(this.mutex.holderName);
    throw new Error(`Cannot release ${this} in ${this.region.thread.name}: ${why}`);
  }

  /** Makes sure that its holder lives. */
  check(): void {
    this.mutex.checkHolder(`acquire ${this}`);
  }

  /** A frozen record. */
  statistics(): SharedLockStatistics {
    const { holderName, gate } = this.mutex;
    return Object.freeze({ holder: holderName, waiting: gate.waiting });
  }

  /** Its name. */
  toString(): string {
    return this.region.name;
  }

  #begin(wait: Wait<SharedGuard>, task: Task | null): void {
    if (this.#take(task)) return wait.settle(this.#guard);
    const entry = this.#entry(task, "acquire");
    entry.check();
    this.mutex.gate.park(entry, wait);
  }

  #take(task: Task | null): boolean {
    if (this.mutex.tryTake()) {
      this.#taken(task);
      return true;
    }
    if (this.anyReleases || !this.#isOf(task)) return false;
    this.#words[this.#holdAt + 1]!++;
    return true;
  }

  #taken(task: Task | null): void {
    this.#words[this.#holdAt] = this.#hold.begin(task);
    if (!this.anyReleases) this.#words[this.#holdAt + 1] = 1;
  }

  #isOf(task: Task | null): boolean {
    const { hold } = this;
    return hold !== null && hold.task === task;
  }

  #undo(task: Task): void {
    if (this.anyReleases) this.#giveBack();
    else this.#countDown(task);
  }

  /** Returns `false` if this thread does not have it. */
  #giveBack(): boolean {
    const number = this.#words[this.#holdAt]!; // a thread that takes it next writes another
    if (!this.mutex.give()) return false;
    const hold = this.#hold;
    if (hold.task !== undefined && hold.number === number) hold.end();
    else LocalHold.find(number)?.end(); // it was taken through another view
    return true;
  }

  /** Gives it back when it has been called as often as it was taken; `false` if `task` does not have it. */
  #countDown(task: Task | null): boolean {
    const { hold } = this;
    if (hold === null || hold.task !== task) return false;
    if (--this.#words[this.#holdAt + 1]! > 0) return true;
    hold.end();
    return this.mutex.give();
  }

  /** One who could not take it at once; meanwhile, its own task may get it by another wait. */
  #entry(task: Task | null, verb: string): GateEntry<SharedGuard> {
    const entry = this.mutex.entry(`${this}.${verb}()`, () => {
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

  /** The error for code that would wait for his own task, or block the thread of the task that has it. */
  #selfWait(task: Task | null, isBlocking: boolean): DeadlockError {
    const name = task === null ? "this thread" : printable(task.name);
    const text = isBlocking && task !== null && task !== currentTaskOrNone()
      ? `Cannot block in ${this}.acquireSync(): ${name}, a task of this thread, holds it and would stand still`
      : `Cannot take ${this} twice: ${name} holds it already; a SharedRLock can be taken again`;
    return new DeadlockError(text, [[name]]);
  }
}

/** Who has a lock, in words. */
function holderText(name: string | undefined): string {
  return name === undefined ? "nobody holds it" : `"${name}" holds it`;
}

/**
 * Which task of this thread has a shared lock, and which runs of this thread can only wait for it.
 *
 * Shared memory knows the thread that holds a lock, and no more. For its own tasks a thread knows more, and
 * so finds circles among them: it notes the task that took a lock. The lock's memory keeps the number of the
 * note, written by the holder alone, so that several views of one lock, as the jobs of a worker have them,
 * reach the same note. Rejected: a map from tasks to numbers, which costs a look-up each time a lock is
 * taken; and a note in the view, which the other views do not see.
 *
 * A wait in shared memory may be ended by another thread, so it counts as the host's; but not while a task
 * of the same run has the lock: then the run waits for itself, and is deadlocked when nothing else goes on.
 */
import type { Holding } from "../../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../../kernel/scheduler.ts";
import type { Task } from "../../kernel/task.ts";

/**
 * The holds of this thread, by number. One that has ended keeps its number until others need it. The number 0
 * stands for code outside of tasks, of which there is nothing to note.
 */
const holds: (LocalHold | null)[] = [null];
let freeNumbers: number[] = [];
/** Numbers are taken from those that do not use them when there are so many. */
let most = 1024;

/** A number for a hold that has none, or has lost it. */
function numberFor(hold: LocalHold): number {
  if (freeNumbers.length === 0 && holds.length >= most) {
    freeNumbers = [...holds.keys()].filter((number) => holds[number]?.task === null);
    most = Math.max(most, 2 * (holds.length - freeNumbers.length));
  }
  let number = freeNumbers.pop();
  // One that was free may be in use again by the hold that had it.
  while (number !== undefined && holds[number]!.task !== null) number = freeNumbers.pop();
  number ??= holds.length;
  holds[number] = hold;
  return number;
}

/** This thread's hold on a lock, taken through one view; each view has one, and uses it again and again. */
export class LocalHold implements Holding {
  /** Link in its holder's list. */
  heldBefore: Holding | null = null;
  /** Link in its holder's list. */
  heldAfter: Holding | null = null;
  /** The task that has it; `null` if none has. */
  task: Task | null = null;
  /** Its number, as long as it is held. */
  number = 0;
  readonly #name: string;
  /** Its task has ended. */
  #isOrphan = false;
  #waiters: Set<WaitingRun> | null = null;

  /** A hold that nobody has. */
  constructor(name: string) {
    this.#name = name;
  }

  /** The hold with a number; `null` if it has ended. */
  static find(number: number): LocalHold | null {
    const hold = holds[number];
    return hold === undefined || hold === null || hold.task === null ? null : hold;
  }

  /** Notes who has taken the lock. Returns the number, to be kept in the lock's memory. */
  begin(task: Task): number {
    // It has ended before, unless something else has written into the lock's memory.
    if (this.task !== null) this.end();
    if (holds[this.number] !== this) this.number = numberFor(this);
    this.task = task;
    task.take(this);
    return this.number;
  }

  /** Its lock is given back, through whichever view. */
  end(): void {
    const { task } = this;
    this.task = null;
    if (this.#isOrphan) this.#isOrphan = false;
    else task?.drop(this);
    if (this.#waiters !== null) this.#release(this.#waiters);
  }

  /** Its task has ended. Its lock is the thread's as before: any task may give that back. */
  abandoned(): void {
    this.#isOrphan = true;
  }

  /** As in `SharedLock#1`. */
  toString(): string {
    return this.#name;
  }

  /** A run waits for this hold to end. */
  addWaiter(run: WaitingRun): void {
    (this.#waiters ??= new Set()).add(run);
  }

  /** It does no more. */
  dropWaiter(run: WaitingRun): void {
    this.#waiters?.delete(run);
  }

  #release(waiters: Set<WaitingRun>): void {
    this.#waiters = null;
    for (const run of waiters) run.released();
  }
}

/** The tasks of one run that wait for one lock, and whether anything outside of the run can end that. */
export class WaitingRun {
  /** The run. */
  readonly scheduler: Scheduler;
  #count = 0;
  /** The hold that must end first, if it is one of this very run. */
  #hold: LocalHold | null = null;

  /** No task of this run waits yet. */
  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /** One more waits. */
  enter(): void {
    if (++this.#count === 1) this.scheduler.expect(1);
  }

  /** One has ended its wait. Returns whether that was the last one. */
  leave(): boolean {
    if (--this.#count > 0) return false;
    if (this.#hold === null) {
      this.scheduler.expect(-1);
    } else {
      this.#hold.dropWaiter(this);
      this.#hold = null;
    }
    return true;
  }

  /**
   * The lock could not be had: `hold` is this thread's, if it is in this thread. `isCircle` says that its
   * task waits for this run in turn.
   */
  refused(hold: LocalHold | null, isCircle: boolean): void {
    if (hold === this.#hold) return;
    const task = hold === null ? null : hold.task;
    const isOwn = task !== null && (isCircle || schedulerOf(task) === this.scheduler);
    if (!isOwn || this.#hold !== null) return;
    hold!.addWaiter(this);
    this.#hold = hold;
    this.scheduler.expect(-1);
  }

  /** The hold has ended: somebody gets the lock, when the host says so. */
  released(): void {
    this.#hold = null;
    this.scheduler.expect(1);
  }
}

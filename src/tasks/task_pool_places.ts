/**
 * The places of a task pool: so many, and a task that wants one waits in line for it. Beside them, the
 * failures of its tasks that nobody has observed yet.
 *
 * A place given back goes straight to the longest waiter and is never free in between; so `taken` is
 * zero only when nobody works and nobody waits, which is what `TaskPool.join` asks. A semaphore of
 * `src/sync` would count the same, but that layer is not below this one, and could not say that all
 * places are back.
 *
 * A pool cannot be its tasks' keeper, as a group is: it may never be joined, and then their failures
 * are the run's to throw. So it only remembers them. Those that were seen meanwhile are dropped each time
 * the list has doubled; a server that runs for months keeps no list of its old errors.
 */
import { ClosedError } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";

/** Whom places are for. */
export interface PlacesOwner {
  /** Those who have a place. */
  readonly tasks: Iterable<Task>;
  /** As in `TaskPool#1`. */
  toString(): string;
}

/** A fixed number of places. */
export class Places implements QueueOwner {
  /** How many there are. */
  readonly size: number;
  readonly #owner: PlacesOwner;
  readonly #line: WaitQueue<void>;
  readonly #joins: WaitQueue<void>;
  #taken = 0;
  #closed = false;

  /** Makes `size` free places. */
  constructor(size: number, owner: PlacesOwner) {
    this.size = size;
    this.#owner = owner;
    this.#line = new WaitQueue<void>(this, "spawn");
    this.#joins = new WaitQueue<void>({
      get holder() {
        return firstOf(owner.tasks);
      },
      toString: () => String(owner),
    }, "join");
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** How many wait in line for one. */
  get waiting(): number {
    return this.#line.size;
  }

  /** One who has a place. */
  get holder(): Task | undefined {
    return firstOf(this.#owner.tasks);
  }

  /** Whether others, too, may let the waiters go on. */
  get isShared(): boolean {
    return this.size > 1;
  }

  /** Names the wait for a place. */
  get label(): { toString(): string } {
    return this.#line;
  }

  /** Waits until a place is the caller's. */
  take(): Operation<void> {
    return operation(this.#line, (wait: Wait<void>) => {
      if (this.tryTake()) wait.settle();
      else this.#line.park(wait);
    }, { undo: () => this.give() });
  }

  /** Takes a place if one is free. */
  tryTake(): boolean {
    if (this.#closed) throw this.#refusal();
    if (this.#taken === this.size) return false;
    this.#taken++;
    return true;
  }

  /** Gives a place to the longest waiter, or back. */
  give(): void {
    if (this.#line.wake()) return;
    if (--this.#taken === 0) this.#joins.wakeAll();
  }

  /** Waits until every place is back and nobody waits for one; a checkpoint also when that is so now. */
  allBack(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.#taken === 0) wait.settle();
      else this.#joins.park(wait);
    });
  }

  /** Gives out no place any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#line.failAll(this.#refusal());
  }

  /** Names whose places they are. */
  toString(): string {
    return String(this.#owner);
  }

  #refusal(): ClosedError {
    return new ClosedError(`Cannot spawn into ${this}: it has been disposed of`);
  }
}

function firstOf(tasks: Iterable<Task>): Task | undefined {
  for (const task of tasks) return task;
  return undefined;
}

/** The shortest list worth looking through. */
const SHORT = 16;

/** Ended tasks that failed, and that somebody may yet observe. */
export class UnseenFailures {
  #tasks: Task[] = [];
  #limit = SHORT;

  /** Takes note of a task that has ended, if it failed and nobody has seen it. */
  note(task: Task): void {
    if (!task.failed || task.isObserved) return;
    this.#tasks.push(task);
    if (this.#tasks.length < this.#limit) return;
    this.#tasks = this.#tasks.filter((one) => !one.isObserved);
    this.#limit = Math.max(SHORT, 2 * this.#tasks.length);
  }

  /** Observes what is left, and gives out its errors. */
  take(): unknown[] {
    const unseen = this.#tasks.filter((task) => !task.isObserved);
    this.#tasks = [];
    this.#limit = SHORT;
    return unseen.map((task) => task.error);
  }
}

/**
 * The tasks of a pool: so many have a place, and one that wants a place waits in line for it. Beside them,
 * the failures of its tasks that nobody has observed yet.
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
import { Entered } from "../kernel/scope.ts";
import { ClosedError, combine, DeadlockError } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";
import { cancelAll } from "./join.ts";
import { begun, type EitherGenerator } from "./perform.ts";
import { currentTask } from "./run.ts";

/** What a task pool is doing. */
export interface TaskPoolStatistics {
  /** How many tasks may run at a time. */
  readonly size: number;
  /** How many run. */
  readonly running: number;
  /** How many places are free. */
  readonly free: number;
  /** How many wait for a place: callers of `spawn`, submitted tasks, maps. */
  readonly waiting: number;
}

/** A fixed number of places, the tasks that have one, and those that wait for one. */
export class Places implements QueueOwner {
  readonly size: number;
  /** Tasks that have a place. */
  readonly running: Set<Task> = new Set();
  /** Submitted tasks that wait for one. */
  readonly inLine: Set<Task> = new Set();
  /** Tasks that draw the items of an `imap`; they need no place. */
  readonly drawers: Set<Task> = new Set();
  readonly #unseen = new UnseenFailures();
  readonly #name: string;
  readonly #line: WaitQueue<void>;
  readonly #joins: WaitQueue<void>;
  #taken = 0;
  /** A pool that was shut down takes in nothing; one that was disposed of gives out no place either. */
  #phase: "open" | "shut down" | "disposed of" = "open";

  /** Makes `size` free places of the pool of this name. */
  constructor(size: number, name: string) {
    this.size = size;
    this.#name = name;
    this.#line = new WaitQueue<void>(this, "spawn");
    const { running } = this;
    this.#joins = new WaitQueue<void>({
      get holder() {
        return firstOf(running);
      },
      toString: () => name,
    }, "join");
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** A task that has a place. */
  get holder(): Task | undefined {
    return firstOf(this.running);
  }

  /** Whether others, too, may let the waiters go on. */
  get isShared(): boolean {
    return this.size > 1;
  }

  /** Names the wait for a place. */
  get label(): { toString(): string } {
    return this.#line;
  }

  // -- Places --

  /** Waits until a place is the caller's. */
  take(): Operation<void> {
    return operation(this.#line, (wait: Wait<void>) => {
      if (this.tryTake()) wait.settle();
      else this.#line.park(wait);
    }, { undo: () => this.give() });
  }

  /** Takes a place if one is free. */
  tryTake(): boolean {
    if (this.#phase === "disposed of") throw this.#refusal();
    if (this.#taken === this.size) return false;
    this.#taken++;
    return true;
  }

  /** Gives a place to the longest waiter, or back. */
  give(): void {
    if (this.#line.wake()) return;
    if (--this.#taken === 0) this.#joins.wakeAll();
  }

  /** A checkpoint also when every place is back now. */
  #allBack(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.#taken === 0) wait.settle();
      else this.#joins.park(wait);
    });
  }

  // -- Tasks --

  /** Starts a task in a place that has been taken. */
  start<T>(body: { name: string }, generator: EitherGenerator<T>, spawner: Task): Task<T> {
    const task = schedulerOf(spawner).spawn<T>(body, generator, spawner);
    this.admit(task);
    return task;
  }

  /** Starts a task that waits for its place itself, before its body begins. */
  startInLine<T>(body: { name: string }, generator: EitherGenerator<T>, spawner: Task): Task<T> {
    const task = schedulerOf(spawner).spawn<T>(body, this.#waitInLine(generator), spawner);
    this.inLine.add(task);
    task.watch(this.#left);
    return task;
  }

  /** Takes note of a task that has a place. */
  admit(task: Task): void {
    this.running.add(task);
    task.watch(this.#left);
  }

  /** Takes note of a task that draws items. */
  admitDrawer(task: Task): void {
    this.drawers.add(task);
    task.watch(() => this.drawers.delete(task));
  }

  *#waitInLine<T>(generator: EitherGenerator<T>): Generator<unknown, T, never> {
    yield* this.take() as Operation<void> & Iterable<unknown, void, never>;
    const task = currentTask();
    this.inLine.delete(task);
    this.running.add(task);
    return yield* begun(generator) as Iterable<unknown, T, never>;
  }

  /** A task has ended. */
  readonly #left = (task: Task): void => {
    this.#unseen.note(task);
    if (this.running.delete(task)) this.give();
    else this.inLine.delete(task);
  };

  // -- The end --

  /** Throws if nothing new is taken in any more. */
  checkOpen(): void {
    if (this.#phase !== "open") throw this.#refusal();
  }

  /** Takes in nothing new; those that wait in line still get their places. */
  shutDown(): void {
    if (this.#phase === "open") this.#phase = "shut down";
  }

  /** Gives out no place any more. */
  dispose(): void {
    if (this.#phase === "disposed of") return;
    this.#phase = "disposed of";
    this.#line.failAll(this.#refusal());
  }

  /** Waits until nobody works and nobody waits, then throws what nobody has seen. */
  *join(): Generator<unknown, void, unknown> {
    const task = currentTask();
    if (this.running.has(task)) {
      throw new DeadlockError(
        `Cannot join ${this} in "${task}", a task of it: it would never end`,
        [[task.name]],
      );
    }
    yield* this.#allBack();
    const errors = this.#unseen.take();
    if (errors.length > 0) throw combine(errors, this.#name);
  }

  /** Waits until a pool that was disposed of is empty, also when the waiter is cancelled. */
  *emptied(): Generator<unknown, void, unknown> {
    using _shield = new Entered({ shielded: true });
    const drawers = cancelAll(this.drawers);
    yield* this.#allBack();
    yield* drawers;
  }

  /** A frozen record of places and waiters. */
  statistics(): TaskPoolStatistics {
    return Object.freeze({
      size: this.size,
      running: this.running.size,
      free: this.size - this.#taken,
      waiting: this.#line.size,
    });
  }

  /** Names the pool. */
  toString(): string {
    return this.#name;
  }

  #refusal(): ClosedError {
    const why = this.#phase === "shut down" ? "was shut down" : "has been disposed of";
    return new ClosedError(`Cannot spawn into ${this}: it ${why}`);
  }
}

function firstOf(tasks: Iterable<Task>): Task | undefined {
  for (const task of tasks) return task;
  return undefined;
}

/** The shortest list worth looking through. */
const SHORT = 16;

/** Ended tasks that failed, and that somebody may yet observe. */
class UnseenFailures {
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

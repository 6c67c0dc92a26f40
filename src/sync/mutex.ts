/**
 * The mutual exclusion under {@linkcode Lock}, {@linkcode RLock} and {@linkcode Condition}.
 *
 * Release hands it straight to the longest waiter. A free-for-all on release would let the releasing
 * task win again and again, since it is the one that runs. The holder is a task: so a report can say
 * who waits for whom, giving back what somebody else holds is an error, and when the holder dies, all
 * who would wait for ever are told.
 *
 * One class with a count, and not one for each kind of lock: a condition must be able to give back a
 * lock taken three times at once, and take it again three times. Guard and beginning are made once, and so
 * is the operation as long as nobody has to wait.
 */
import { printable } from "../kernel/printable.ts";
import { currentScope } from "../kernel/context.ts";
import { reportCycle } from "../kernel/deadlock.ts";
import { AbandonedError, DeadlockError, WouldBlock } from "../kernel/errors.ts";
import type { Holder, Holding } from "../kernel/resource.ts";
import { inOneShape, NOT_NOW, type Operation, Repeated } from "../kernel/operation.ts";
import { heldBy } from "../kernel/report.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";
import type { Task } from "../kernel/task.ts";

/** What a holder who takes it again gets: another turn on its count, or an error. */
export type Again = "count" | "refuse";

/** Something that one task at a time has. */
export class Mutex implements QueueOwner, Holding {
  /** Link in its holder's list. */
  heldBefore: Holding | null = null;
  /** Link in its holder's list. */
  heldAfter: Holding | null = null;
  holder: Task | undefined = undefined;
  /** How often its holder has taken it. */
  depth = 0;
  readonly waiters: WaitQueue<Disposable>;
  /** Those who wait for a notice that only its holder may give. */
  readonly bystanders: Set<WaitQueue> = new Set();
  readonly #name: string;
  readonly #again: Again;
  readonly #guard: Disposable;
  readonly #acquiring: Repeated<Disposable>;
  #dead: Holder | null = null;

  constructor(name: string, again: Again) {
    this.#name = name;
    this.#again = again;
    this.waiters = new WaitQueue<Disposable>(this, "acquire");
    this.#guard = { [Symbol.dispose]: () => this.#dispose() };
    const options = inOneShape<Disposable>({
      undo: (_: Disposable, task: Task): void => this.#giveBack(task),
      now: (task: Task): Disposable | typeof NOT_NOW => {
        if (this.holder === undefined && this.#dead === null) this.#give(task);
        else if (this.holder === task && this.#again === "count") this.depth++;
        else return NOT_NOW;
        return this.#guard;
      },
    });
    this.#acquiring = new Repeated(this.waiters, (wait) => this.#start(wait), options);
  }

  /**
   * Waits until it is the current task's. Outside of tasks nobody could hold it: the run that plain code
   * gets for a wait would end with the wait, and the lock would be dead.
   */
  acquire(): Operation<Disposable> {
    const scope = currentScope();
    if (scope === null) throw outside("acquire", this);
    return this.#acquiring.make(scope);
  }

  /** Takes it for the current task, or throws. */
  tryAcquire(): Disposable {
    const task = current("acquire", this);
    if (this.#dead !== null) throw this.#abandonedError(this.#dead);
    if (this.holder === undefined) {
      this.#give(task);
    } else if (this.holder === task) {
      this.#takeAgain(task);
    } else {
      throw new WouldBlock(`Cannot acquire ${this.#name}: ${heldBy(this.holder)}`);
    }
    return this.#guard;
  }

  /** Takes one off the holder's count, and passes it on when that was the last. */
  release(): void {
    const task = current("release", this);
    this.mustHold(task, "release");
    this.#giveBack(task);
  }

  /** Gives it back altogether. Returns how often it was taken. */
  surrender(task: Task): number {
    const { depth } = this;
    this.#pass(task);
    return depth;
  }

  /** Takes it as often as before; for `yield*`. */
  *retake(depth: number): Generator<unknown, void, unknown> {
    yield* this.acquire() as Iterable<unknown, Disposable, unknown>;
    this.depth = depth;
  }

  /** Throws unless `task` has it. */
  mustHold(task: Task, verb: string, what: unknown = this): void {
    if (this.holder === task) return;
    throw new Error(
      `Cannot ${verb} ${what} in ${printable(task.name)}: ${
        printable(this.holder?.name ?? "nobody")
      } holds ` +
        (what === this ? "it" : this.#name),
    );
  }

  /** Makes it free again after its holder has died. */
  reset(): void {
    if (this.holder !== undefined) {
      throw new Error(`Cannot reset ${this.#name}: ${printable(this.holder.name)} holds it`);
    }
    this.#dead = null;
  }

  /** Its holder has ended without a release: every waiter, and every task that comes later, is told so. */
  abandoned(by: Holder): void {
    this.holder = undefined;
    this.depth = 0;
    this.#dead = by;
    const error = this.#abandonedError(by);
    this.waiters.failAll(error);
    for (const queue of this.bystanders) queue.failAll(error);
  }

  toString(): string {
    return this.#name;
  }

  #start(wait: Wait<Disposable>): void {
    const { task } = wait;
    if (this.holder === undefined) {
      if (this.#dead !== null) throw this.#abandonedError(this.#dead);
      this.#give(task);
      wait.settle(this.#guard);
    } else if (this.holder === task) {
      this.#takeAgain(task);
      wait.settle(this.#guard);
    } else {
      reportCycle(wait, this.holder, this.waiters);
      this.waiters.park(wait);
    }
  }

  #give(task: Task): void {
    this.holder = task;
    this.depth = 1;
    task.take(this);
  }

  #pass(task: Task): void {
    task.drop(this);
    this.holder = undefined;
    this.depth = 0;
    const next = this.waiters.shift();
    if (next === null) return;
    // Releaser and waiter: it is the waiter's before its turn, so that no task that asks meanwhile slips in.
    this.#give(next.task);
    next.settle(this.#guard);
  }

  /** Takes one off the count of its holder. */
  #giveBack(task: Task): void {
    if (this.holder === task && --this.depth === 0) this.#pass(task);
  }

  #takeAgain(task: Task): void {
    if (this.#again === "count") {
      this.depth++;
      return;
    }
    throw new DeadlockError(
      `Cannot acquire ${this.#name} twice: ${
        printable(task.name)
      } holds it already; an RLock can be taken again`,
      [[task.name]],
    );
  }

  /** The end of a `using` block. Of a lock that died under it there is nothing to give back. */
  #dispose(): void {
    if (this.#dead === null) this.release();
  }

  #abandonedError(holder: Holder): AbandonedError {
    return new AbandonedError(`acquire ${this.#name}`, holder.name);
  }
}

/** The task whose code is running, which wants to `verb` something. */
export function current(verb: string, what: unknown): Task {
  const scope = currentScope();
  if (scope === null) throw outside(verb, what);
  return scope.task;
}

function outside(verb: string, what: unknown): Error {
  return new Error(`Cannot ${verb} ${what} here: no task is running`);
}

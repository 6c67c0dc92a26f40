/**
 * The children that one operation spawned, and will not leave behind.
 *
 * Under `group`, `all` and `race` lies the same promise: when the operation ends, in whatever way,
 * every child of it has ended, clean-up included. The operation waits for its children; a cancel that
 * reaches it is passed on to them, and the wait goes on under a shield until the last one has ended.
 */
import { type CancelScope, currentFrame, type Dependent, Entered } from "../kernel/scope.ts";
import { RunFinishedError } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { functionName, printable } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import { attach, detach, type Keeper, rareOf } from "../kernel/task_end.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskName } from "../kernel/generators.ts";
import type { Timer } from "../kernel/clock.ts";
import type { EitherGenerator } from "./perform.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/** Why a child is cancelled. */
interface CancelOrder {
  readonly reason: string;
  readonly cause: unknown;
}

/** Children to be cancelled: one after another, since each may pass it on to thousands below it. */
const toCancel: (readonly [Task, CancelOrder])[] = [];
let isCancelling = false;

/** Cancels a child, after those that are being cancelled already. */
function cancelInTurn(child: Task, end: CancelOrder): void {
  toCancel.push([child, end]);
  if (isCancelling) return;
  isCancelling = true;
  try {
    for (const [task, { reason, cause }] of toCancel) task.abort("group", reason, cause);
  } finally {
    toCancel.length = 0;
    isCancelling = false;
  }
}

/** How the children of one operation are to be. */
interface ChildTasksOptions {
  /** How many milliseconds its children get to finish when the operation is cancelled. @default {0} */
  grace?: number;
  /** Whether one child's end may cancel the others. @default {false} */
  isFickle?: boolean;
}

/** The children of one operation, and what has become of them. */
export class ChildTasks implements Keeper, Dependent {
  /** What the children failed with, in the order of their ends; their own cancels are no failures. */
  readonly errors: unknown[] = [];
  /** Where the operation runs: a cancel that reaches it goes to the children at the same time. */
  readonly scope: CancelScope;
  /** Whether one child's end may cancel the others. */
  readonly isFickle: boolean;
  readonly #grace: number;
  readonly #name: string;
  readonly #parent: Task;
  readonly #onExit: (child: Task) => void;
  readonly #alive = new Set<Task>();
  readonly #empty: WaitQueue<void>;
  #state: "open" | "winding" | "closed" = "open";
  /** Why every child is cancelled, those that are still to come too. */
  #end: CancelOrder | null = null;
  #deadline: Timer | null = null;

  /**
   * Children of `parent`, the task whose sequence calls.
   *
   * @param name Names the operation in reports.
   * @param parent The task that the operation runs in.
   * @param onExit Called when a child has ended.
   * @param options What a cancel means for the children.
   */
  constructor(
    name: string,
    parent: Task,
    onExit: (child: Task) => void,
    options: ChildTasksOptions = {},
  ) {
    this.isFickle = options.isFickle === true;
    this.#grace = options.grace ?? 0;
    this.#name = name;
    this.#parent = parent;
    this.#onExit = onExit;
    this.#empty = new WaitQueue<void>(this, "children");
    this.scope = currentFrame().scope;
    attach(parent, this);
  }

  /** The children that are alive, in the order in which they were spawned. */
  get alive(): readonly Task[] {
    return [...this.#alive];
  }

  /** A living child that the operation waits for, so that a deadlock report can follow it. */
  get holder(): Task | undefined {
    for (const child of this.#alive) return child;
    return undefined;
  }

  spawn<T>(name: TaskName, generator: EitherGenerator<T>, delay?: number): Task<T> {
    if (this.#state === "closed") this.#refuse(name, "it has ended");
    const child = schedulerOf(this.#parent).spawn<T>(name, generator, this.#parent, delay);
    rareOf(child).keeper = this;
    this.#alive.add(child);
    // A sibling's clean-up and the group's cancel: a child that comes after the cancel must get it, too.
    const end = this.#end ?? this.#endOfScope;
    if (end !== null) child.abort("group", end.reason, end.cause);
    return child;
  }

  /** Refuses new work once the operation was cancelled and only finishes what it has. */
  refuseNewWork(name: TaskName): void {
    if (this.#state === "winding") this.#refuse(name, "it is ending and takes no new work");
  }

  /**
   * Cancels every child because of a sibling or of the operation itself: those that live, and those that
   * a clean-up may still spawn. The first cancel counts.
   */
  cancel(reason: string, cause?: unknown): void {
    if (this.#end !== null) return;
    this.#end = { reason, cause };
    this.cancelAlive(reason, cause);
  }

  /** Cancels the children that live now; others may follow. */
  cancelAlive(reason: string, cause?: unknown): void {
    for (const child of this.#alive) cancelInTurn(child, { reason, cause });
  }

  /** Passes on a cancel of the operation: now, or when the time of grace is over. */
  cancelled(cancel: unknown): void {
    if (this.#state !== "open") return;
    const reason = `${this.#name} was cancelled`;
    if (this.#grace === 0) return this.cancel(reason, cancel);
    this.#state = "winding";
    this.#deadline = this.#parent.timers.after(this.#grace, () => this.cancel(reason, cancel));
  }

  /** Makes a child whose end is `keeper`'s to answer for, until it is {@linkcode adopt}ed. */
  spawnFor(keeper: Keeper, name: TaskName, generator: EitherGenerator<unknown>): Task {
    const child = this.spawn(name, generator);
    rareOf(child).keeper = {
      scope: this.scope,
      exited: (task) => {
        this.#alive.delete(task);
        keeper.exited(task);
        if (this.#alive.size === 0) this.#empty.wakeAll();
      },
    };
    return child;
  }

  /** Answers for a child from now on. */
  adopt(child: Task): void {
    rareOf(child).keeper = this;
  }

  /** Takes note of a child's end. */
  exited(child: Task): void {
    this.#alive.delete(child);
    if (child.failed) this.errors.push(child.error);
    this.#onExit(child);
    if (this.#alive.size === 0) this.#empty.wakeAll();
  }

  /**
   * Waits until no child is alive. A cancel is passed on to the children and thrown when they have
   * ended. For `yield*` inside a sequence.
   */
  *done(): Generator<unknown, void, unknown> {
    try {
      while (this.#alive.size > 0) yield* this.#wait();
    } catch (error) {
      this.cancelled(error);
      using _shield = new Entered({ shielded: true });
      while (this.#alive.size > 0) yield* this.#wait();
      throw error;
    } finally {
      this.#state = "closed";
      if (this.#deadline !== null) this.#parent.timers.cancel(this.#deadline);
      detach(this.#parent, this);
    }
  }

  toString(): string {
    return this.#name;
  }

  /** Of an operation that was begun in a cancelled scope nobody is told any more. */
  get #endOfScope(): CancelOrder | null {
    const cause = this.#state === "open" ? this.scope.reaching : null;
    return cause === null ? null : { reason: `${this.#name} was cancelled`, cause };
  }

  #refuse(name: TaskName, why: string): never {
    const what = printable(typeof name === "string" ? name : functionName(name));
    throw new RunFinishedError(`Cannot spawn "${what}" into ${this.#name}: ${why}`);
  }

  #wait(): Operation<void> {
    return operation(this.#empty, (wait) => this.#empty.park(wait));
  }
}

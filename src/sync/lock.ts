/**
 * A lock for tasks: it knows its holder, and hands itself on.
 *
 * Release gives the lock straight to the longest waiter. A free-for-all on release would let the
 * releasing task win again and again, since it is the one that runs. The holder is a task, so a
 * deadlock report can say who waits for whom, and releasing somebody else's lock is an error.
 */
import { currentScope } from "../kernel/context.ts";
import { reportCycle } from "../kernel/deadlock.ts";
import { AbandonedError, DeadlockError, WouldBlock } from "../kernel/errors.ts";
import type { Holder, Holding } from "../kernel/holding.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Party, Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";

/** A taken lock: `using` it gives the lock back at the end of the block. */
export interface LockGuard {
  /** Releases the lock. */
  [Symbol.dispose](): void;
}

/** What a lock is doing. */
export interface LockStatistics {
  /** Name of the holder, if it is held. */
  readonly holder: string | undefined;
  /** How many tasks wait for it. */
  readonly waiting: number;
}

/**
 * A mutual exclusion lock.
 *
 * - Waiters get it in FIFO order.
 * - A cancelled `acquire` does not hold it.
 * - Taking it twice in one task is an error, not a wait for oneself.
 *
 * @example Only one at a time
 * ```ts
 * import { Lock, run, sleep, spawn } from "@weft/weft";
 * let inside = 0;
 * await run(async function* () {
 *   const lock = new Lock();
 *   const body = async function* () {
 *     using _guard = yield* lock.acquire();
 *     if (++inside > 1) throw new Error("two inside");
 *     yield* sleep(1);
 *     inside--;
 *   };
 *   for (let i = 0; i < 3; i++) spawn(body);
 * });
 * ```
 */
export class Lock implements QueueOwner, Holding {
  /** Link in its holder's list. */
  heldBefore: Holding | null = null;
  /** Link in its holder's list. */
  heldAfter: Holding | null = null;
  readonly #name: string;
  readonly #queue: WaitQueue<LockGuard>;
  readonly #guard: LockGuard = { [Symbol.dispose]: () => this.release() };
  #holder: Party | undefined;
  #dead: Holder | null = null;

  /** Makes a free lock; `name` is what reports call it. */
  constructor(name: string = nextName("Lock")) {
    this.#name = name;
    this.#queue = new WaitQueue(this, "acquire");
  }

  /** The task that has it. */
  get holder(): Party | undefined {
    return this.#holder;
  }

  /** Whether a task has it. */
  get locked(): boolean {
    return this.#holder !== undefined;
  }

  /** Waits until the lock is the current task's. */
  acquire(): Operation<LockGuard> {
    return operation(this.#queue, (wait: Wait<LockGuard>) => {
      if (this.#dead !== null) throw this.#abandonedBy(this.#dead);
      if (this.#holder === undefined) {
        this.#give(wait.task);
        wait.settle(this.#guard);
      } else {
        this.#refuseHolder(wait.task);
        reportCycle(wait, this.#holder, this.#queue);
        this.#queue.park(wait);
      }
    });
  }

  /**
   * Takes the lock without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If another task has it.
   */
  tryAcquire(): LockGuard {
    const task = current("take", this);
    if (this.#dead !== null) throw this.#abandonedBy(this.#dead);
    if (this.#holder !== undefined) {
      this.#refuseHolder(task);
      throw new WouldBlock(`Cannot take ${this.#name} now: ${this.#holder.name} holds it`);
    }
    this.#give(task);
    return this.#guard;
  }

  /**
   * Gives the lock to the longest waiter, or frees it. Never a checkpoint.
   *
   * @throws {Error} If the current task does not hold it.
   */
  release(): void {
    const task = current("release", this);
    if (this.#holder !== task) {
      throw new Error(
        `Cannot release ${this.#name} in ${task.name}: ` +
          (this.#holder === undefined ? "nobody holds it" : `${this.#holder.name} holds it`),
      );
    }
    task.drop(this);
    this.#holder = undefined;
    const next = this.#queue.shift();
    if (next === null) return;
    this.#give(next.task);
    next.settle(this.#guard);
  }

  /** Its holder has ended without a release: every waiter, and whoever comes later, is told so. */
  abandoned(by: Holder): void {
    this.#holder = undefined;
    this.#dead = by;
    this.#queue.failAll(this.#abandonedBy(by));
  }

  /** A frozen record of holder and waiters. */
  statistics(): LockStatistics {
    return Object.freeze({ holder: this.#holder?.name, waiting: this.#queue.size });
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  #give(task: Party): void {
    this.#holder = task;
    task.take(this);
  }

  #abandonedBy(task: Holder): AbandonedError {
    return new AbandonedError(`acquire ${this.#name}`, task.name);
  }

  #refuseHolder(task: Party): void {
    if (task !== this.#holder) return;
    throw new DeadlockError(
      `Cannot take ${this.#name} twice: ${task.name} holds it already; an RLock can be taken again`,
      [[task.name]],
    );
  }
}

function current(verb: string, lock: Lock): Party {
  const scope = currentScope();
  if (scope === null) throw new Error(`Cannot ${verb} ${lock} here: no task is running`);
  return scope.task as unknown as Party;
}

/**
 * Ready tasks, in FIFO order or as a policy says.
 *
 * A policy is asked only if the run was given one, and each step is measured for it then. It cannot preempt:
 * a step ends where the task waits or cedes, never before. It is somebody else's code. One that throws is
 * dropped, and what was ready goes on in the order of its making: the tasks are still known to the run, so
 * that none is lost with the policy's own queue.
 *
 * The default is a FIFO list linked through the tasks themselves. A step of a fast-lane task costs about as
 * much as two array accesses with their bounds checks, so the queue under it must not cost several of them.
 * Linking through the task makes push and shift two stores each, and a burst of a million spawned tasks grows
 * no ring buffer (measured: 9 ns less a step than a ring).
 */
import { Deque } from "../internal/deque.ts";
import { thrownText } from "./callback.ts";
import type { Choose } from "./choose.ts";
import type { Clock } from "./clock.ts";
import type { Task } from "./task.ts";

/** Decides which ready task runs next. Each task is in it at most once. */
export interface Policy {
  /** How many tasks are ready. */
  readonly size: number;
  /** Takes in a task that has become ready. */
  add(task: Task): void;
  /** Gives out the task to run next, or `undefined` when none is ready. */
  next(): Task | undefined;
  /** Hears how long a step of a task took: of the machine's time, or of virtual time. */
  ran?(task: Task, ms: number): void;
  /** Hears that a task waits for something, after its step. */
  blocked?(task: Task): void;
}

/** Picks any ready task, as `choose` says: the policy of a seeded run. */
export class ChosenPolicy implements Policy {
  readonly #ready = new Deque<Task>();
  readonly #choose: Choose;

  /** Leaves every pick to `choose`. */
  constructor(choose: Choose) {
    this.#choose = choose;
  }

  get size(): number {
    return this.#ready.size;
  }

  add(task: Task): void {
    this.#ready.push(task);
  }

  /** Takes out the chosen one. */
  next(): Task | undefined {
    const size = this.#ready.size;
    return size < 2 ? this.#ready.shift() : this.#ready.take(this.#choose(size));
  }
}

/** What the queue needs of its run, for the sake of a policy. */
interface ReadyQueueHost {
  /** Where the times of steps come from. */
  readonly clock: Clock;
  tasks(): readonly Task[];
  warn(message: string): void;
}

/**
 * The ready queue of a run. Each task is in it at most once. As a list it is FIFO, which costs nothing more where
 * there is no policy.
 */
export class ReadyQueue {
  #last: Task | null = null;
  /** The task whose turn is next, where there is no policy. */
  first: Task | null = null;
  /** Who picks, if anybody does. */
  policy: Policy | null;
  readonly #host: ReadyQueueHost;
  #stepBegan = 0;

  constructor(policy: Policy | null, host: ReadyQueueHost) {
    this.policy = policy;
    this.#host = host;
  }

  /** Adds a task at the back of the list. */
  push(task: Task): void {
    if (this.#last === null) this.first = task;
    else this.#last.nextReady = task;
    this.#last = task;
  }

  /** Takes the task at the front of the list, or returns `undefined`. */
  shift(): Task | undefined {
    const task = this.first;
    if (task === null) return undefined;
    const next = this.first = task.nextReady;
    if (next === null) this.#last = null;
    else task.nextReady = null;
    return task;
  }

  /** Whether a task is ready. */
  get some(): boolean {
    if (this.policy === null) return this.first !== null;
    return this.ask((policy) => policy.size > 0) ?? this.first !== null;
  }

  /** Adds a task that has become ready. */
  add(task: Task): void {
    if (this.policy === null) this.push(task);
    else this.ask((policy) => policy.add(task));
  }

  /** Takes out the task to run next, or returns `undefined`. */
  take(): Task | undefined {
    if (this.policy === null) return this.shift();
    return this.ask((policy) => policy.next()) ?? this.shift();
  }

  /** Takes the time, for a policy. */
  stepBegins(): void {
    this.#stepBegan = this.#time();
  }

  /** Tells a policy how long a step took, and whether its task waits now. */
  stepEnded(task: Task): void {
    const ms = this.#time() - this.#stepBegan;
    this.ask((policy) => policy.ran?.(task, ms));
    if (task.state === "waiting") this.ask((policy) => policy.blocked?.(task));
  }

  /** The time that steps are charged by: in virtual time, what they declare. */
  #time(): number {
    const { clock } = this.#host;
    return clock.exact ? clock.now() : clock.wall();
  }

  /** Asks the policy, if there is one. */
  ask<R>(ask: (policy: Policy) => R): R | undefined {
    if (this.policy === null) return undefined;
    try {
      return ask(this.policy);
    } catch (error) {
      this.policy = null;
      for (const task of this.#host.tasks()) if (task.state === "ready") this.push(task);
      this.#host.warn(thrownText("The policy, which FIFO replaces now,", error));
      return undefined;
    }
  }
}

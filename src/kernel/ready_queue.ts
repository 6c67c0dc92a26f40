/**
 * Ready tasks, in FIFO order or as a policy says.
 *
 * The policy is somebody else's code. One that throws is dropped, and what was ready goes on in the order
 * of its making: the tasks are still known to the run, so that none is lost with the policy's own queue.
 *
 * The default is a FIFO list linked through the tasks themselves. A step of a fast-lane task costs about as much as two array accesses with their bounds checks, so
 * the queue under it must not cost several of them. Linking through the task makes push and shift two
 * stores each, and a burst of a million spawned tasks grows no ring buffer (measured: 9 ns less a
 * step than a ring).
 */
import { thrownText } from "./callback.ts";
import type { Policy } from "./policy.ts";
import type { Task } from "./task.ts";

/** Ready tasks in FIFO order. Each task is in it at most once. */
class ReadyList {
  #last: Task | null = null;
  /** The task whose turn is next. */
  first: Task | null = null;

  /** Adds a task at the back. */
  push(task: Task): void {
    if (this.#last === null) this.first = task;
    else this.#last.nextReady = task;
    this.#last = task;
  }

  /** Takes the task at the front, or returns `undefined`. */
  shift(): Task | undefined {
    const task = this.first;
    if (task === null) return undefined;
    const next = this.first = task.nextReady;
    if (next === null) this.#last = null;
    else task.nextReady = null;
    return task;
  }
}

/** What the queue needs of its run when the policy has failed. */
export interface ReadyQueueHost {
  /** The living tasks. */
  tasks(): readonly Task[];
  /** Reports the failure. */
  warn(message: string): void;
}

/** The ready queue of a run. As a list it is FIFO, which costs nothing more where there is no policy. */
export class ReadyQueue extends ReadyList {
  /** Who picks, if anybody does. */
  policy: Policy | null;
  readonly #host: ReadyQueueHost;

  /** An empty queue. */
  constructor(policy: Policy | null, host: ReadyQueueHost) {
    super();
    this.policy = policy;
    this.#host = host;
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

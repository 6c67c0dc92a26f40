/**
 * Ready tasks, in FIFO order or as a policy says.
 *
 * The policy is somebody else's code. One that throws is dropped, and what was ready goes on in the order
 * of its making: the tasks are still known to the run, so that none is lost with the policy's own queue.
 */
import { thrownText } from "./callback.ts";
import type { Policy } from "./policy.ts";
import { ReadyList } from "./ready_list.ts";
import type { Task } from "./task.ts";

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

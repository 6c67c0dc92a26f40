/**
 * Which ready task runs next.
 *
 * The scheduler asks a policy only if it was given one: by default it uses its ring buffer directly,
 * so that FIFO costs no indirect call. With a policy it also measures each step. What a policy
 * cannot do is preempt: a step ends where the task waits or cedes, never before.
 */
import { Deque } from "../internal/deque.ts";
import type { Choose } from "./choice.ts";
import type { Task } from "./task.ts";

/** A ready queue with a mind of its own. Each task is in it at most once. */
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

  /** How many tasks are ready. */
  get size(): number {
    return this.#ready.size;
  }

  /** Takes in a task. */
  add(task: Task): void {
    this.#ready.push(task);
  }

  /** Takes out the chosen one. */
  next(): Task | undefined {
    const size = this.#ready.size;
    return size < 2 ? this.#ready.shift() : this.#ready.take(this.#choose(size));
  }
}

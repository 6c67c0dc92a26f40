/**
 * Failures that nobody has observed yet, for whoever is to throw them in the end.
 *
 * A pool cannot be its tasks' keeper, as a group is: it may never be joined, and then their failures
 * are the run's to throw. So it only remembers them. Those that were seen meanwhile are dropped each time
 * the list has doubled; a server that runs for months keeps no list of its old errors.
 */
import type { Task } from "../kernel/task.ts";

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

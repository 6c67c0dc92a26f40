/** What a scheduler tells of its run, and to whom. */
import type { Task } from "./task.ts";

/** Who looks after the run as a whole: when it ends, and what becomes of failures. */
export interface Overseer {
  /** A task was made. */
  spawned(task: Task): void;
  /** A task has ended. */
  exited(task: Task): void;
  /** A failure has been seen. */
  observed(task: Task): void;
  /** A task has become a daemon, or an ordinary task again. */
  daemonChanged(task: Task): void;
  /**
   * Nothing is ready, no timer is set, the host has nothing pending, and tasks are alive. Returns
   * whether something was done about it; if not, the loop sleeps until it is roused.
   */
  stuck(): boolean;
}

/**
 * What only few tasks need, in one record made when first needed: a million parked tasks do without.
 */
import type { Holdings } from "./holding.ts";
import type { Links } from "./links.ts";
import type { CancelScope, Dependent } from "./scope.ts";
import type { Task } from "./task.ts";
import type { Timer } from "./timers.ts";
import type { WaitQueue } from "./wait_queue.ts";

/** What answers for a task's failure in place of the run: a group, `all`, a pool. */
export interface Keeper {
  /** Where a cancel comes from that it passes on to the task. */
  readonly scope?: CancelScope;
  /** Whether it may cancel the task at any moment, for reasons that lie with others. */
  readonly isFickle?: boolean;
  /** Called once, when the task has ended. */
  exited(task: Task): void;
}

/** What is called for a link. */
export type LinkCall = (task: Task) => unknown;

/**
 * The record.
 *
 * @internal
 */
export interface RareFields {
  /** What it holds and others may wait for. */
  holdings: Holdings | null;
  /** The timer of one that is still to start. */
  delay: Timer | null;
  /** Who is told of cancels. */
  dependents: Set<Dependent> | null;
  /** Whether its waits do not count. */
  bystander: boolean;
  /** Called when the task has ended. */
  links: Links<LinkCall> | null;
  /** Fired when the task is cancelled. */
  controller: AbortController | null;
  /** Whether the run ends without waiting for it. */
  daemon: boolean;
  /** Waits for the value. */
  gets: WaitQueue<unknown> | null;
  /** Waits for the end that a cancel brings. */
  ends: WaitQueue<void> | null;
  /** Who answers for a failure in place of the run. */
  keeper: Keeper | null;
}

/** The record of a task. */
export function rareOf(task: Task): RareFields {
  return task.rare ??= {
    holdings: null,
    delay: null,
    dependents: null,
    bystander: false,
    links: null,
    controller: null,
    daemon: false,
    gets: null,
    ends: null,
    keeper: null,
  };
}

/** Lets a task stay new until `ms` have passed. */
export function startAfter(task: Task, ms: number): void {
  const rare = rareOf(task);
  rare.delay = task.timers.after(ms, () => {
    rare.delay = null;
    task.host.ready(task);
  });
}

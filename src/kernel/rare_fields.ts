/**
 * What only few tasks need, in one record made when first needed: a million parked tasks do without.
 */
import type { Holdings } from "./holding.ts";
import type { Links } from "./callback.ts";
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
export class RareFields {
  /** What it holds and others may wait for. */
  holdings: Holdings | null = null;
  /** The timer of one that is still to start. */
  delay: Timer | null = null;
  /** What its cancels must reach besides its waits. */
  dependents: Set<Dependent> | null = null;
  /** Whether its waits do not count. */
  bystander = false;
  /** Called when the task has ended. */
  links: Links<LinkCall> | null = null;
  /** Fired when the task is cancelled. */
  controller: AbortController | null = null;
  /** Whether the run ends without waiting for it. */
  daemon = false;
  /** Waits for the value. */
  gets: WaitQueue<unknown> | null = null;
  /** Waits for the end that a cancel brings. */
  ends: WaitQueue<void> | null = null;
  /** Who answers for a failure in place of the run. */
  keeper: Keeper | null = null;
}

/** The record of a task. */
export function rareOf(task: Task): RareFields {
  return task.rare ??= new RareFields();
}

/** Lets a task stay new until `ms` have passed. */
export function startAfter(task: Task, ms: number): void {
  const rare = rareOf(task);
  rare.delay = task.timers.after(ms, () => {
    rare.delay = null;
    task.host.ready(task);
  });
}

/** Has a dependent told of cancels that reach its scope, until {@linkcode detach}. */
export function attach(task: Task, dependent: Dependent): void {
  (rareOf(task).dependents ??= new Set()).add(dependent);
}

/** Tells a dependent nothing more. */
export function detach(task: Task, dependent: Dependent): void {
  task.rare?.dependents?.delete(dependent);
}

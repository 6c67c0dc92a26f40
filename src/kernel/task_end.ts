/**
 * The end of a task, as others see it: what it still holds is told, and all who wait for the end are answered; and
 * the record of what only few tasks need, most of it for that end. It is made when first needed: a million parked
 * tasks do without.
 *
 * The order is fixed: first what it held, so that a lock is abandoned before anybody who joined the task
 * asks for it; then its keeper; then joins, gets and cancels in the order in which they came; links last.
 */
import { callSafely, Links, thrownText } from "./callback.ts";
import { checkMs } from "./checks.ts";
import { type CancelScope, type Dependent, within } from "./scope.ts";
import { DeadlockError, TimeoutError } from "./errors.ts";
import { type Operation, operation, sequence } from "./operation.ts";
import { printable } from "./printable.ts";
import { takeAsyncSite, withSite } from "./sites.ts";
import type { Task } from "./task.ts";
import type { Wait } from "./wait.ts";
import { WaitQueue } from "./wait_queue.ts";
import type { Holdings } from "./resource.ts";
import type { Timer } from "./clock.ts";

/** `task.join(ms)`. */
export function joinOf<T>(task: Task<T>, ms: number | undefined): Operation<T | undefined> {
  if (ms !== undefined) {
    checkMs(ms, "a timeout");
    return sequence(`${task}.join(${ms})`, () => within(ms, () => task.join(), () => undefined));
  }
  return operation("task.join()", (wait: Wait<T | undefined>) => {
    refuseSelf(task, wait);
    if (!task.done) (task.joins ??= new WaitQueue(task, "join")).park(wait);
    else answer(task, wait, task.cancelled);
  });
}

/** `task.get(ms)`. */
export function getOf<T>(task: Task<T>, ms: number | undefined): Operation<T> {
  if (ms !== undefined) {
    checkMs(ms, "a timeout");
    const site = takeAsyncSite();
    return sequence(`${task}.get(${ms})`, () =>
      within(ms, () => task.get(), (): never => {
        throw withSite(new TimeoutError(ms, `task "${task}"`), site);
      }));
  }
  return operation("task.get()", (wait: Wait<T>) => {
    refuseSelf(task, wait);
    if (!task.done) (rareOf(task).gets ??= new WaitQueue<unknown>(task, "get")).park(wait);
    else answer(task, wait, false);
  });
}

/** What `task.cancel()` gives: a wait for the end, which nobody needs. */
export function endOf(task: Task): Operation<void> {
  return operation("task.cancel()", (wait: Wait<void>) => {
    if (task.done) return wait.settle();
    (rareOf(task).ends ??= new WaitQueue<void>(task, "cancel")).park(wait);
  }, { optional: true });
}

/** Has `call` called at the end of a task, or at once; `given` is what it is forgotten by. */
export function addLink(task: Task, given: (...args: never[]) => void, call: LinkCall): void {
  if (task.done) follow(task, call);
  else (rareOf(task).links ??= new Links()).add(given, call);
}

/** Warns of a task that returned in spite of a cancel. */
export function warnSwallowed(task: Task): void {
  task.host.warn(
    `Task "${task}" was cancelled, caught Cancelled, and returned as if nothing had happened: ` +
      `rethrow it, or do the work under shield()`,
  );
}

/** Tells whatever a task that has ended still holds. */
export function abandonHoldings(task: Task): void {
  task.rare?.holdings?.abandon(task, (error, what) => {
    const told = `${printable(what)}, told that its holder "${printable(task.name)}" has ended,`;
    task.host.warn(thrownText(told, error));
  });
}

/** Answers all who wait for the end of a task, and lets go of what it needed while it lived. */
export function tellWaiters(task: Task): void {
  const { joins, rare } = task;
  if (joins !== null) {
    for (let wait = joins.shift(); wait; wait = joins.shift()) answer(task, wait, task.cancelled);
    task.joins = null;
  }
  if (rare === null) return;
  const { gets, ends, links } = rare;
  for (let wait = gets?.shift(); wait; wait = gets?.shift()) answer(task, wait, false);
  ends?.wakeAll();
  links?.callAll((call) => follow(task, call));
  // Of a bystander, waits that cannot be let go of may still end, and must not be counted then.
  if (!rare.bystander) {
    task.rare = null;
    return;
  }
  rare.links = rare.gets = rare.ends = null;
  rare.keeper = rare.controller = null;
}

/** Refuses a task that would wait for its own end. */
function refuseSelf(task: Task, wait: Wait): void {
  if (wait.task !== task) return;
  throw new DeadlockError(`Cannot wait for task "${task}" in itself: it would never end`, [
    [task.name],
  ]);
}

/** Calls what was linked. */
function follow(task: Task, call: LinkCall): void {
  callSafely(
    () => call(task),
    (error) => task.host.warn(thrownText(`A link of task "${task}"`, error)),
  );
}

/** Ends a wait for a task as the task has ended; `lenient` lets a cancel pass. */
function answer(task: Task, wait: Wait, lenient: boolean): void {
  if (task.successful) return wait.settle(task.value);
  const { error } = task; // to read it is to have seen it
  if (lenient) wait.settle(undefined);
  else wait.fail(error);
}

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

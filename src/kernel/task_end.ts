/**
 * The end of a task, as others see it: what it still holds is told, and all who wait for the end are answered.
 *
 * The order is fixed: first what it held, so that a lock is abandoned before anybody who joined the task
 * asks for it; then its keeper; then joins, gets and cancels in the order in which they came; links last.
 */
import { callSafely, Links, thrownText } from "./callback.ts";
import { checkMs } from "./checks.ts";
import { within } from "./enter_scope.ts";
import { DeadlockError, TimeoutError } from "./errors.ts";
import { type Operation, operation, sequence } from "./operation.ts";
import { printable } from "./printable.ts";
import { type LinkCall, rareOf } from "./rare_fields.ts";
import { takeAsyncSite, withSite } from "./sites.ts";
import type { Task } from "./task.ts";
import type { Wait } from "./wait.ts";
import { WaitQueue } from "./wait_queue.ts";

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
  if (!rare.bystander) task.rare = null;
  else {rare.links =
      rare.gets =
      rare.ends =
      rare.keeper =
      rare.controller =
        null;}
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

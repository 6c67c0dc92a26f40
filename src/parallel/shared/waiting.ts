/**
 * How a thread may wait: where it may block, and waits that end after a time.
 *
 * It may not block on the main thread, and not where a task runs, because all other tasks of the thread
 * would stand still with it, among them, perhaps, the one that is waited for. A wait whose time is over
 * gives an answer, as in Python, and no error.
 */
import { printable } from "../../kernel/printable.ts";
import { checkMs } from "../../kernel/checks.ts";
import { currentScope } from "../../kernel/context.ts";
import { within as inScope } from "../../kernel/scope.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import { type Operation, sequence } from "../../kernel/operation.ts";

/** Whether this is the main thread. */
export const onMainThread: boolean = !("WorkerGlobalScope" in globalThis);

/** Refuses to block the main thread in a method of `owner`. */
export function refuseMainThread(owner: { toString(): string }, verb: string): void {
  if (onMainThread) throw mainThreadError(`${owner}.${verb}()`);
}

/** The error for code that would. */
export function mainThreadError(label: string): Error {
  return new Error(
    `Cannot block in ${label}: this is the main thread, which must not freeze; ` +
      `wait with "yield*" or "await", without Sync`,
  );
}

/** Refuses to block where a task runs. */
export function refuseTask(label: string): void {
  const scope = currentScope();
  if (scope === null) return;
  throw new Error(
    `Cannot block in ${label}: task ${
      printable(scope.task.name)
    } runs here, and its thread's other tasks would ` +
      `stand still; wait with "yield*" or "await", without Sync`,
  );
}

/** Waits for `work`, at most `ms` milliseconds if that is given; then evaluates to what `late` gives. */
export function within<T, L>(
  ms: number | undefined,
  label: string,
  work: () => Operation<T>,
  late: () => L,
): Operation<T | L> {
  if (ms === undefined) return work();
  checkMs(ms, "a timeout");
  return sequence<T | L>(label, () => inScope(ms, work, late));
}

/** Calls `block`, and turns the end of its time into `false`. */
export function inTime(block: () => void): boolean {
  try {
    block();
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

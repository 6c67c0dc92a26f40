/**
 * Where a thread may block: not on the main thread, and not where a task runs, because all other tasks of
 * the thread would stand still with it, among them, perhaps, the one that is waited for.
 */
import { currentScope } from "../../kernel/context.ts";

/** Whether this is the main thread. */
export const onMainThread: boolean = !("WorkerGlobalScope" in globalThis);

/** Refuses to block the main thread in a method of `owner`. */
export function refuseMainThread(owner: { toString(): string }, verb: string): void {
  if (onMainThread) throw mainThreadError(`${owner}.${verb}()`);
}

/** The error for whoever would. */
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
    `Cannot block in ${label}: task ${scope.task.name} runs here, and its thread's other tasks would ` +
      `stand still; wait with "yield*" or "await", without Sync`,
  );
}

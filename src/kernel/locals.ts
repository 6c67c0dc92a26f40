/**
 * Which values of task-locals are seen where.
 *
 * A scope may carry some of its own (`local.with`), which those inside it see before the task's: two parts
 * of one task, under a `Promise.all`, each have theirs. The maps are never changed, so that a new task
 * shares its spawner's for nothing.
 */
import { currentScope } from "./context.ts";
import type { CancelScope, Locals } from "./scope.ts";

/** The innermost scope whose values have `key`. */
export function scopeWith(key: object): CancelScope | null {
  let scope = currentScope();
  while (scope !== null && scope.locals?.has(key) !== true) scope = scope.parent;
  return scope;
}

/** What a task sees at this moment, where its code runs. */
export function localsOf(task: CancelScope): Locals | null {
  let scope = currentScope();
  if (scope === null || scope === task || scope.task as unknown !== task) return task.locals;
  let seen: Map<object, unknown> | null = null;
  for (; scope !== task; scope = scope!.parent) {
    for (const [key, value] of scope!.locals ?? []) {
      seen ??= new Map();
      if (!seen.has(key)) seen.set(key, value);
    }
  }
  return seen === null ? task.locals : new Map([...task.locals ?? [], ...seen]);
}

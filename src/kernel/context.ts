/**
 * Who is running: the cancel scope, and through it the task, whose code asks.
 *
 * In the fast lane a step is one synchronous call, so a plain variable, set around it, is exact and
 * costs a store. Code of the async lane comes back from a foreign `await` without any hook, so there
 * the scope rides in an `AsyncLocalStorage` that is entered once, around the routine that drives the
 * generator: entering it around every step would cost 300 ns a step, and a plain variable would name
 * the wrong task after the first foreign `await`.
 *
 * The entry cannot wait for the first foreign `await`: after a wait of ours, too, the language goes on with the
 * code straight from a microtask, under what was entered when the wait began, and nothing of ours runs in
 * between. Nor can one entry serve a task and its parts: two of them under a `Promise.all` have a scope each. It
 * costs 400 bytes and 0.4 µs, where a parked async generator by itself takes 900 bytes (measured).
 *
 * A scope may carry values of task-locals (`local.with`), which those inside it see before the task's: two parts
 * of one task, under a `Promise.all`, each have theirs. The maps are never changed, so that a new task shares
 * its spawner's for nothing.
 *
 * What neither can tell: an async function that a `function*` body calls runs on, after its first
 * `await`, with nobody's scope. `wait((signal) => f(signal))` calls it under the task's own scope.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { CancelScope, Locals } from "./scope.ts";
import type { Resumer } from "./wait.ts";

/** A program that runs inside a scope and may enter narrower ones. */
export interface Frame {
  /** The innermost scope at this moment. */
  scope: CancelScope;
  /** How many waits it has begun. */
  begun: number;
  /** How many scopes it is in. */
  depth: number;
  /** Goes on with a wait that has ended. */
  readonly resumer: Resumer;
}

/** What is known of the step that runs just now. */
interface FastLane {
  /** What runs now in the fast lane; `null` between steps and while async code runs. */
  running: Frame | null;
  /** The wait that has parked inside the running generator, which is on its way out with it. */
  parked: object | null;
}

/** The step that runs just now. */
export const fastLane: FastLane = { running: null, parked: null };

const asyncLane = new AsyncLocalStorage<CancelScope | null>();

/** The scope whose code is running, or `null` outside of every task. */
export function currentScope(): CancelScope | null {
  const running = fastLane.running;
  return running !== null ? running.scope : asyncLane.getStore() ?? null;
}

/**
 * Calls `f` so that async code it starts belongs to `scope`, also after a foreign `await`.
 *
 * Outside of every scope there is nothing to leave, and nothing is entered then: to enter where something was
 * entered before, be it nobody's scope, makes the host copy that, which takes longer than the rest of a spawn.
 * So a run's loop is in no entry, as a rule, and its tasks enter from there.
 */
export function withScope<R>(scope: CancelScope | null, f: () => R): R {
  if (scope === null && currentScope() === null) return f();
  const running = fastLane.running;
  fastLane.running = null;
  try {
    return asyncLane.run(scope, f);
  } finally {
    fastLane.running = running;
  }
}

/** The innermost scope whose values have `key`. */
export function scopeWith(key: object): CancelScope | null {
  let scope = currentScope();
  while (scope !== null && scope.locals?.has(key) !== true) scope = scope.parent;
  return scope;
}

/** Which values of task-locals a task sees at this moment, where its code runs. */
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

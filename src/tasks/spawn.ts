/** Making tasks: `spawn` now, `spawnLater` after a delay, in the run of the code that calls. */
import { checkMs } from "../kernel/checks.ts";
import { RunFinishedError } from "../kernel/errors.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { checkBody, type Hint } from "./perform.ts";
import { currentTask } from "./run.ts";

/**
 * Starts a task in the current run. It becomes ready now and takes its first step after the tasks
 * that are ready already. The run waits for it; an error that nobody observes makes the run reject.
 *
 * @example Its value
 * ```ts
 * import { run, spawn } from "@weft/weft";
 * const add = function* (a: number, b: number) {
 *   yield;
 *   return a + b;
 * };
 * const sum = await run(function* () {
 *   return yield* spawn(add, 1, 2).get();
 * });
 * if (sum !== 3) throw new Error("not 3");
 * ```
 *
 * @typeParam A The body's parameters.
 * @typeParam T What the body returns.
 * @param body A `function*` or an `async function*`, uncalled.
 * @param args Its arguments.
 * @returns The new task.
 * @throws {TypeError} If the body is not a generator function.
 * @throws {Error} If no task is running.
 */
export function spawn<A extends readonly unknown[], T>(body: TaskBody<A, T>, ...args: A): Task<T>;
/** Never fits: it is what the compiler shows when a body is none. */
export function spawn(
  body: Hint<
    "a task body is a function* or an async function*, uncalled: write (async function* () { ... })"
  >,
  ...args: readonly unknown[]
): Task<never>;
export function spawn<A extends readonly unknown[], T>(
  body: TaskBody<A, T> | Hint<string>,
  ...args: A
): Task<T> {
  return start(body as TaskBody<A, T>, args, undefined);
}

/**
 * Starts a task in the current run after `ms` milliseconds; until then it is new. The run waits for
 * it. Cancelled before its time, it never runs.
 *
 * @typeParam A The body's parameters.
 * @typeParam T What the body returns.
 * @param ms The delay in milliseconds, zero or more.
 * @param body A `function*` or an `async function*`, uncalled.
 * @param args Its arguments.
 * @returns The new task.
 * @throws {RangeError} If `ms` is negative or not a number.
 * @throws {TypeError} If the body is not a generator function.
 */
export function spawnLater<A extends readonly unknown[], T>(
  ms: number,
  body: TaskBody<A, T>,
  ...args: A
): Task<T> {
  return start(body, args, ms);
}

function start<A extends readonly unknown[], T>(
  body: TaskBody<A, T>,
  args: A,
  delay: number | undefined,
): Task<T> {
  checkBody(body, "spawn", args);
  if (delay !== undefined) checkMs(delay, "a delay");
  const spawner = currentTask();
  if (spawner.done) {
    throw new RunFinishedError(`Cannot spawn: task "${spawner}" has ended`);
  }
  return schedulerOf(spawner).spawn<T>(body, body(...args), spawner, delay);
}

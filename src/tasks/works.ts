/**
 * Sorting what `race` and `all` are given: what can be begun in the caller's own task, and bodies, which
 * get child tasks.
 *
 * All of them are sorted, and bodies called, before anything begins: one that throws as it is called has
 * left nothing running.
 */
import { checkWork } from "./perform.ts";
import { checkArray } from "../kernel/checks.ts";
import type { CaseStart } from "../kernel/cases.ts";
import { startable } from "../kernel/fast_routine.ts";
import { takeOver } from "../kernel/operation.ts";
import { Task } from "../kernel/task.ts";
import { isGenerator, keepHandled, notWaitable } from "../kernel/trap.ts";
import type { EitherGenerator, Work } from "./perform.ts";

/** Something to be done, as it was given. */
export type SortedWork =
  | { readonly kind: "case"; readonly start: CaseStart }
  | { readonly kind: "body"; readonly generator: EitherGenerator<unknown> };

/**
 * Checks a list of works, and each of them, before any begins. Promises among them are handled first: a
 * list that is refused has been given all the same.
 *
 * @throws {TypeError} If one cannot be done.
 */
export function checkWorks<W>(works: readonly W[], verb: string): void {
  keepHandled(works);
  for (const work of checkArray(works, `works of ${verb}()`)) keepHandled(work);
  for (const work of works) checkWork(work, verb);
}

/** Whether a work certainly begins in the caller's own task. */
export function isBare(work: unknown): boolean {
  return !isGenerator(work) && isThenable(work);
}

/** Sorts a work as its turn comes; calls a body. */
export function sortWork(work: Work<unknown>): SortedWork {
  const made: unknown = typeof work === "function" ? work() : work;
  if (isGenerator(made)) return { kind: "body", generator: made as EitherGenerator<unknown> };
  return { kind: "case", start: toCase(made) };
}

/** What to begin for an operation, a task, a future or a promise. */
function toCase(made: unknown): CaseStart {
  if (made === undefined) throw notWaitable(made);
  const start: CaseStart = startable(made instanceof Task ? made.get() : made);
  takeOver(start);
  return start;
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

/** Protecting clean-up from the cancel that caused it. */
import { Entered, WaitMark } from "../kernel/deadline.ts";
import { type Operation, sequence, takeOver, undoOf } from "../kernel/operation.ts";
import { checkWork, perform, type Work } from "./perform.ts";
import { cede } from "./sleep.ts";

/**
 * Runs `work` within the current task where cancels from outside do not reach it. They take effect at
 * the first checkpoint after it. Deadlines inside the work still do. A shield that never ends keeps
 * its task, and so its run, alive: put a {@linkcode moveOnAfter} inside when the other side may hang.
 *
 * @example Clean-up that needs to wait
 * ```ts
 * import { run, shield, sleep, spawn } from "@weft/weft";
 * let clean = false;
 * await run(async function* () {
 *   const task = spawn(async function* () {
 *     try {
 *       yield* sleep(1000);
 *     } finally {
 *       yield* shield(sleep(1));
 *       clean = true;
 *     }
 *   });
 *   yield;
 *   yield* task.cancel();
 * });
 * if (!clean) throw new Error("clean-up was cut short");
 * ```
 *
 * @typeParam T What the work evaluates to.
 * @param work An operation, a body, a generator, a task or a promise.
 * @returns An operation that evaluates to the work's result.
 */
export function shield<T>(work: Work<T>): Operation<T> {
  checkWork(work, "shield");
  takeOver(work);
  return sequence("shield()", function* () {
    const mark = new WaitMark();
    let value: T;
    {
      using _entered = new Entered({ shielded: true });
      value = yield* perform(work);
    }
    if (mark.untouched) yield* cede();
    return value;
  }, undoOf(work));
}

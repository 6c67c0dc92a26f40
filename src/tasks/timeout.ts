/** Deadlines for a part of a task: `withTimeout` throws when the time is up, `moveOnAfter` goes on. */
import { within } from "../kernel/enter_scope.ts";
import { checkMs } from "../kernel/checks.ts";
import { TimeoutError } from "../kernel/errors.ts";
import { takeAsyncSite, withSite } from "../kernel/sites.ts";
import { type Operation, sequence, takeOver, undoOf, undoOfMaybe } from "../kernel/operation.ts";
import { checkWork, perform, type Work } from "./perform.ts";

/**
 * Runs `work` within the current task, and cancels it when `ms` have passed first. Its clean-up still
 * runs to the end; only then {@linkcode TimeoutError} is thrown. An outer cancel or an outer deadline
 * that comes first passes through unchanged. Work that ends in time is not disturbed, even when it
 * caught the cancel. With 0, the work may do only what needs no waiting for time or others.
 *
 * @example Nothing arrives in time
 * ```ts
 * import { Queue, run, TimeoutError, withTimeout } from "@weft/weft";
 * const late = await run(async function* () {
 *   const queue = new Queue<number>(1);
 *   try {
 *     return yield* withTimeout(5, queue.get());
 *   } catch (error) {
 *     return error instanceof TimeoutError;
 *   }
 * });
 * if (late !== true) throw new Error("not late");
 * ```
 *
 * @typeParam T What the work evaluates to.
 * @param ms The time allowed, in milliseconds.
 * @param work An operation, a body, a generator, a task or a promise.
 * @returns An operation that evaluates to the work's result.
 * @throws {RangeError} If `ms` is negative or not a number.
 */
export function withTimeout<T>(ms: number, work: Work<T>): Operation<T> {
  checkWork(work, "put a time limit on");
  takeOver(work);
  checkMs(ms, "a timeout");
  const site = takeAsyncSite();
  return sequence(`withTimeout(${ms})`, () =>
    within(ms, () => perform(work), (cancel): never => {
      throw withSite(new TimeoutError(ms, "the body", cancel), site);
    }), undoOf(work));
}

/**
 * Runs `work` within the current task; when `ms` have passed first, cancels it, lets its clean-up
 * finish, and goes on with `undefined`. Otherwise like {@linkcode withTimeout}.
 *
 * @typeParam T What the work evaluates to.
 * @param ms The time allowed, in milliseconds.
 * @param work An operation, a body, a generator, a task or a promise.
 * @returns An operation that evaluates to the work's result, or to `undefined` when time ran out.
 * @throws {RangeError} If `ms` is negative or not a number.
 */
export function moveOnAfter<T>(ms: number, work: Work<T>): Operation<T | undefined> {
  checkWork(work, "put a time limit on");
  takeOver(work);
  checkMs(ms, "a timeout");
  return sequence(
    `moveOnAfter(${ms})`,
    () => within(ms, () => perform(work), () => undefined),
    undoOfMaybe(work),
  );
}

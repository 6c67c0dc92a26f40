/**
 * Doing several things at once and going on when all, or one, of them are done.
 *
 * Each piece of work gets a child task. When the combinator ends, every child has ended, clean-up
 * included; that is what `Promise.all` and `Promise.race` cannot say of their losers.
 */
import { Entered } from "../kernel/deadline.ts";
import { combine } from "../kernel/errors.ts";
import { type Operation, sequence, takeOver } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import { Brood } from "./brood.ts";
import { asGenerator, type Work, type WorkResult } from "./perform.ts";
import { currentTask } from "./run.ts";

/** The results of a list of works, place by place. */
export type AllResults<W extends readonly unknown[]> = {
  -readonly [I in keyof W]: WorkResult<W[I]>;
};

/**
 * Runs all works at once, each in a child task, and evaluates to their results in the order given.
 * The first failure cancels the others; when all are through, it is thrown, and an `AggregateError`
 * if several failed. A cancel goes to all of them.
 *
 * @example Two at once
 * ```ts
 * import { all, run, sleep } from "@weft/weft";
 * const [a, b] = await run(async function* () {
 *   return yield* all([
 *     async function* () {
 *       yield* sleep(1);
 *       return "a";
 *     },
 *     Promise.resolve(2),
 *   ]);
 * });
 * if (a + b !== "a2") throw new Error(a + b);
 * ```
 *
 * @typeParam W The works, as a tuple.
 * @param works Operations, bodies, generators, tasks or promises.
 * @returns An operation that evaluates to the tuple of results.
 */
export function all<const W extends readonly Work<unknown>[]>(works: W): Operation<AllResults<W>> {
  works.forEach(takeOver);
  return sequence(`all(${works.length})`, function* () {
    using entered = new Entered();
    const brood = new Brood("all", currentTask(), (child) => {
      if (child.failed) stop(`sibling "${child}" failed`, child.error);
    });
    const stop = (reason: string, cause: unknown): void => {
      brood.cancel(reason, cause);
      entered.scope.abort("group", reason, cause);
    };
    const children = works.map((work, i) => brood.spawn(`all[${i}]`, asGenerator(work)));
    try {
      yield* brood.done();
    } catch (error) {
      if (brood.errors.length === 0) throw error;
    }
    if (brood.errors.length > 0) throw combine(brood.errors, "all");
    return children.map(valueOf) as AllResults<W>;
  });
}

/**
 * Runs all works at once, each in a child task, until the first one ends, and evaluates to its result
 * or throws its error. The others are cancelled, and have cleaned up when this ends; an error of
 * theirs is thrown too.
 *
 * @typeParam W The works, as a tuple.
 * @param works At least one operation, body, generator, task or promise.
 * @returns An operation that evaluates to the winner's result.
 * @throws {RangeError} If there are no works: nobody could win.
 */
export function race<const W extends readonly Work<unknown>[]>(
  works: W,
): Operation<WorkResult<W[number]>> {
  if (works.length === 0) throw new RangeError("Cannot race 0 works: nobody could win");
  works.forEach(takeOver);
  return sequence(`race(${works.length})`, function* () {
    let winner: Task | undefined;
    const brood = new Brood("race", currentTask(), (child) => {
      if (winner !== undefined) return;
      winner = child;
      brood.cancel(`"${child}" was first`);
    }, { isFickle: true });
    for (const [i, work] of works.entries()) brood.spawn(`race[${i}]`, asGenerator(work));
    yield* brood.done();
    if (brood.errors.length > 0) throw combine(brood.errors, "race");
    return valueOf(winner!) as WorkResult<W[number]>;
  });
}

/** A child's value; one that was cancelled on its own has none, and throws its `Cancelled`. */
function valueOf(child: Task): unknown {
  if (child.cancelled) throw child.error;
  return child.value;
}

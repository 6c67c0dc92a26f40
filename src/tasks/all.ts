/**
 * `all`: doing several things at once and going on when all of them are done.
 *
 * When it ends, everything in it has ended, clean-up included; that is what `Promise.all` cannot say of
 * what goes on beside a failure. Operations wait in the caller's own task, so that what they take is its;
 * bodies are child tasks.
 */
import { type CaseStart, Gathering } from "../kernel/combined_waits.ts";
import { Entered } from "../kernel/scope.ts";
import { combine } from "../kernel/errors.ts";
import { CEDES, type Operation, operation, sequence, takeOver } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { ChildTasks } from "./child_tasks.ts";
import { checkWorks, isBare, sortWorks, type Work, type WorkResult } from "./perform.ts";
import { currentTask } from "./run.ts";

/** The results of a list of works, place by place. */
export type AllResults<W extends readonly unknown[]> = {
  -readonly [I in keyof W]: WorkResult<W[I]>;
};

/**
 * Does all works at once, and evaluates to their results in the order given. The first failure cancels the
 * others; when all have ended, it is thrown, and an `AggregateError` if several failed. A cancel goes to
 * all of them.
 *
 * Operations, tasks, futures and promises are waited for in the current task: a lock that `all` acquires is
 * the current task's. If `all` fails, what was acquired is given back; an item that a `get` has taken by
 * then is lost with its result. Bodies are child tasks.
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
 * @param works Operations, bodies, generators, tasks, futures or promises.
 * @returns An operation that evaluates to the tuple of results.
 */
export function all<const W extends readonly Work<unknown>[]>(works: W): Operation<AllResults<W>> {
  checkWorks(works, "all");
  works.forEach(takeOver);
  const label = `all(${works.length})`;
  if (works.every(isBare)) {
    return operation(label, (wait: Wait<AllResults<W>>) => {
      if (works.length === 0) return (wait as Wait<unknown>).settle([]);
      gather(wait as Wait<unknown>, label, sortWorks(works).starts, () => {});
    }, works.length === 0 ? CEDES : null);
  }
  return sequence(
    label,
    () => gatherMixed(works, label) as Generator<unknown, AllResults<W>, unknown>,
  );
}

/** Begins all of them in the place of `wait`. */
function gather(
  wait: Wait<unknown>,
  label: string,
  starts: readonly CaseStart[],
  onFailure: (error: unknown) => void,
): void {
  new Gathering(wait, label, onFailure).begin(starts, starts.keys());
}

/** Operations and bodies together: those in this task, these as children of it. */
function* gatherMixed(
  works: readonly Work<unknown>[],
  label: string,
): Generator<unknown, unknown[], unknown> {
  const { starts, places, bodies } = sortWorks(works);
  using entered = new Entered();
  const parent = currentTask();
  const childTasks = new ChildTasks("all", parent, (child) => {
    if (child.failed) stop(`sibling "${child}" failed`, child.error);
  });
  const stop = (reason: string, cause: unknown): void => {
    childTasks.cancel(reason, cause);
    entered.scope.abort("group", reason, cause);
  };
  const failed = (error: unknown): void => {
    childTasks.errors.push(error);
    stop("an operation beside it failed", error);
  };
  const results: unknown[] = [];
  // The values of the operations reach nobody if a body fails after them: they are given back.
  using undoing = new DisposableStack();
  const children = new Map<number, Task>();
  try {
    for (const { index, generator } of bodies) {
      children.set(index, childTasks.spawn(`all[${index}]`, generator));
    }
    if (starts.length > 0) {
      const values = yield* operation<unknown[]>(
        label,
        (wait) => gather(wait, label, starts, failed),
      ) as Iterable<unknown, unknown[], unknown>;
      for (const [at, index] of places.entries()) {
        results[index] = values[at];
        undoing.defer(() => starts[at]!.undo?.(values[at], parent));
      }
    }
    yield* childTasks.done();
  } catch (error) {
    childTasks.cancelled(error);
    using _shield = new Entered({ shielded: true });
    yield* childTasks.done();
    if (childTasks.errors.length === 0) throw error;
  }
  if (childTasks.errors.length > 0) throw combine(childTasks.errors, "all");
  for (const [index, child] of children) results[index] = valueOf(child);
  undoing.move();
  return results;
}

/** A child's value; one that was cancelled on its own has none, and throws its `Cancelled`. */
function valueOf(child: Task): unknown {
  if (child.cancelled) throw child.error;
  return child.value;
}

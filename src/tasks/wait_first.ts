/**
 * Waiting for the first of several, whatever comes of it: tasks and futures that are under way, or operations.
 *
 * The two differ in what is left over. A task goes on and can be asked again; an operation that was not
 * taken has not happened. So the first kind is given out itself, the second as a record of how it ended.
 */
import { Choice } from "../kernel/combined_waits.ts";
import { checkList, checkOptions, checkWhole, COUNT, hasMethod } from "../kernel/checks.ts";
import { CEDES, type Operation, operation, sequence, takeOver } from "../kernel/operation.ts";
import { show } from "../kernel/printable.ts";
import { keepHandled } from "../kernel/trap.ts";
import type { Wait } from "../kernel/wait.ts";
import { type Ending, Ends } from "./join.ts";
import { isBare, toCase, type WorkResult } from "./perform.ts";
import { choose } from "./race.ts";

/** How to wait for the first of several. */
export interface WaitFirstOptions {
  /** How many to wait for. @default {1} */
  count?: number;
}

/** How an operation has ended, and which it was of those that were given. */
export type FirstOutcome<T> =
  | { readonly index: number; readonly status: "fulfilled"; readonly value: T }
  | { readonly index: number; readonly status: "rejected"; readonly reason: unknown };

/**
 * Waits until the first of several tasks or futures has ended, in whatever way.
 *
 * Nobody is cancelled, and no error is thrown: look at what has ended. It evaluates to a list because a
 * task that came out of an `await` by itself would be waited for once more. As Python's
 * `concurrent.futures.wait(…, FIRST_COMPLETED)` and `gevent.wait(…, count)`.
 *
 * @example The faster of two
 * ```ts
 * import { run, sleep, spawn, waitFirst } from "@weft/weft";
 * await run(async function* () {
 *   const nap = async function* (ms: number) {
 *     yield* sleep(ms);
 *     return ms;
 *   };
 *   const [first] = yield* waitFirst([spawn(nap, 9), spawn(nap, 1)]);
 *   if (first?.value !== 1) throw new Error("the slower one");
 * });
 * ```
 *
 * @example Operations: two of three, and the third has not happened
 * ```ts
 * import { Queue, run, waitFirst } from "@weft/weft";
 * await run(async function* () {
 *   const queues = [1, 2, 3].map(() => new Queue<string>());
 *   for (const queue of queues) queue.tryPut("item");
 *   const first = yield* waitFirst(queues.map((queue) => queue.get()), { count: 2 });
 *   if (first.length !== 2 || !queues.some((queue) => queue.size === 1)) throw new Error();
 * });
 * ```
 *
 * @typeParam E Tasks, or futures, or both.
 * @param endings What to wait for; each counts once.
 * @param options How many.
 * @returns An operation that evaluates to the first `count` that ended, in that order; to all of them
 *   if there are no more.
 * @throws {RangeError} If the count is no whole number of at least 1.
 */
export function waitFirst<E extends Ending>(
  endings: Iterable<E>,
  options?: WaitFirstOptions,
): Operation<E[]>;
/**
 * The same over operations and promises: each is taken as {@linkcode race} takes one, and evaluates to a
 * record of how it ended. What is not among them has not happened.
 */
export function waitFirst<O extends PromiseLike<unknown>>(
  operations: Iterable<O>,
  options?: WaitFirstOptions,
): Operation<FirstOutcome<WorkResult<O>>[]>;
export function waitFirst(
  given: Iterable<Ending | PromiseLike<unknown>>,
  options: WaitFirstOptions = {},
): Operation<unknown[]> {
  keepHandled(given);
  const distinct = [...new Set(checkList(given, "tasks, futures or operations"))];
  distinct.forEach(keepHandled);
  const { count = 1 } = checkOptions(options, "waitFirst()");
  checkWhole(count, "wait for the first", "to end", COUNT);
  for (const one of distinct) {
    if (isEnding(one) || isBare(one)) continue;
    throw new TypeError(
      `Cannot wait for ${show(one)}: it must be a task, a future, an operation or a promise`,
    );
  }
  distinct.forEach(takeOver);
  const label = `waitFirst(${distinct.length})`;
  if (distinct.length === 0) return operation(label, (wait) => wait.settle([]), CEDES);
  const wanted = Math.min(count, distinct.length);
  if (distinct.every(isEnding)) {
    return sequence(label, () => firstEnds(distinct as Ending[], wanted));
  }
  return sequence(label, () => firstOutcomes(distinct as PromiseLike<unknown>[], wanted, label));
}

function isEnding(one: unknown): one is Ending {
  return typeof one === "object" && one !== null && hasMethod(one, "link");
}

function* firstEnds<E extends Ending>(
  endings: readonly E[],
  wanted: number,
): Generator<unknown, E[], unknown> {
  using ends = new Ends(endings);
  const ended: E[] = [];
  ended.push(yield* ends.next());
  while (ended.length < wanted) ended.push(ends.take() ?? (yield* ends.next()));
  return ended;
}

function* firstOutcomes(
  works: readonly PromiseLike<unknown>[],
  wanted: number,
  label: string,
): Generator<unknown, FirstOutcome<unknown>[], unknown> {
  const left = new Map(works.map((work, index) => [index, toCase(work)]));
  const outcomes: FirstOutcome<unknown>[] = [];
  while (outcomes.length < wanted) {
    const indices = [...left.keys()];
    let choice: Choice | undefined;
    const one = operation<unknown>(label, (wait: Wait<unknown>) => {
      choice = new Choice(wait, label, (_, value) => value);
      // Only the first choice has its turn; those after it take what is left, as listed.
      if (outcomes.length === 0) choose(choice, [...left.values()]);
      else choice.begin([...left.values()], indices.keys());
    }) as Iterable<unknown, unknown, unknown>;
    let outcome: { status: "fulfilled"; value: unknown } | { status: "rejected"; reason: unknown };
    try {
      outcome = { status: "fulfilled", value: yield* one };
    } catch (reason) {
      if (choice === undefined || choice.taken === null) throw reason; // its own cancel
      outcome = { status: "rejected", reason };
    }
    const index = indices[choice!.taken!]!;
    left.delete(index);
    outcomes.push({ index, ...outcome });
  }
  return outcomes;
}

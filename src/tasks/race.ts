/**
 * The first of several: `race` takes one, and nothing is left of the others; `waitFirst` tells which came first,
 * and lets the others go on.
 *
 * Operations are cases of a {@linkcode Choice} in the caller's own task. Bodies cannot be: they have begun to
 * act before it is known who wins. So they are children, and that one of them has ended is one more case.
 * A body that wins has ended before it is taken; one that loses is cancelled, and cleans up first.
 *
 * `waitFirst` gives out tasks and futures themselves, since they can be asked again. An operation that was not
 * taken has not happened, so of operations it gives a record of how each ended.
 */
import {
  checkList,
  checkObject,
  checkOptions,
  checkWhole,
  COUNT,
  hasMethod,
} from "../kernel/checks.ts";
import { type CaseStart, Choice } from "../kernel/combined_waits.ts";
import { Entered } from "../kernel/scope.ts";
import { combine, NOTHING } from "../kernel/errors.ts";
import {
  CEDES,
  type Operation,
  operation,
  placeOf,
  sequence,
  takeOver,
} from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import { keepHandled } from "../kernel/trap.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { ChildTasks } from "./child_tasks.ts";
import {
  checkWorks,
  isBare,
  type SortedWorks,
  sortWorks,
  toCase,
  type Work,
  type WorkResult,
} from "./perform.ts";
import { currentTask } from "./run.ts";
import { show } from "../kernel/printable.ts";
import { type Ending, Ends } from "./join.ts";

/** What a race by names evaluates to: the winner's name and its result, as one pair for each case. */
export type RaceResult<C extends Readonly<Record<string, unknown>>> = {
  [K in keyof C & string]: readonly [K, WorkResult<C[K]>];
}[keyof C & string];

/**
 * Waits for several things at once, and takes the first: Go's `select`, `choose` of Concurrent ML, "first
 * of". Evaluates to its result, or throws its error; with names, to the pair `[name, result]`.
 *
 * **Operations** (`queue.get()`, `queue.put(x)`, `socket.recv(n)`, `listener.accept()`, `lock.acquire()`,
 * `event.wait()`, `sleep(ms)`, a task, a future, a promise, …) are an atomic choice, made in the current task:
 * exactly one happens, and the others have not taken or given anything. A lock that is won is the current
 * task's. When several are ready, the first in the list is taken; a later race for the same things looks
 * first at those behind the one it took last, so none is starved. In a run with a seed, chance decides.
 * When none is ready, the first to become so is taken.
 *
 * **Operations made of others** (`withTimeout(ms, …)`, `event.wait(ms)`, `condition.wait()`, `joinAll(…)`, …)
 * run in the current task, too, but step by step: the losers are cancelled and have cleaned up when the race
 * ends. What such a loser had just taken is given back if it can be, as an item of a queue or a lock can,
 * and is lost if not, as what `recv` gave; so race `recv(n)` with `sleep(ms)`, and not `withTimeout(ms,
 * recv(n))` with others. `sendAll` is like them: what it has sent is sent; and a barrier breaks when one
 * who waits at it leaves. An operation that cannot be stopped (a datagram on its way) is waited for.
 *
 * **Bodies** (generator functions and generators) are child tasks. The losers are cancelled, and have
 * cleaned up when the race ends; an error of theirs is thrown, too. Locks they take are their own.
 *
 * A cancel goes to all of them. If one has been taken by then, the race ends with that, and the cancel is
 * thrown at the next checkpoint.
 *
 * @example Whichever comes first, by name
 * ```ts
 * import { Event, Queue, race, run } from "@weft/weft";
 * const seen: unknown[] = [];
 * await run(async function* () {
 *   const jobs = new Queue<string>();
 *   const stop = new Event();
 *   jobs.tryPut("one");
 *   queueMicrotask(() => stop.set());
 *   for (;;) {
 *     const [what, job] = yield* race({ job: jobs.get(), stop: stop.wait() });
 *     if (what === "stop") break;
 *     seen.push(job);
 *   }
 * });
 * if (seen.join() !== "one") throw new Error(seen.join());
 * ```
 *
 * @typeParam W The works, as a tuple.
 * @param works At least one operation, body, generator, task, future or promise.
 * @returns An operation that evaluates to the winner's result.
 * @throws {RangeError} If there are no works: nobody could win.
 */
export function race<const W extends readonly Work<unknown>[]>(
  works: W,
): Operation<WorkResult<W[number]>>;
/** The same with a name for each case: `[name, result]`. */
export function race<const C extends Readonly<Record<string, Work<unknown>>>>(
  cases: C,
): Operation<RaceResult<C>>;
export function race(
  given: readonly Work<unknown>[] | Readonly<Record<string, Work<unknown>>>,
): Operation<unknown> {
  keepHandled(given);
  checkObject(given, "works of race() (a list, or works by name)");
  const names = Array.isArray(given) ? null : Object.keys(given);
  const works: readonly Work<unknown>[] = Array.isArray(given) ? given : Object.values(given);
  if (works.length === 0) throw new RangeError("Cannot race 0 works: nobody could win");
  checkWorks(works, "race");
  works.forEach(takeOver);
  const named = (index: number, value: unknown): unknown =>
    names === null ? value : [names[index], value];
  const label = `race(${works.length})`;
  if (works.every(isBare)) {
    return operation(label, (wait: Wait<unknown>) => {
      choose(new Choice(wait, label, named), works.map(toCase));
    });
  }
  return sequence(label, function* () {
    return yield* new MixedRace(works, label, named).run();
  });
}

/** Begins a choice among cases, in the order that the run gives. */
export function choose(choice: Choice, starts: readonly CaseStart[]): void {
  const task = choice.outer.task;
  const { cases } = schedulerOf(task);
  const place = starts.map(placeOf).find((one) => one !== null) ?? task;
  choice.begin(starts, cases.order(starts.length, place));
  if (choice.taken !== null) cases.taken(choice.taken, place);
}

/** A race in which there are bodies. */
class MixedRace {
  readonly #works: SortedWorks;
  readonly #label: string;
  readonly #named: (index: number, value: unknown) => unknown;
  readonly #childTasks: ChildTasks;
  readonly #indexOf = new Map<Task, number>();
  readonly #exits: WaitQueue<void>;
  readonly #parent = currentTask();
  #first: Task | null = null;
  /** Gives back the value of the operation that was taken. */
  #giveBack: (() => void) | null = null;

  constructor(
    works: readonly Work<unknown>[],
    label: string,
    named: (index: number, value: unknown) => unknown,
  ) {
    this.#label = label;
    this.#named = named;
    this.#works = sortWorks(works);
    this.#childTasks = new ChildTasks("race", this.#parent, (child) => this.#exited(child), {
      isFickle: true,
    });
    this.#exits = new WaitQueue<void>(this.#childTasks, "children");
  }

  *run(): Generator<unknown, unknown, unknown> {
    let result: unknown = undefined;
    const errors: unknown[] = [];
    let cancel: unknown = undefined;
    try {
      for (const { index, generator } of this.#works.bodies) {
        this.#indexOf.set(this.#childTasks.spawn(`race[${index}]`, generator), index);
      }
      result = yield* this.#choice() as Iterable<unknown, unknown, unknown>;
    } catch (error) {
      const parts = this.#childTasks.scope.partAll(error);
      if (parts.rest === NOTHING) cancel = parts.cancel;
      else errors.push(parts.rest);
    }
    yield* this.#end(cancel);
    errors.push(...this.#childTasks.errors);
    if (errors.length > 0) {
      this.#giveBack?.();
      throw combine(errors, this.#label);
    }
    if (cancel !== undefined) throw cancel;
    if (this.#first?.cancelled === true && result === this.#first) throw this.#first.error;
    return result === this.#first && this.#first !== null
      ? this.#named(this.#indexOf.get(this.#first)!, this.#first.value)
      : result;
  }

  /** The cases, and one more: that a child has ended. It evaluates to the child. */
  #choice(): Operation<unknown> {
    const ended = operation<void>(this.#exits, (wait) => {
      if (this.#first !== null) wait.settle();
      else this.#exits.park(wait);
    });
    const { starts, places } = this.#works;
    const cases = [...starts, toCase(ended)];
    const onValue = (at: number, value: unknown): unknown => {
      if (at === places.length) return this.#first;
      this.#giveBack = () => starts[at]!.undo?.(value, this.#parent);
      return this.#named(places[at]!, value);
    };
    return operation(this.#label, (wait: Wait<unknown>) => {
      choose(new Choice(wait, this.#label, onValue), cases);
    });
  }

  /** Cancels the children that are left and waits for them: what was taken is not lost by a cancel now. */
  *#end(cancel: unknown): Generator<unknown, void, unknown> {
    const why = this.#first === null ? "another was first" : `"${this.#first}" was first`;
    if (cancel !== undefined) this.#childTasks.cancelled(cancel);
    else this.#childTasks.cancel(why);
    using _shield = new Entered({ shielded: true });
    yield* this.#childTasks.done();
  }

  #exited(child: Task): void {
    if (this.#first !== null) return;
    this.#first = child;
    this.#childTasks.cancel(`"${child}" was first`);
    this.#exits.wake();
  }
}

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

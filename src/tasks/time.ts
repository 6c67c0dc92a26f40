/**
 * Time: letting it pass, limiting it, and asking for it.
 *
 * `sleep` waits and `cede` lets others go first; `withTimeout` throws when the time is up, `moveOnAfter` and
 * `moveOnAt` go on. All go by the clock of the run, so that a test on a virtual one takes no time.
 */
import { checkMs } from "../kernel/checks.ts";
import {
  CEDES,
  type Operation,
  operation,
  sequence,
  takeOver,
  undoOf,
  undoOfMaybe,
} from "../kernel/operation.ts";
import type { Timer } from "../kernel/clock.ts";
import { cedeTrap } from "../kernel/trap.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { currentScope } from "../kernel/context.ts";
import { type CancelScope, type Entered, inScope, within } from "../kernel/scope.ts";
import { TimeoutError } from "../kernel/errors.ts";
import { show } from "../kernel/printable.ts";
import { takeAsyncSite, withSite } from "../kernel/sites.ts";
import { Task } from "../kernel/task.ts";
import { checkWork, perform, type Work } from "./perform.ts";
import { currentTask } from "./run.ts";

/** A sleep under way. */
class Sleeping implements WaitSource {
  readonly host = "none";
  readonly #ms: number;
  readonly #timer: Timer;

  constructor(ms: number, wait: Wait<void>) {
    this.#ms = ms;
    this.#timer = wait.scope!.task.timers.after(ms, () => wait.settle());
  }

  abandon(wait: Wait): boolean {
    wait.scope!.task.timers.cancel(this.#timer);
    return true;
  }

  toString(): string {
    return `sleep(${this.#ms})`;
  }
}

/**
 * Sleeps for `ms` milliseconds, at least. Sleepers wake in the order of their deadlines; those with the
 * same deadline in the order in which they fell asleep. `sleep(0)` waits for the next look at the
 * timers; to let others go first, use {@linkcode cede}. `sleep(Infinity)` waits for a cancel.
 *
 * @example On the virtual clock it takes no time
 * ```ts
 * import { run, sleep } from "@weft/weft";
 * import { VirtualClock } from "@weft/weft/testing";
 * const clock = new VirtualClock();
 * await run(async function* () {
 *   yield* sleep(3_600_000);
 * }, { clock });
 * if (clock.now() !== 3_600_000) throw new Error("overslept");
 * ```
 *
 * @param ms How long, in milliseconds.
 * @returns An operation; a cancel ends the sleep at once.
 * @throws {RangeError} If `ms` is negative or not a number.
 */
export function sleep(ms: number): Operation<void> {
  checkMs(ms, "a time to sleep");
  return operation("sleep()", (wait: Wait<void>) => wait.park(new Sleeping(ms, wait)));
}

/**
 * Goes to the back of the ready queue: every task that is ready now gets a turn first. A bare `yield`
 * does the same for less.
 *
 * @returns An operation that is a checkpoint and nothing else.
 */
export function cede(): Operation<void> {
  return operation<void>(cedeTrap, (wait) => cedeTrap.begin(wait), CEDES);
}

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

/**
 * Like {@linkcode moveOnAfter}, with a deadline in place of a length of time.
 *
 * @typeParam T What the work evaluates to.
 * @param deadline When to move on, on the clock of the run: see {@linkcode now}.
 * @param work An operation, a body, a generator, a task or a promise.
 * @returns An operation that evaluates to the work's result, or to `undefined` when time ran out.
 * @throws {RangeError} If the deadline is not a number.
 */
export function moveOnAt<T>(deadline: number, work: Work<T>): Operation<T | undefined> {
  checkWork(work, "give a deadline to");
  takeOver(work);
  checkDeadline(deadline);
  const begin = (entered: Entered): Iterable<unknown, T, unknown> => {
    entered.deadline = deadline;
    return perform(work);
  };
  return sequence(
    `moveOnAt(${deadline})`,
    () => inScope({ movable: true }, begin, () => undefined),
    undoOfMaybe(work),
  );
}

/**
 * When the code that asks will be cancelled by a deadline: the earliest of all scopes around it, of the
 * groups its task is a child of too, up to the next shield. For those who ask another side to be quick.
 *
 * @example What is left of the time
 * ```ts
 * import { effectiveDeadline, now, run, withTimeout } from "@weft/weft";
 * const left = await run(async function* () {
 *   return yield* withTimeout(500, withTimeout(1000, async function* () {
 *     return effectiveDeadline() - now();
 *   }));
 * });
 * if (left > 500 || left < 400) throw new Error(String(left));
 * ```
 *
 * @returns A time on the clock of the run; `Infinity` without any deadline, `-Infinity` if a cancel has come.
 * @throws {Error} If no task is running.
 */
export function effectiveDeadline(): number {
  let earliest = Infinity;
  currentTask(); // outside of a run there is no deadline to ask for
  let scope: CancelScope | null = currentScope();
  while (scope !== null) {
    if (scope.cause !== null) return -Infinity;
    earliest = Math.min(earliest, scope.deadline);
    if (scope.shielded) return earliest;
    scope = scope.parent ?? keeperScope(scope);
  }
  return earliest;
}

/**
 * The time on the clock of the current run, in milliseconds: that of `performance.now()`, unless the run was
 * given another clock. Deadlines are on its scale.
 *
 * @throws {Error} If no task is running.
 */
export function now(): number {
  return currentTask().timers.now();
}

/** The scope of the group that answers for a task, whose outermost scope is given. */
function keeperScope(task: CancelScope): CancelScope | null {
  return task instanceof Task ? task.rare?.keeper?.scope ?? null : null;
}

/**
 * Makes sure that a deadline is a time.
 *
 * @throws {RangeError} If it is not a number.
 */
export function checkDeadline(at: number): void {
  if (typeof at === "number" && !Number.isNaN(at)) return;
  throw new RangeError(`Cannot use ${show(at)} as a deadline: it must be a number of milliseconds`);
}

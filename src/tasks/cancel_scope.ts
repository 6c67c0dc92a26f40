/**
 * Cancel scopes as objects: a part of a task that can be cancelled from anywhere, and whose deadline moves.
 *
 * `withTimeout` and `moveOnAfter` are the short forms for the two usual endings. Here the caller decides
 * afterwards: the scope says whether its own cancel ended the body, which a result of `undefined` cannot.
 *
 * A {@linkcode shield} is such a scope, too: it protects clean-up from the cancel that caused it.
 */
import { checkFlag, checkMs, checkOptions } from "../kernel/checks.ts";
import { Entered, inScope, WaitMark } from "../kernel/scope.ts";
import { type Operation, sequence, takeOver, undoOf } from "../kernel/operation.ts";
import { checkBody, checkWork, type EitherGenerator, perform, type Work } from "./perform.ts";
import { cede, checkDeadline } from "./time.ts";

/** How a cancel scope is to be. */
export interface CancelScopeOptions {
  /** When it is cancelled, on the clock of the run: see {@linkcode now}. @default never */
  readonly deadline?: number;
  /** After how many milliseconds it is cancelled. With both, the earlier counts. @default never */
  readonly timeout?: number;
  /** Whether cancels from outside do not reach the body: see {@linkcode shield}. @default {false} */
  readonly shield?: boolean;
}

/**
 * A part of a task that can be cancelled on its own: what {@linkcode cancelScope} and a group hand out.
 *
 * Can be set: `deadline`, when it is cancelled, on the clock of the run; `Infinity` for never.
 */
export class Scope {
  readonly #entered: Entered;
  #ending: "open" | "passed" | "cancelled" = "open";

  /** Made by {@linkcode cancelScope}. */
  constructor(entered: Entered) {
    this.#entered = entered;
  }

  /**
   * Cancels what runs in it: now, where it waits, and at each later checkpoint. The body's end by that is no
   * error. Never a checkpoint; may be called from anywhere. The first cancel counts; after the end it has
   * no effect.
   *
   * @param reason Kept in the {@linkcode Cancelled}.
   */
  cancel(reason?: unknown): void {
    if (this.#ending === "open") this.#entered.scope.abort("explicit", reason);
  }

  /**
   * Whether its own cancel, or its deadline, ended the body; while the body still runs, whether it is being
   * cancelled. A body that returned all the same was not cancelled.
   */
  get cancelled(): boolean {
    if (this.#ending === "open") return this.#entered.scope.cause !== null;
    return this.#ending === "cancelled";
  }

  /** When it is cancelled, on the clock of the run; `Infinity` for never. May be set to move it. */
  get deadline(): number {
    return this.#entered.deadline;
  }

  set deadline(at: number) {
    checkDeadline(at);
    if (this.#ending === "open") this.#entered.deadline = at;
  }

  /** Notes how it ended. For the operation that it belongs to. */
  ended(byItsCancel: boolean): void {
    this.#ending = byItsCancel ? "cancelled" : "passed";
  }
}

/**
 * Runs `body` within the current task, in a scope that can be cancelled on its own.
 *
 * When `scope.cancel()` or the deadline ends the body, its clean-up runs to the end, and the operation
 * evaluates to `undefined`: ask `scope.cancelled`. A cancel from outside passes through.
 *
 * @example A watchdog that gets more time
 * ```ts
 * import { cancelScope, now, run, type Scope, sleep } from "@weft/weft";
 * import { VirtualClock } from "@weft/weft/testing";
 * let watched: Scope | undefined;
 * const rounds = await run(async function* () {
 *   let n = 0;
 *   yield* cancelScope({ timeout: 10 }, async function* (scope) {
 *     watched = scope;
 *     for (; n < 3; n++) {
 *       yield* sleep(8);
 *       scope.deadline = now() + 10;
 *     }
 *     yield* sleep(60_000);
 *   });
 *   return n;
 * }, { clock: new VirtualClock() });
 * if (rounds !== 3 || !watched?.cancelled) throw new Error(String(rounds));
 * ```
 *
 * @typeParam T What the body returns.
 * @param options Deadline, timeout, shield.
 * @param body A `function*` or an `async function*` of the scope.
 * @returns An operation that evaluates to what the body returned, or to `undefined` if it was cancelled.
 * @throws {RangeError} If the timeout is negative, or the deadline not a number.
 */
export function cancelScope<T>(
  options: CancelScopeOptions,
  body: (scope: Scope) => EitherGenerator<T>,
): Operation<T | undefined> {
  const { deadline = Infinity, timeout = Infinity, shield = false } = checkOptions(
    options,
    "cancelScope()",
  );
  checkFlag(shield, "shield");
  checkBody(body, "run a cancel scope of");
  checkMs(timeout, "a timeout");
  checkDeadline(deadline);
  return sequence("cancelScope()", function* () {
    const mark = new WaitMark();
    let value: T | undefined;
    {
      using entered = new Entered({ shielded: shield, movable: true, ms: timeout });
      if (deadline < entered.deadline) entered.deadline = deadline;
      const scope = new Scope(entered);
      try {
        value = yield* perform(() => body(scope));
        scope.ended(false);
      } catch (error) {
        scope.ended(error !== null && entered.scope.part(error).cancel !== null);
        entered.absorb(error);
      }
    }
    if (mark.untouched) yield* cede();
    return value;
  });
}

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
  return sequence(
    "shield()",
    () => inScope<T, never>({ shielded: true }, () => perform(work)),
    undoOf(work),
  );
}

/**
 * A value that one task gives and others wait for: `gevent.event.AsyncResult` for tasks.
 *
 * Not a promise: setting it twice is an error here, as it is for Python's futures, since the second
 * value would vanish (gevent lets it replace the first). Nor a task: nobody is bound to set it, and so
 * an error that nobody asks for is not reported; it is still its setter's.
 */
import { checkMs } from "../kernel/checks.ts";
import { within } from "../kernel/scope.ts";
import { callSafely, Links, safeWarn, thrownText } from "../kernel/callback.ts";
import { currentScope } from "../kernel/context.ts";
import { TimeoutError, WouldBlock } from "../kernel/errors.ts";
import { printable, reportName } from "../kernel/printable.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { takeAsyncSite, withSite } from "../kernel/sites.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/** What a result is doing. */
export interface AsyncResultStatistics {
  /** Whether it has been set, and to what. */
  readonly state: "pending" | "value" | "error";
  /** How many tasks wait for it. */
  readonly waiting: number;
}

type ResultState<T> =
  | { readonly state: "pending" }
  | { readonly state: "value"; readonly value: T }
  | { readonly state: "error"; readonly error: unknown };

/**
 * A value, or an error, that is set once.
 *
 * - All waiters go on when it is set, in the order in which they came; later ones at once.
 * - Setting never waits, and may be done outside of tasks.
 * - A cancelled `get` leaves no trace.
 *
 * @example An answer from a callback
 * ```ts
 * import { AsyncResult, run } from "@weft/weft";
 * const answer = await run(function* () {
 *   const result = new AsyncResult<number>();
 *   queueMicrotask(() => result.set(42));
 *   return yield* result.get(1000);
 * });
 * if (answer !== 42) throw new Error(String(answer));
 * ```
 *
 * @typeParam T The value's type.
 */
export class AsyncResult<T> {
  readonly #name: string;
  readonly #gets: WaitQueue<T>;
  readonly #waits: WaitQueue<T | undefined>;
  #outcome: ResultState<T> = { state: "pending" };
  readonly #links = new Links<() => void>();
  readonly #beginGet = (wait: Wait<T>): void => {
    const outcome = this.#outcome;
    if (outcome.state === "pending") this.#gets.park(wait);
    else if (outcome.state === "value") wait.settle(outcome.value);
    else wait.fail(outcome.error);
  };
  readonly #beginWait = (wait: Wait<T | undefined>): void => {
    if (this.ready) wait.settle(this.value);
    else this.#waits.park(wait);
  };

  /** Makes one that is not set; `name` is what reports call it. */
  constructor(name?: string) {
    this.#name = reportName("AsyncResult", name);
    this.#gets = new WaitQueue<T>(this, "get");
    this.#waits = new WaitQueue<T | undefined>(this, "wait");
  }

  /** Whether it has been set, to a value or an error. */
  get ready(): boolean {
    return this.#outcome.state !== "pending";
  }

  /** Whether it has been set to a value. */
  get successful(): boolean {
    return this.#outcome.state === "value";
  }

  /** The value; `undefined` until it is set, and when an error was set. */
  get value(): T | undefined {
    return this.#outcome.state === "value" ? this.#outcome.value : undefined;
  }

  /** The error; `undefined` until one is set. */
  get error(): unknown {
    return this.#outcome.state === "error" ? this.#outcome.error : undefined;
  }

  /**
   * Sets the value: every waiter goes on. Never a checkpoint.
   *
   * @throws {Error} If it has been set before.
   */
  set(value: T): void {
    this.#conclude({ state: "value", value });
  }

  /**
   * Sets an error, which every `get` throws. Never a checkpoint.
   *
   * @throws {Error} If it has been set before.
   */
  setError(error: unknown): void {
    this.#conclude({ state: "error", error });
  }

  /**
   * Waits for the value.
   *
   * @param ms How many milliseconds at most.
   * @returns An operation that evaluates to the value, or throws the error that was set.
   * @throws {TimeoutError} If `ms` have passed first.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  get(ms?: number): Operation<T> {
    if (ms === undefined) return operation(this.#gets, this.#beginGet);
    checkMs(ms, "a timeout");
    const site = takeAsyncSite();
    return sequence(`${this.#name}.get(${ms})`, () =>
      within(ms, () => this.get(), () => {
        throw withSite(new TimeoutError(ms, this.#name), site);
      }));
  }

  /**
   * Waits until it is set, without throwing what was set.
   *
   * @param ms Gives up after so many milliseconds, without an error: ask {@linkcode AsyncResult.ready}.
   * @returns An operation that evaluates to the value, or to `undefined` if there is none.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  wait(ms?: number): Operation<T | undefined> {
    if (ms === undefined) return operation(this.#waits, this.#beginWait);
    checkMs(ms, "a timeout");
    return sequence(
      `${this.#name}.wait(${ms})`,
      () => within(ms, () => this.wait(), () => undefined),
    );
  }

  /**
   * The value, without waiting. Throws the error that was set. Never a checkpoint.
   *
   * @throws {WouldBlock} If it has not been set.
   */
  tryGet(): T {
    const outcome = this.#outcome;
    if (outcome.state === "value") return outcome.value;
    if (outcome.state === "error") throw outcome.error;
    throw new WouldBlock(`Cannot get ${this.#name} now: it has not been set`);
  }

  /**
   * Calls `fn` once it has been set, in the setter's step; at once if it has been. What it throws is
   * reported through the `warn` of the run that made the link, and the others are called all the same.
   */
  link(fn: (result: AsyncResult<T>) => void): void {
    const task = currentScope()?.task;
    const link = (): void =>
      callSafely(() => fn(this), (error) => {
        const by = task === undefined ? "" : `, made by task "${task}"`;
        const text = thrownText(`A link of ${printable(this.#name)}${by},`, error);
        if (task === undefined) safeWarn(console.warn)(text);
        else task.host.warn(text);
      });
    if (this.ready) link();
    else this.#links.add(fn, link);
  }

  /** Forgets a callback that was given to {@linkcode link}; one that was called, or never given, is no error. */
  unlink(fn: (result: AsyncResult<T>) => void): void {
    this.#links.delete(fn);
  }

  /** A frozen record of state and waiters. */
  statistics(): AsyncResultStatistics {
    return Object.freeze({
      state: this.#outcome.state,
      waiting: this.#gets.size + this.#waits.size,
    });
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  #conclude(outcome: ResultState<T>): void {
    if (this.ready) {
      throw new Error(`Cannot set ${this.#name} again: it has ${articleOf(this.#outcome.state)}`);
    }
    this.#outcome = outcome;
    if (outcome.state === "value") this.#gets.wakeAll(outcome.value);
    else this.#gets.failAll(this.error);
    this.#waits.wakeAll(this.value);
    this.#links.callAll((link) => link());
  }
}

function articleOf(state: string): string {
  return state === "error" ? "an error" : `a ${state}`;
}

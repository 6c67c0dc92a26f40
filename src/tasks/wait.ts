/** Promises as operations that can be cancelled, and signals that a cancel fires. */
import { abortSafely, thrownText } from "../kernel/callback.ts";
import { show } from "../kernel/printable.ts";
import { checkOptions, checkSignal, hasMethod, isClass } from "../kernel/checks.ts";
import { withScope } from "../kernel/context.ts";
import { cancelled } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import {
  isPlain,
  keepHandled,
  type PromiseSource,
  type PromiseWaits,
  waitsFor,
} from "../kernel/trap.ts";
import { beginning, type Wait } from "../kernel/wait.ts";

/** How to wait for a promise. */
export interface WaitOptions {
  /** Ends the wait with its reason when it aborts. */
  signal?: AbortSignal;
}

/** A promise, or a function that makes one and is told by a signal when nobody waits any more. */
export type WaitTarget<T> = PromiseLike<T> | ((signal: AbortSignal) => PromiseLike<T> | T);

class PromiseWait<T> implements PromiseSource {
  readonly host = "bound";
  readonly #wait: Wait<T>;
  readonly #outer: AbortSignal | undefined;
  /** Made for a function. */
  #inner: AbortController | null = null;
  #waits: PromiseWaits | null = null;

  constructor(wait: Wait<T>, outer: AbortSignal | undefined) {
    this.#wait = wait;
    this.#outer = outer;
  }

  begin(target: WaitTarget<T>): void {
    this.#outer?.throwIfAborted();
    // It listens before the function is called, which may be what aborts it.
    this.#outer?.addEventListener("abort", this.#onAbort);
    const promise = typeof target === "function" ? this.#call(target) : target;
    this.#waits = waitsFor(promise);
    if (this.#wait.done) return; // the function aborted the outer signal
    this.#waits.add(this.#wait as Wait, this);
    if (this.#wait.done) return;
    // The function may have cancelled the very task that waits for it, when nothing was parked yet.
    const cancel = this.#wait.scope!.pending;
    if (cancel === null) return;
    this.abandon();
    this.#wait.fail(cancel);
  }

  /**
   * Calls the user's code, which must find all lines as they are. A promise that it gives is taken as it is:
   * it may give the same one at each call, and an `await` of it would be kept for as long as it is pending.
   */
  #call(target: (signal: AbortSignal) => PromiseLike<T> | T): Promise<T> {
    const inner = this.#inner = new AbortController();
    const { choice } = beginning;
    beginning.choice = null;
    try {
      const given = withScope(this.#wait.scope, () => target(inner.signal));
      return isPlain(given) ? given as Promise<T> : Promise.resolve(given);
    } catch (error) {
      return Promise.reject(error);
    } finally {
      beginning.choice = choice;
    }
  }

  abandon(): boolean {
    this.#waits!.abandon(this.#wait as Wait);
    this.left();
    if (this.#inner === null) return true;
    this.#abort(this.#wait.scope!.pending ?? cancelled("explicit", "the wait was given up"));
    return true;
  }

  toString(): string {
    return "wait(promise)";
  }

  readonly #onAbort = (): void => {
    const { reason } = this.#outer!;
    if (this.#wait.source === this) this.#waits!.abandon(this.#wait as Wait);
    this.left();
    this.#abort(reason);
    this.#wait.fail(reason);
  };

  #abort(reason: unknown): void {
    const inner = this.#inner;
    if (inner === null || inner.signal.aborted) return;
    const task = this.#wait.task;
    abortSafely(inner, reason, (error) => {
      task.host.warn(thrownText(`A listener of a signal of wait(), in task "${task}",`, error));
    });
  }

  /** Listens to the outer signal no more. */
  left(): void {
    this.#outer?.removeEventListener("abort", this.#onAbort);
  }
}

/**
 * Makes a promise an operation that a cancel ends at once.
 *
 * The promise itself cannot be stopped: its result after a cancel is dropped. A function is
 * called when the wait begins, as part of the current task, and its signal aborts when the wait is
 * cancelled: hand it to `fetch` and the like to stop the work too.
 *
 * @example A request that a deadline stops
 * ```ts
 * import { moveOnAfter, run, wait } from "@weft/weft";
 * let stopped = false;
 * await run(async function* () {
 *   yield* moveOnAfter(1, wait((signal) => {
 *     return new Promise<void>(() => signal.addEventListener("abort", () => stopped = true));
 *   }));
 * });
 * if (!stopped) throw new Error("still going");
 * ```
 *
 * @typeParam T What the promise resolves to.
 * @param target A promise, or a function of a signal that gives one.
 * @param options An outer signal that ends the wait, too.
 * @returns An operation that evaluates to the promise's value and throws its rejection.
 */
export function wait<T>(target: WaitTarget<T>, options: WaitOptions = {}): Operation<T> {
  keepHandled(target);
  if (typeof target === "function" ? isClass(target) : !hasMethod(target, "then")) {
    throw new TypeError(
      `Cannot wait for ${show(target)}: it must be a promise, or a function that gives one`,
    );
  }
  checkSignal(checkOptions(options, "wait()").signal);
  return operation(
    "wait(promise)",
    (wait: Wait<T>) => new PromiseWait(wait, options.signal).begin(target),
  );
}

/**
 * Every trap: what task code may hand to the kernel, and nothing else gets through.
 *
 * Task code and kernel meet in one place only, a generator's `yield`. What may come out of it is a
 * wait already made (`yield*`), nothing (a bare `yield`: cede), an operation, or a promise. This file
 * turns each into a {@linkcode Startable}; anything else is an error at the line that yielded it.
 */
import { show } from "./printable.ts";
import type { Startable, Wait, WaitSource } from "./wait.ts";

/** Goes to the back of the ready queue. */
export const cedeTrap: Startable<void> = {
  begin(wait) {
    wait.checkpoint();
    wait.settle();
  },
  toString: () => "cede()",
};

/** Promises that have a handler: a race in a loop gives the same one again and again, and it keeps each. */
const handled = new WeakSet<object>();

/**
 * Takes it upon weft that a promise may reject: whoever was to wait for it may be cancelled before, and
 * the host ends a process for a rejection that nobody has asked for by then. To be called as soon as a
 * promise is given, before anything can throw. Only promises of the language are watched by the host; to
 * call the `then` of anything else might start what it stands for.
 */
export function keepHandled(value: unknown): void {
  try {
    if (!(value instanceof Promise) || handled.has(value)) return;
    handled.add(value);
    Promise.prototype.then.call(value, undefined, () => {});
  } catch {
    // A subclass whose constructor throws, or a proxy that was revoked; whoever waits for it will get to know.
  }
}

/**
 * Waits for a promise that code outside of weft will settle.
 *
 * The promise cannot be stopped: a cancelled wait lets go of it, and what it comes to is dropped.
 */
export class PromiseTrap<T> implements Startable<T> {
  /** To begin calls a `then`, which may be anybody's. */
  readonly composite = true;
  readonly #promise: PromiseLike<T>;

  /** Waits for `promise`. */
  constructor(promise: PromiseLike<T>) {
    keepHandled(promise);
    this.#promise = promise;
  }

  /** Attaches the handlers and parks. */
  begin(wait: Wait<T>): void {
    wait.checkpoint();
    settleBy(wait, this.#promise, () => {});
    if (!wait.done) wait.park(hostPromise);
  }

  /** Names it in reports. */
  toString(): string {
    return "wait(promise)";
  }
}

/**
 * Has a promise, or anything with a `then`, end a wait; `left` is called when it does. A `then` that
 * throws counts as a rejection, as for `await`.
 */
export function settleBy<T>(wait: Wait<T>, promise: PromiseLike<T>, left: () => void): void {
  const fail = (error: unknown): void => {
    left();
    wait.fail(error);
  };
  try {
    promise.then((value) => {
      left();
      wait.settle(value);
    }, fail);
  } catch (error) {
    fail(error);
  }
}

const hostPromise: WaitSource = {
  host: "bound",
  abandon: () => true,
  toString: () => "wait(promise)",
};

/** What to start for a value that came out of a bare `yield x`, or `null` if it is nothing to wait for. */
export function toStartable(value: unknown): Startable<unknown> | null {
  if (value === undefined) return cedeTrap;
  if (typeof value !== "object" || value === null) return null;
  if ("begin" in value && typeof value.begin === "function") return value as Startable<unknown>;
  if ("then" in value && typeof value.then === "function") {
    return new PromiseTrap(value as unknown as PromiseLike<unknown>);
  }
  return null;
}

/** The error for a value that nobody can wait for. */
export function notWaitable(value: unknown): TypeError {
  return new TypeError(
    `Cannot wait for ${
      show(value)
    }: yield an operation, a promise, or nothing; for another generator, write "yield*"`,
  );
}

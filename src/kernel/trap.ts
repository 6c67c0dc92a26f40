/**
 * Every trap: what task code may hand to the kernel, and nothing else gets through.
 *
 * Task code and kernel meet in one place only, a generator's `yield`. What may come out of it is a
 * wait already made (`yield*`), nothing (a bare `yield`: cede), an operation, or a promise. This file
 * turns each into a {@linkcode Startable}; anything else is an error at the line that yielded it.
 */
import { show } from "./printable.ts";
import { keepHandled, waitsFor } from "./promise_waits.ts";
import type { Startable, Wait } from "./wait.ts";

/** Goes to the back of the ready queue. */
export const cedeTrap: Startable<void> = {
  cedes: true,
  begin(wait) {
    wait.checkpoint();
    wait.settle();
  },
  toString: () => "cede()",
};

/**
 * Waits for a promise that code outside of weft will settle.
 *
 * The promise cannot be stopped: a cancelled wait lets go of it, and its result is dropped.
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

  /** Joins those who wait for it. */
  begin(wait: Wait<T>): void {
    wait.checkpoint();
    waitsFor(this.#promise).add(wait as Wait);
  }

  /** Names it in reports. */
  toString(): string {
    return "wait(promise)";
  }
}

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

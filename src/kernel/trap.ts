/**
 * Every trap: what task code may hand to the kernel, and nothing else gets through.
 *
 * Task code and kernel meet in one place only, a generator's `yield`. What may come out of it is a
 * wait already made (`yield*`), nothing (a bare `yield`: cede), an operation, or a promise. This file
 * turns each into a {@linkcode Startable}; anything else is an error at the line that yielded it.
 *
 * A promise is subscribed to once, however often it is waited for. The language keeps every `then` until the
 * promise settles, and there is no way to take one back. A race in a loop beside a promise that never settles
 * (a stop signal of a server) would leave two closures and a wait behind at each turn: 1.6 kB, measured. So
 * the kernel calls `then` once; its own waits stand in a line like all others, which they leave when they are
 * cancelled or lose. That goes only for promises whose `then` is the language's own. What anything else does
 * at a `then` is its own affair (it may start the work anew), so there each wait calls it.
 */
import { show } from "./printable.ts";
import type { Startable, Wait, WaitSource } from "./wait.ts";
import { WaitQueue } from "./wait_queue.ts";

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

// -- Promises --

/** A source of waits that is told when its promise has settled, just before the wait ends. */
export interface PromiseSource extends WaitSource {
  /** Lets go of what it held for the wait. */
  left(): void;
}

type Outcome = "pending" | "settled" | "failed";

const owner = { toString: () => "promise" };

/** The waits for one promise, in the order in which they came. Also their source, when they have no other. */
export class PromiseWaits extends WaitQueue<unknown> implements PromiseSource {
  #outcome: Outcome = "pending";
  #value: unknown = undefined;

  /** For a promise that is not subscribed to yet; a `then` that throws counts as a rejection, as for `await`. */
  constructor(promise: PromiseLike<unknown>) {
    super(owner, "wait", "bound");
    try {
      promise.then((value) => this.#end("settled", value), (error) => this.#end("failed", error));
    } catch (error) {
      this.#end("failed", error);
    }
  }

  /** Ends the wait if the promise has settled as far as is known, or else parks it. */
  add(wait: Wait, source: PromiseSource = this): void {
    if (this.#outcome === "pending") return this.park(wait, source);
    source.left();
    if (this.#outcome === "settled") wait.settle(this.#value);
    else wait.fail(this.#value);
  }

  /** Holds nothing for a wait. */
  left(): void {}

  /** The name reports show. */
  override toString(): string {
    return "wait(promise)";
  }

  #end(outcome: Outcome, value: unknown): void {
    if (this.#outcome !== "pending") return;
    this.#outcome = outcome;
    this.#value = value;
    for (let wait = this.shift(); wait !== null; wait = this.shift()) {
      (wait.source as PromiseSource).left();
      if (outcome === "settled") wait.settle(value);
      else wait.fail(value);
    }
  }
}

const known = new WeakMap<object, PromiseWaits>();

/** The waits for a promise, or for anything with a `then`. */
export function waitsFor(promise: PromiseLike<unknown>): PromiseWaits {
  let waits = known.get(promise);
  if (waits !== undefined) return waits;
  waits = new PromiseWaits(promise);
  if (isPlain(promise)) known.set(promise, waits);
  return waits;
}

/** Promises with a `then` of their own that have a handler. */
const handled = new WeakSet<object>();

/**
 * Takes it upon weft that a promise may reject: the task that was to wait for it may be cancelled before, and
 * the host ends a process for a rejection that nobody has asked for by then. To be called as soon as a
 * promise is given, before anything can throw. Only promises of the language are watched by the host; to
 * call the `then` of anything else might start what it stands for.
 */
export function keepHandled(value: unknown): void {
  try {
    if (!(value instanceof Promise)) return;
    if (isPlain(value)) return void waitsFor(value);
    if (handled.has(value)) return;
    handled.add(value);
    Promise.prototype.then.call(value, undefined, () => {});
  } catch {
    // A subclass whose constructor throws, or a proxy that was revoked; a task that waits for it will be told.
  }
}

/** Whether a promise's `then` is the language's. */
export function isPlain(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise && value.then === Promise.prototype.then;
  } catch {
    return false;
  }
}

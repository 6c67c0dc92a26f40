/**
 * How a wait stands at a handle: the one place to wait on its reading side, the sends that wait for room, what a
 * read waits for, and the time limit that a socket's `timeout` sets.
 *
 * Reads are not queued: two tasks that read from one stream would each get some bytes of it, and which ones
 * would depend on timing. So the second one is told, with a {@linkcode BusyError}.
 *
 * A scope around each operation (`withTimeout`) would do the same as a time limit for a whole `sequence`; for
 * the single wait of a `recv` a timer is enough, set only when the wait has parked.
 */
import { checkMs } from "../kernel/checks.ts";
import { BusyError, TimeoutError } from "../kernel/errors.ts";
import type { Timer } from "../kernel/clock.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { noteSent } from "./errors.ts";

/**
 * Where at most one wait is parked.
 *
 * @internal
 */
export class SingleWaiter<T> implements WaitSource {
  /** The other side may do something, or never. */
  readonly host = "open";
  readonly #owner: { toString(): string };
  readonly #verb: string;
  #wait: Wait<T> | null = null;
  #timer: Timer | null = null;
  #onAbandoned: (() => void) | null = null;

  /**
   * Nobody waits yet.
   *
   * @param owner The handle, for its name.
   * @param verb What its waiter called, as in `recv`.
   */
  constructor(owner: { toString(): string }, verb: string) {
    this.#owner = owner;
    this.#verb = verb;
  }

  /** Whether somebody waits. */
  get waits(): boolean {
    return this.#wait !== null;
  }

  /** Throws if somebody waits. */
  check(): void {
    if (this.#wait === null) return;
    throw new BusyError(
      `Cannot ${this.#verb} on ${this.#owner}: task "${
        this.#wait.task!.name
      }" waits in ${this} already`,
    );
  }

  /** Parks a wait, for so long at most; `onAbandoned` is called if it goes without having got anything. */
  park(wait: Wait<T>, timeout: Timeout, onAbandoned: (() => void) | null = null): void {
    wait.park(this);
    this.#wait = wait;
    this.#onAbandoned = onAbandoned;
    if (timeout !== undefined) this.#timer = startTimeout(wait, this, timeout);
  }

  /** Lets the wait go, if there is one; the caller ends it. */
  leave(): Wait<T> | null {
    const wait = this.#wait;
    this.#wait = null;
    if (this.#timer !== null) {
      stopTimeout(wait!, this.#timer);
      this.#timer = null;
    }
    return wait;
  }

  /** Forgets a wait; what was started for it goes on. */
  abandon(wait: Wait): boolean {
    if (this.#wait === wait) {
      this.leave();
      this.#onAbandoned?.();
    }
    return true;
  }

  toString(): string {
    return `${this.#owner}.${this.#verb}()`;
  }
}

/** A socket's `timeout`: milliseconds, or `undefined` for none. */
export type Timeout = number | undefined;

/** Checks a timeout as it is set. */
export function checkTimeout(ms: Timeout, what: string): Timeout {
  return ms === undefined ? undefined : checkMs(ms, what);
}

/**
 * Ends `wait` with a `TimeoutError` after `ms`, unless it has ended by then.
 *
 * @param wait A wait parked on `source`.
 * @param source Forgets the wait when the time is up.
 * @param ms The time allowed.
 * @param expired Called with the error before it is thrown.
 */
export function startTimeout(
  wait: Wait,
  source: WaitSource,
  ms: number,
  expired?: (error: TimeoutError) => void,
): Timer {
  return wait.scope!.task.timers.after(ms, () => {
    if (wait.done) return;
    const error = new TimeoutError(ms, String(source));
    expired?.(error);
    if (source.abandon(wait)) wait.fail(error);
  });
}

/** Forgets the limit of a wait. */
export function stopTimeout(wait: Wait, timer: Timer | null): void {
  if (timer !== null) wait.scope!.task.timers.cancel(timer);
}

/** What a sender hands its data to. */
export interface Sink {
  /** Copies what fits of the data, from `offset` on, and returns how much. */
  take(data: Uint8Array, offset: number): number;
  /** Takes a sender out of the queue. */
  forget(sender: Sender): void;
  readonly name: string;
}

/** One waiting send, of all of its data or of what fits. */
export class Sender implements WaitSource {
  /** The other side reads, or breaks the connection. */
  readonly host = "bound";
  readonly #sink: Sink;
  readonly #wait: Wait<number | void>;
  readonly #data: Uint8Array;
  readonly #all: boolean;
  readonly #timer: Timer | null;
  #sent: number;

  /** Parks `wait`; `sent` bytes of its data have been taken already. */
  constructor(
    sink: Sink,
    wait: Wait<number | void>,
    data: Uint8Array,
    sent: number,
    all: boolean,
    timeout: Timeout,
  ) {
    this.#sink = sink;
    this.#wait = wait;
    this.#data = data;
    this.#sent = sent;
    this.#all = all;
    wait.park(this);
    this.#timer = timeout === undefined
      ? null
      : startTimeout(wait, this, timeout, (error) => noteSent(error, this.#sent));
  }

  /** Hands over what fits now. Returns whether the send has ended. */
  feed(): boolean {
    const taken = this.#sink.take(this.#data, this.#sent);
    this.#sent += taken;
    if (this.#sent < this.#data.length && (this.#all || taken === 0)) return false;
    stopTimeout(this.#wait, this.#timer);
    this.#wait.settle(this.#all ? undefined : this.#sent);
    return true;
  }

  /** Ends the send with an error. */
  fail(error: Error): void {
    stopTimeout(this.#wait, this.#timer);
    noteSent(error, this.#sent);
    this.#wait.fail(error);
  }

  /** Forgets the send; what it has handed over goes out, and its error says how much that was. */
  abandon(wait: Wait): boolean {
    stopTimeout(this.#wait, this.#timer);
    noteSent(wait.scope!.pending, this.#sent);
    this.#sink.forget(this);
    return true;
  }

  toString(): string {
    return `${this.#sink.name}.${this.#all ? "sendAll" : "send"}()`;
  }
}

/** One thing to be read, for one wait. */
export interface Framing<T> {
  /** Whether a mark ends it, so that its length is not known before it is whole. */
  readonly isDelimited: boolean;
  /** Whether {@linkcode value} and {@linkcode cut} keep the array they get: else it is the reader's own, for the call. */
  readonly keepsBytes: boolean;
  /**
   * How many bytes it takes, as far as those tell that are held: more than `held.length` while it is not
   * whole. What it throws refuses it, and nothing is taken.
   *
   * @param held The bytes that are there, those of the last call first.
   * @param source Names where they come from.
   */
  measure(held: Uint8Array, source: { toString(): string }): number;
  /** Makes what the reader gets of it. */
  value(bytes: Uint8Array): T;
  /** Says what the reader gets where the stream ends before it is whole; `partial` is what came, and is taken. */
  cut(partial: Uint8Array, source: { toString(): string }): T;
}

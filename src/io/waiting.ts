/**
 * How a wait stands at a handle: the one place to wait on its reading side, and the time limit that a
 * socket's `timeout` sets.
 *
 * Reads are not queued: two tasks that read from one stream would each get some bytes of it, and which ones
 * would depend on timing. So the second one is told, with a {@linkcode BusyError}.
 *
 * A scope around each operation (`withTimeout`) would do the same as a time limit for a whole `sequence`; for
 * the single wait of a `recv` a timer is enough, set only when the wait has parked.
 */
import { checkMs } from "../kernel/checks.ts";
import { BusyError, TimeoutError } from "../kernel/errors.ts";
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

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

  /** Names the wait in reports. */
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

/**
 * The one place to wait on a handle's reading side.
 *
 * Reads are not queued: two tasks that read from one stream would each get some bytes of it, and
 * which ones would depend on timing. So the second one is told, with a {@linkcode BusyError}.
 */
import { BusyError } from "../kernel/errors.ts";
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { startTimeout, stopTimeout, type Timeout } from "./wait_timeout.ts";

/** Where at most one wait is parked. */
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

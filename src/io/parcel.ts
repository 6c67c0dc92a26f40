/** One datagram on its way, and the task that waits until it is out. */
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { noteSent } from "./errors.ts";
import { lift, limit, type Timeout } from "./limit.ts";

/** Where a parcel was handed in. */
export interface Counter {
  /** How many bytes of a datagram would go out if nobody waited for it any more: all or none. */
  committed(parcel: Parcel): number;
  /** Forgets a datagram. Returns `false` if the host has it and will soon be through with it. */
  cancel(parcel: Parcel): boolean;
  /** Names the wait in reports. */
  toString(): string;
}

/** A datagram that is to be sent. */
export class Parcel implements WaitSource {
  /** The host sends it or says why not. */
  readonly host = "bound";
  /** What it holds. */
  readonly data: Uint8Array;
  /** Where it goes. */
  readonly to: Deno.Addr;
  readonly #counter: Counter;
  #wait: Wait<number> | null = null;
  #timer: Timer | null = null;

  /** A datagram that nobody waits for yet. */
  constructor(counter: Counter, data: Uint8Array, to: Deno.Addr) {
    this.#counter = counter;
    this.data = data;
    this.to = to;
  }

  /** Whether a task waits, or waited, for it. */
  get isAwaited(): boolean {
    return this.#wait !== null;
  }

  /** Parks a wait until it is out, for so long at most. */
  park(wait: Wait<number>, timeout: Timeout): void {
    this.#wait = wait;
    wait.park(this);
    if (timeout === undefined) return;
    this.#timer = limit(wait, this, timeout, (error) => {
      noteSent(error, this.#counter.committed(this));
    });
  }

  /** It is out. */
  done(count: number): void {
    const wait = this.#wait;
    if (wait === null) return;
    if (this.#timer !== null) lift(wait, this.#timer);
    wait.settle(count);
  }

  /** It failed. Returns whether a task is told of that. */
  fail(error: unknown): boolean {
    const wait = this.#wait;
    if (wait === null) return false;
    if (this.#timer !== null) lift(wait, this.#timer);
    wait.fail(error);
    return true;
  }

  /** A datagram goes out whole or not at all; one that the host has can only be waited for or left to it. */
  abandon(wait: Wait): boolean {
    const sent = this.#counter.committed(this);
    if (!this.#counter.cancel(this)) return false;
    lift(wait, this.#timer);
    noteSent(wait.scope!.pending, sent);
    return true;
  }

  /** Names the wait in reports. */
  toString(): string {
    return String(this.#counter);
  }
}

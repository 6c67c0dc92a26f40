/** A send that waits for room in the write buffer. */
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { noteSent } from "./errors.ts";
import { startTimeout, stopTimeout, type Timeout } from "./wait_timeout.ts";

/** What a sender hands its data to. */
export interface Sink {
  /** Copies what fits of the data, from `offset` on, and returns how much. */
  take(data: Uint8Array, offset: number): number;
  /** Takes a sender out of the queue. */
  forget(sender: Sender): void;
  /** The name of the handle. */
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

  /** Hands over what fits now. Returns whether the send is through. */
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

  /** Names the wait in reports. */
  toString(): string {
    return `${this.#sink.name}.${this.#all ? "sendAll" : "send"}()`;
  }
}

/**
 * The receiving half of a datagram socket: one native receive at a time, and one datagram held.
 *
 * Deno serves concurrent receives in reverse order, so there is never a second one. A datagram is
 * received whole and cut when it is taken, because how much its taker wants is not known before.
 */
import { activity } from "../kernel/activity.ts";
import { type ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { BrokenError, reasonOf } from "./errors.ts";
import type { Timeout } from "./wait_timeout.ts";
import type { NativeDatagram } from "./native.ts";
import { IN } from "./pollable.ts";
import { SingleWaiter } from "./single_waiter.ts";
import { Slab } from "./buffers.ts";
import type { Pending } from "./handle_lifetime.ts";

/** A datagram and the address it came from. */
export type Received = [data: Uint8Array, from: Deno.Addr];

/** What a receiver's handle is told and asked. */
export interface ReceiverHost {
  /** Readiness may have changed; `fresh` bits have news. */
  changed(fresh?: number): void;
  /** Whether a native receive may be issued now. */
  mayReceive(): boolean;
  /** Whether a datagram is for the handle itself, and not for its users. */
  isOurs(datagram: Received): boolean;
  /** A native receive has ended. */
  receiveEnded(): void;
  /** Its name. */
  toString(): string;
}

/** The result of the last native receive, if nobody has taken it yet. */
type Outcome = { kind: "datagram"; data: Uint8Array; from: Deno.Addr } | {
  kind: "error";
  error: BrokenError;
};

/** The receiving half of a datagram socket. One receiver at a time. */
export class DatagramReceiver {
  readonly #native: NativeDatagram;
  readonly #pending: Pending;
  readonly #host: ReceiverHost;
  readonly #room: number;
  readonly #slab = new Slab();
  readonly #waiter: SingleWaiter<Received>;
  /** What datagrams are received into; made when it is first needed. */
  #buffer: Uint8Array | null = null;
  #outcome: Outcome | null = null;
  #wanted = false;
  #receiving = false;
  #closed: ClosedError | null = null;
  #most = 0;

  /**
   * A receiver that has not received.
   *
   * @param native Where datagrams come from.
   * @param pending Counts the native receives.
   * @param host The handle it is a half of.
   * @param room The longest datagram.
   */
  constructor(native: NativeDatagram, pending: Pending, host: ReceiverHost, room: number) {
    this.#native = native;
    this.#pending = pending;
    this.#host = host;
    this.#room = room;
    this.#waiter = new SingleWaiter(host, "recvFrom");
  }

  /** Whether a datagram, or an error, is there to be taken. */
  get readable(): boolean {
    return this.#outcome !== null;
  }

  /** Whether a native receive is in flight. */
  get receiving(): boolean {
    return this.#receiving;
  }

  /** Begins a receive for a wait, of at most `most` bytes. */
  begin(wait: Wait<Received>, most: number, timeout: Timeout): void {
    if (this.#closed !== null) throw this.#closed;
    this.#waiter.check();
    if (this.#outcome !== null) return wait.settle(this.#take(most));
    this.#most = most;
    this.#waiter.park(wait, timeout);
    this.arm();
  }

  /** Takes a datagram that is there, cut at `most` bytes; starts a receive if there is none. */
  tryTake(most: number): Received {
    if (this.#closed !== null) throw this.#closed;
    this.#waiter.check();
    if (this.#outcome !== null) return this.#take(most);
    this.arm();
    throw new WouldBlock(`Cannot receive on ${this.#host} now: no datagram has arrived`);
  }

  /** Starts a receive, or has the handle start one as soon as it may, unless there is something to take. */
  arm(): void {
    if (this.#outcome !== null || this.#closed !== null) return;
    this.#wanted = true;
    this.resume();
  }

  /** Starts the receive that is wanted, if the handle lets it. */
  resume(): void {
    if (!this.#wanted || this.#receiving || this.#closed !== null || !this.#host.mayReceive()) {
      return;
    }
    this.#receiving = true;
    this.#buffer ??= new Uint8Array(this.#room);
    this.#pending.began();
    this.#native.receive(this.#buffer).then(this.#onReceived, this.#onError);
  }

  /** Ends it by our side; what is held is dropped, who waits gets `error`. */
  close(error: ClosedError): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    this.#outcome = this.#buffer = null;
    this.#waiter.leave()?.fail(error);
  }

  /** Names a receive in reports. */
  toString(): string {
    return `${this.#host}.recvFrom()`;
  }

  readonly #onReceived = (received: Received): void => {
    this.#ended();
    if (this.#closed !== null) return;
    if (!this.#host.isOurs(received)) {
      activity.listener?.moved("in", received[0].length);
      this.#came({ kind: "datagram", data: received[0], from: received[1] });
    }
    this.#host.receiveEnded();
    this.resume();
  };

  readonly #onError = (cause: unknown): void => {
    this.#ended();
    if (this.#closed !== null) return; // that is what made it fail
    const text = `Cannot receive on ${this.#host}: the host reports ${reasonOf(cause)}`;
    this.#came({ kind: "error", error: new BrokenError(text, { cause }) });
    this.#host.receiveEnded();
  };

  #ended(): void {
    this.#receiving = false;
    this.#pending.ended();
  }

  #came(outcome: Outcome): void {
    this.#wanted = false;
    this.#outcome = outcome;
    const wait = this.#waiter.leave();
    if (wait === null) return this.#host.changed(IN);
    try {
      wait.settle(this.#take(this.#most));
    } catch (error) {
      wait.fail(error);
    }
  }

  /** Hands out what is held, or throws it. */
  #take(most: number): Received {
    const outcome = this.#outcome!;
    this.#outcome = null;
    this.#host.changed();
    if (outcome.kind === "error") throw outcome.error;
    const { data, from } = outcome;
    return [this.#slab.copy(data, 0, Math.min(data.length, most)), from];
  }
}

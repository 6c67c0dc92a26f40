/**
 * The sending half of a datagram socket: a queue, and one native send at a time.
 *
 * A send belongs to one destination, and what goes wrong with it concerns that datagram only, so a
 * task waits until its datagram is out and gets its error. `trySendTo` cannot wait: it copies, and an
 * error of it is thrown by the next send, as a socket's pending error is.
 */
import { activity } from "../kernel/instrument.ts";
import { type ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Timer } from "../kernel/clock.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { BrokenError, noteSent, reasonOf } from "./errors.ts";
import type { PendingOperations } from "./handle.ts";
import type { NativeDatagram } from "./native.ts";
import { startTimeout, stopTimeout, type Timeout } from "./waiting.ts";

/** How many bytes `trySendTo` may have queued, with {@linkcode OVERHEAD} for each datagram. */
const MOST_QUEUED = 256 << 10;
/** What a queued datagram counts beside its bytes, so that empty ones are bounded, too. */
const OVERHEAD = 256;

/** What a sender's handle is told and asked. */
export interface SenderHost {
  /** How many milliseconds a send may wait, unless it is told otherwise. */
  readonly timeout: Timeout;
  /** Readiness may have changed. */
  changed(): void;
  /**
   * Whether a native send may be issued now; if not, the handle calls `resume` when it may.
   *
   * @throws If it never may.
   */
  maySend(): boolean;
  /** The queue is empty. */
  sendsEnded(): void;
  /** Whether a native send always ends soon, so that a cancel may wait for it. */
  readonly isPrompt: boolean;
  toString(): string;
}

/** The sending half of a datagram socket. */
export class DatagramSender implements Counter {
  readonly #native: NativeDatagram;
  readonly #pending: PendingOperations;
  readonly #host: SenderHost;
  readonly #queue = new Set<OutgoingDatagram>();
  #queued = 0;
  #flying: OutgoingDatagram | null = null;
  #fault: BrokenError | null = null;
  #closed: ClosedError | null = null;

  /**
   * A sender that has not sent.
   *
   * @param native Where datagrams go.
   * @param pending Counts the native sends.
   * @param host The handle it is a half of.
   */
  constructor(native: NativeDatagram, pending: PendingOperations, host: SenderHost) {
    this.#native = native;
    this.#pending = pending;
    this.#host = host;
  }

  /** How many milliseconds a send may wait, as its handle has it. */
  get timeout(): Timeout {
    return this.#host.timeout;
  }

  /** Whether a datagram is being sent or waits for that. */
  get busy(): boolean {
    return this.#flying !== null || this.#queue.size > 0;
  }

  /** Whether `trySendTo` has failed and nobody was told. */
  get faulty(): boolean {
    return this.#fault !== null;
  }

  /** Begins a send for a wait. */
  begin(wait: Wait<number>, data: Uint8Array, to: Deno.Addr, timeout: Timeout): void {
    this.#check();
    // A cancel that cannot wait for the send leaves the data to the host: then they must be our own.
    const datagram = new OutgoingDatagram(this, this.#host.isPrompt ? data : data.slice(), to);
    datagram.park(wait, timeout);
    try {
      this.#send(datagram);
    } catch (error) {
      datagram.fail(error);
    }
  }

  /** Sends without waiting. */
  trySend(data: Uint8Array, to: Deno.Addr): number {
    this.#check();
    const cost = data.length + OVERHEAD;
    if (this.#queued > 0 && this.#queued + cost > MOST_QUEUED) {
      throw new WouldBlock(
        `Cannot send on ${this.#host} now: ${this.#queue.size} datagrams wait to go out`,
      );
    }
    this.#send(new OutgoingDatagram(this, data.slice(), to));
    this.#queued += cost;
    this.#host.changed();
    return data.length;
  }

  /** Sends what is queued, if the handle lets it. */
  resume(): void {
    if (this.#flying !== null || this.#closed !== null) return;
    for (const datagram of this.#queue) {
      try {
        if (!this.#host.maySend()) return;
      } catch (error) {
        return this.refuse(error);
      }
      this.#queue.delete(datagram);
      return this.#launch(datagram);
    }
    this.#host.sendsEnded();
  }

  /** Fails everything that is queued: what is in its way cannot be got out of it. Later sends try again. */
  refuse(error: unknown): void {
    const refused = [...this.#queue];
    this.#queue.clear();
    for (const datagram of refused) this.#failed(datagram, error);
    this.#host.sendsEnded();
    this.#host.changed();
  }

  /** How many bytes of a datagram would go out if nobody waited for it any more: all or none. */
  committed(datagram: OutgoingDatagram): number {
    return this.#flying === datagram ? datagram.data.length : 0;
  }

  /** Forgets a datagram for a cancel. Returns `false` if the host has it and will finish it soon. */
  cancel(datagram: OutgoingDatagram): boolean {
    return this.#queue.delete(datagram) || !this.#host.isPrompt;
  }

  /**
   * Takes nothing more; who waits gets `error`. A send that waits for room at its receiver does not end
   * by the native close (Deno 2.9), and nothing else can end it; so it is not waited for.
   */
  close(error: ClosedError): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    if (this.#flying !== null && !this.#host.isPrompt) this.#pending.ended();
    this.#flying?.fail(error);
    for (const datagram of this.#queue) datagram.fail(error);
    this.#queue.clear();
  }

  /** Names a send in reports. */
  toString(): string {
    return `${this.#host}.sendTo()`;
  }

  /** Sends a datagram at its turn. */
  #send(datagram: OutgoingDatagram): void {
    if (this.#flying === null && this.#queue.size === 0 && this.#host.maySend()) {
      return this.#launch(datagram);
    }
    this.#queue.add(datagram);
  }

  #launch(datagram: OutgoingDatagram): void {
    this.#flying = datagram;
    this.#pending.began();
    this.#native.send(datagram.data, datagram.to).then(this.#onSent, this.#onError);
  }

  readonly #onSent = (count: number): void => {
    activity.listener?.moved("out", count);
    const datagram = this.#landed();
    if (!datagram.isAwaited) this.#queued -= datagram.data.length + OVERHEAD;
    datagram.done(count);
    this.#next();
  };

  readonly #onError = (cause: unknown): void => {
    this.#failed(this.#landed(), cause);
    this.#next();
  };

  /** Tells who waits for it, or else the next send, that it did not go out. */
  #failed(datagram: OutgoingDatagram, cause: unknown): void {
    if (!datagram.isAwaited) this.#queued -= datagram.data.length + OVERHEAD;
    if (datagram.fail(cause) || this.#closed !== null) return;
    this.#fault ??= new BrokenError(
      `Cannot send on ${this.#host}: an earlier datagram was not sent (${reasonOf(cause)})`,
      { cause },
    );
  }

  #landed(): OutgoingDatagram {
    const datagram = this.#flying!;
    this.#flying = null;
    if (this.#closed === null || this.#host.isPrompt) this.#pending.ended();
    return datagram;
  }

  #next(): void {
    if (this.#closed !== null) return;
    this.resume();
    this.#host.changed();
  }

  #check(): void {
    if (this.#closed !== null) throw this.#closed;
    const fault = this.#fault;
    if (fault === null) return;
    this.#fault = null;
    this.#host.changed();
    throw fault;
  }
}

/** Where a datagram was handed in. */
export interface Counter {
  /** How many bytes of a datagram would go out if nobody waited for it any more: all or none. */
  committed(datagram: OutgoingDatagram): number;
  /** Forgets a datagram. Returns `false` if the host has it and will finish it soon. */
  cancel(datagram: OutgoingDatagram): boolean;
  /** Names the wait in reports. */
  toString(): string;
}

/** A datagram that is to be sent. */
export class OutgoingDatagram implements WaitSource {
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
    this.#timer = startTimeout(wait, this, timeout, (error) => {
      noteSent(error, this.#counter.committed(this));
    });
  }

  /** It is out. */
  done(count: number): void {
    const wait = this.#wait;
    if (wait === null) return;
    if (this.#timer !== null) stopTimeout(wait, this.#timer);
    wait.settle(count);
  }

  /** It failed. Returns whether a task is told of that. */
  fail(error: unknown): boolean {
    const wait = this.#wait;
    if (wait === null) return false;
    if (this.#timer !== null) stopTimeout(wait, this.#timer);
    wait.fail(error);
    return true;
  }

  /** A datagram goes out whole or not at all; one that the host has can only be waited for or left to it. */
  abandon(wait: Wait): boolean {
    const sent = this.#counter.committed(this);
    if (!this.#counter.cancel(this)) return false;
    stopTimeout(wait, this.#timer);
    noteSent(wait.scope!.pending, sent);
    return true;
  }

  toString(): string {
    return String(this.#counter);
  }
}

/**
 * The sending half of a datagram socket: a queue, and one native send at a time.
 *
 * A send belongs to one destination, and what goes wrong with it concerns that datagram only, so a
 * task waits until its datagram is out and gets its error. `trySendTo` cannot wait: it copies, and an
 * error of it is thrown by the next send, as a socket's pending error is.
 */
import { activity } from "../kernel/activity.ts";
import { type ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { BrokenError, reasonOf } from "./errors.ts";
import type { Timeout } from "./limit.ts";
import type { NativeDatagram } from "./native.ts";
import { type Counter, Parcel } from "./parcel.ts";
import type { Pending } from "./handle_lifetime.ts";

/** How many bytes `trySendTo` may have queued, with {@linkcode OVERHEAD} for each datagram. */
const MOST_QUEUED = 256 << 10;
/** What a queued datagram counts beside its bytes, so that empty ones are bounded, too. */
const OVERHEAD = 256;

/** What a sender's handle is told and asked. */
export interface SenderHost {
  /** Readiness may have changed. */
  changed(): void;
  /**
   * Whether a native send may be issued now; if not, the handle calls `resume` when it may.
   *
   * @throws If it cannot come to that.
   */
  maySend(): boolean;
  /** The queue is empty. */
  sendsEnded(): void;
  /** Whether a native send always ends soon, so that a cancel may wait for it. */
  readonly isPrompt: boolean;
  /** Its name. */
  toString(): string;
}

/** The sending half of a datagram socket. */
export class DatagramSender implements Counter {
  readonly #native: NativeDatagram;
  readonly #pending: Pending;
  readonly #host: SenderHost;
  readonly #queue = new Set<Parcel>();
  #queued = 0;
  #flying: Parcel | null = null;
  #fault: BrokenError | null = null;
  #closed: ClosedError | null = null;

  /**
   * A sender that has not sent.
   *
   * @param native Where datagrams go.
   * @param pending Counts the native sends.
   * @param host The handle it is a half of.
   */
  constructor(native: NativeDatagram, pending: Pending, host: SenderHost) {
    this.#native = native;
    this.#pending = pending;
    this.#host = host;
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
    const parcel = new Parcel(this, this.#host.isPrompt ? data : data.slice(), to);
    parcel.park(wait, timeout);
    try {
      this.#send(parcel);
    } catch (error) {
      parcel.fail(error);
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
    this.#send(new Parcel(this, data.slice(), to));
    this.#queued += cost;
    this.#host.changed();
    return data.length;
  }

  /** Sends what is queued, if the handle lets it. */
  resume(): void {
    if (this.#flying !== null || this.#closed !== null) return;
    for (const parcel of this.#queue) {
      try {
        if (!this.#host.maySend()) return;
      } catch (error) {
        return this.refuse(error);
      }
      this.#queue.delete(parcel);
      return this.#launch(parcel);
    }
    this.#host.sendsEnded();
  }

  /** Fails everything that is queued: what is in its way cannot be got out of it. Later sends try again. */
  refuse(error: unknown): void {
    const refused = [...this.#queue];
    this.#queue.clear();
    for (const parcel of refused) this.#failed(parcel, error);
    this.#host.sendsEnded();
    this.#host.changed();
  }

  /** How many bytes of a datagram would go out if nobody waited for it any more: all or none. */
  committed(parcel: Parcel): number {
    return this.#flying === parcel ? parcel.data.length : 0;
  }

  /** Forgets a datagram for a cancel. Returns `false` if the host has it and will soon be through with it. */
  cancel(parcel: Parcel): boolean {
    return this.#queue.delete(parcel) || !this.#host.isPrompt;
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
    for (const parcel of this.#queue) parcel.fail(error);
    this.#queue.clear();
  }

  /** Names a send in reports. */
  toString(): string {
    return `${this.#host}.sendTo()`;
  }

  /** Sends a datagram at its turn. */
  #send(parcel: Parcel): void {
    if (this.#flying === null && this.#queue.size === 0 && this.#host.maySend()) {
      return this.#launch(parcel);
    }
    this.#queue.add(parcel);
  }

  #launch(parcel: Parcel): void {
    this.#flying = parcel;
    this.#pending.began();
    this.#native.send(parcel.data, parcel.to).then(this.#onSent, this.#onError);
  }

  readonly #onSent = (count: number): void => {
    activity.listener?.moved("out", count);
    const parcel = this.#landed();
    if (!parcel.isAwaited) this.#queued -= parcel.data.length + OVERHEAD;
    parcel.done(count);
    this.#next();
  };

  readonly #onError = (cause: unknown): void => {
    this.#failed(this.#landed(), cause);
    this.#next();
  };

  /** Tells who waits for it, or else the next send, that it did not go out. */
  #failed(parcel: Parcel, cause: unknown): void {
    if (!parcel.isAwaited) this.#queued -= parcel.data.length + OVERHEAD;
    if (parcel.fail(cause) || this.#closed !== null) return;
    this.#fault ??= new BrokenError(
      `Cannot send on ${this.#host}: an earlier datagram was not sent (${reasonOf(cause)})`,
      { cause },
    );
  }

  #landed(): Parcel {
    const parcel = this.#flying!;
    this.#flying = null;
    if (this.#closed === null || this.#host.isPrompt) this.#pending.ended();
    return parcel;
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

/**
 * The sending half of a datagram socket: a queue, and one native send at a time.
 *
 * A send belongs to one destination, and what goes wrong with it concerns that datagram only, so a
 * task waits until its datagram is out and gets its error. `trySendTo` cannot wait: it copies, and an
 * error of it is thrown by the next send, as a socket's pending error is.
 */
import { type ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { BrokenError, noteSent, reasonOf } from "./errors.ts";
import { lift, limit, type Timeout } from "./limit.ts";
import type { NativeDatagram } from "./native.ts";
import type { Tenure } from "./tenure.ts";

/** How many bytes `trySendTo` may have queued, with {@linkcode OVERHEAD} for each datagram. */
const MOST_QUEUED = 256 << 10;
/** What a queued datagram counts beside its bytes, so that empty ones are bounded, too. */
const OVERHEAD = 256;

/** What a sender's handle is told and asked. */
export interface SenderHost {
  /** Readiness may have changed. */
  changed(): void;
  /** Whether a native send may be issued now; if not, the handle calls `resume` when it may. */
  maySend(): boolean;
  /** The queue is empty. */
  sendsEnded(): void;
  /** Whether a native send always ends soon, so that a cancel may wait for it. */
  readonly isPrompt: boolean;
  /** Its name. */
  toString(): string;
}

/** One datagram on its way. */
interface Parcel {
  /** What it holds. */
  readonly data: Uint8Array;
  /** Where it goes. */
  readonly to: Deno.Addr;
  /** Is told how it ended; `null` for one that nobody waits for. */
  readonly waiter: Waiter | null;
}

/** The sending half of a datagram socket. */
export class DatagramSender {
  readonly #native: NativeDatagram;
  readonly #tenure: Tenure;
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
   * @param tenure Counts the native sends.
   * @param host The handle it is a half of.
   */
  constructor(native: NativeDatagram, tenure: Tenure, host: SenderHost) {
    this.#native = native;
    this.#tenure = tenure;
    this.#host = host;
  }

  /** Whether a datagram is being sent or waits for that. */
  get busy(): boolean {
    return this.#flying !== null || this.#queue.size > 0;
  }

  /** Whether a native send is in flight. */
  get flying(): boolean {
    return this.#flying !== null;
  }

  /** Whether `trySendTo` has failed and nobody was told. */
  get faulty(): boolean {
    return this.#fault !== null;
  }

  /** Begins a send for a wait. */
  begin(wait: Wait<number>, data: Uint8Array, to: Deno.Addr, timeout: Timeout): void {
    this.#check();
    // A cancel that cannot wait for the send leaves the data to the host: then they must be our own.
    const bytes = this.#host.isPrompt ? data : data.slice();
    const waiter = new Waiter(this, wait);
    const parcel: Parcel = { data: bytes, to, waiter };
    this.#queue.add(parcel);
    waiter.park(parcel, timeout);
    this.resume();
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
    this.#queued += cost;
    this.#queue.add({ data: data.slice(), to, waiter: null });
    this.resume();
    this.#host.changed();
    return data.length;
  }

  /** Sends what is queued, if the handle lets it. */
  resume(): void {
    if (this.#flying !== null || this.#closed !== null) return;
    for (const parcel of this.#queue) {
      if (!this.#host.maySend()) return;
      this.#flying = parcel;
      this.#queue.delete(parcel);
      this.#tenure.began();
      this.#native.send(parcel.data, parcel.to).then(this.#onSent, this.#onError);
      return;
    }
    this.#host.sendsEnded();
  }

  /** How many bytes of a datagram would go out if nobody waited for it any more: all or none. */
  committed(parcel: object): number {
    return this.#flying === parcel ? this.#flying.data.length : 0;
  }

  /** Forgets a datagram for a cancel. Returns `false` if the host has it and will soon be through with it. */
  cancel(parcel: object): boolean {
    return this.#queue.delete(parcel as Parcel) || !this.#host.isPrompt;
  }

  /**
   * Takes nothing more; who waits gets `error`. A send that waits for room at its receiver does not end
   * by the native close (Deno 2.9), and nothing else can end it; so it is not waited for.
   */
  close(error: ClosedError): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    if (this.#flying !== null && !this.#host.isPrompt) this.#tenure.ended();
    this.#flying?.waiter?.end(error);
    for (const { waiter } of this.#queue) waiter?.end(error);
    this.#queue.clear();
  }

  readonly #onSent = (count: number): void => {
    this.#over()?.done(count);
    this.#next();
  };

  readonly #onError = (cause: unknown): void => {
    const { waiter } = this.#flying!;
    this.#over();
    if (waiter !== null) waiter.end(cause);
    else if (this.#closed === null) {
      const text = `Cannot send on ${this.#host}: an earlier datagram was not sent (${
        reasonOf(cause)
      })`;
      this.#fault ??= new BrokenError(text, { cause });
    }
    this.#next();
  };

  #over(): Waiter | null {
    const { waiter, data } = this.#flying!;
    this.#flying = null;
    if (waiter === null) this.#queued -= data.length + OVERHEAD;
    if (this.#closed === null || this.#host.isPrompt) this.#tenure.ended();
    return waiter;
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

  /** Names a send in reports. */
  toString(): string {
    return `${this.#host}.sendTo()`;
  }
}

/** A task that waits until its datagram is out. */
class Waiter implements WaitSource {
  /** The host sends it or says why not. */
  readonly host = "bound";
  readonly #sender: DatagramSender;
  readonly #wait: Wait<number>;
  #parcel: Parcel | null = null;
  #timer: Timer | null = null;

  constructor(sender: DatagramSender, wait: Wait<number>) {
    this.#sender = sender;
    this.#wait = wait;
  }

  park(parcel: Parcel, timeout: Timeout): void {
    this.#parcel = parcel;
    this.#wait.park(this);
    if (timeout === undefined) return;
    this.#timer = limit(this.#wait, this, timeout, (error) => {
      noteSent(error, this.#sender.committed(parcel));
    });
  }

  done(count: number): void {
    lift(this.#wait, this.#timer);
    this.#wait.settle(count);
  }

  end(error: unknown): void {
    lift(this.#wait, this.#timer);
    this.#wait.fail(error);
  }

  /** A datagram goes out whole or not at all; one that the host has can only be waited for or left to it. */
  abandon(wait: Wait): boolean {
    const parcel = this.#parcel!;
    const sent = this.#sender.committed(parcel);
    if (!this.#sender.cancel(parcel)) return false;
    lift(this.#wait, this.#timer);
    noteSent(wait.scope!.pending, sent);
    return true;
  }

  toString(): string {
    return String(this.#sender);
  }
}

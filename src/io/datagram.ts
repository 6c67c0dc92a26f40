/**
 * A datagram handle: UDP, and Deno's "unixpacket" (AF_UNIX SOCK_DGRAM).
 *
 * The two differ in one thing. A unixpacket socket does one native operation at a time: while a
 * receive is pending, which may be for ever, Deno refuses to send ("Socket already in use"), and there is
 * no calling it back. So a receive is issued only when somebody waits, tries or polls, and when something
 * is to be sent meanwhile, the handle wakes its own receive: it sends itself a datagram with a secret
 * token, from a second socket, drops it when it comes, sends, and goes on receiving. A send to a
 * receiver whose queue is full keeps the socket from receiving until there is room.
 *
 * The receiving half has one native receive at a time, and holds one datagram: Deno serves concurrent
 * receives in reverse order. A datagram is received whole and cut when it is taken, because how much its
 * taker wants is not known before.
 */
import { activity } from "../kernel/instrument.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { Slab } from "./buffers.ts";
import { DatagramSender } from "./datagram_sender.ts";
import { BrokenError, checkBytes, checkCount, reasonOf } from "./errors.ts";
import { Handle, type PendingOperations } from "./handle.ts";
import { closeQuietly, type NativeDatagram } from "./native.ts";
import { openDatagram } from "./open.ts";
import { ERR, IN, OUT } from "./pollable.ts";
import { SingleWaiter, type Timeout } from "./waiting.ts";
import { SelfWaker } from "./unix_path.ts";
import type { Task } from "../kernel/task.ts";

/** The longest datagram that a socket can receive: UDP's length field, and the usual limit of a unix socket. */
const LONGEST = { udp: 64 << 10, unixpacket: 256 << 10 };

/** A datagram socket, with one datagram of read-ahead. */
export class DatagramHandle extends Handle {
  /** The receiving half. */
  readonly receiver: DatagramReceiver;
  /** The sending half. */
  readonly sender: DatagramSender;
  readonly #native: NativeDatagram;
  readonly #kind: "udp" | "unixpacket";
  /** For a unix socket with a path: without one nobody can send to it, so it never receives. */
  readonly #waker: SelfWaker | null;
  #closed = false;

  /**
   * Takes a native socket over; nothing else may use it from now on.
   *
   * @param native The socket.
   * @param name What reports call it.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(native: NativeDatagram, name: string, owner?: Task | null) {
    super(name, owner);
    this.#native = native;
    this.#kind = native.addr.transport === "unixpacket" ? "unixpacket" : "udp";
    this.receiver = new DatagramReceiver(native, this, this, LONGEST[this.#kind]);
    this.sender = new DatagramSender(native, this, this);
    const address = native.addr as Deno.UnixAddr;
    this.#waker = this.#kind === "udp" || address.path === null ? null : new SelfWaker(
      address,
      () => openDatagram({ kind: "unixpacket", path: undefined }),
      (error) => this.sender.refuse(error),
    );
  }

  /** The socket beneath. */
  get native(): NativeDatagram {
    return this.#native;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** `IN` for a datagram, `OUT` when none waits to go out, `ERR` for a failed `trySendTo`. */
  get ready(): number {
    if (this.#closed) return 0;
    const bits = (this.receiver.readable ? IN : 0) | (this.sender.busy ? 0 : OUT);
    return this.sender.faulty ? bits | ERR : bits;
  }

  /** Starts a receive. */
  arm(_interest: number): void {
    this.receiver.arm();
  }

  /**
   * Takes a datagram that has arrived, cut at `n` bytes.
   *
   * @throws {WouldBlock} If none has arrived. A native receive is under way then.
   */
  tryRecvFrom(n: number): Received {
    checkCount(n, 0, "receive");
    return this.receiver.tryTake(n);
  }

  /**
   * Sends a datagram; an error of that is thrown by the next send.
   *
   * @throws {WouldBlock} If too many wait to go out.
   */
  trySendTo(data: Uint8Array, to: Deno.Addr): number {
    checkBytes(data, "send");
    return this.sender.trySend(data, to);
  }

  /** Closes it, and removes the file of a unix socket. What has not gone out is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new ClosedError(`Cannot use ${this}: it is closed`);
    this.receiver.close(error);
    this.sender.close(error);
    closeQuietly(this.#native);
    this.#waker?.close();
    this.letGo();
    this.changed();
  }

  // -- What the halves tell and ask --

  /** Whether a native send always ends soon: on UDP the host takes it or drops it. */
  get isPrompt(): boolean {
    return this.#kind === "udp";
  }

  /** Whether a native receive may be issued. */
  mayReceive(): boolean {
    return this.#kind === "udp" || (this.#waker !== null && !this.sender.busy);
  }

  /**
   * Whether a native send may be issued; if a receive is in its way, that is woken.
   *
   * @throws If it cannot be woken.
   */
  maySend(): boolean {
    if (this.#waker === null || !this.receiver.receiving) return true;
    this.#waker.wake();
    return false;
  }

  /** Whether a datagram is the waker's. */
  isOurs([data]: Received): boolean {
    return this.#waker !== null && this.#waker.owns(data);
  }

  /** The socket is free for sending. */
  receiveEnded(): void {
    if (this.#waker !== null) this.sender.resume();
  }

  /** The socket is free for receiving. */
  sendsEnded(): void {
    if (this.#waker !== null) this.receiver.resume();
  }
}

/** A datagram and the address it came from. */
export type Received = [data: Uint8Array, from: Deno.Addr];

/** What a receiver's handle is told and asked. */
export interface ReceiverHost {
  /** How many milliseconds a receive may wait, unless it is told otherwise. */
  readonly timeout: Timeout;
  /** Readiness may have changed; `fresh` bits have news. */
  changed(fresh?: number): void;
  /** Whether a native receive may be issued now. */
  mayReceive(): boolean;
  /** Whether a datagram is for the handle itself, and not for its users. */
  isOurs(datagram: Received): boolean;
  /** A native receive has ended. */
  receiveEnded(): void;
  toString(): string;
}

/** The result of the last native receive, if nobody has taken it yet. */
type ReceiveOutcome = { kind: "datagram"; data: Uint8Array; from: Deno.Addr } | {
  kind: "error";
  error: BrokenError;
};

/** The receiving half of a datagram socket. One receiver at a time. */
export class DatagramReceiver {
  readonly #native: NativeDatagram;
  readonly #pending: PendingOperations;
  readonly #host: ReceiverHost;
  readonly #room: number;
  readonly #slab = new Slab();
  readonly #waiter: SingleWaiter<Received>;
  /** What datagrams are received into; made when it is first needed. */
  #buffer: Uint8Array | null = null;
  #outcome: ReceiveOutcome | null = null;
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
  constructor(
    native: NativeDatagram,
    pending: PendingOperations,
    host: ReceiverHost,
    room: number,
  ) {
    this.#native = native;
    this.#pending = pending;
    this.#host = host;
    this.#room = room;
    this.#waiter = new SingleWaiter(host, "recvFrom");
  }

  /** How many milliseconds a receive may wait, as its handle has it. */
  get timeout(): Timeout {
    return this.#host.timeout;
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

  #came(outcome: ReceiveOutcome): void {
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

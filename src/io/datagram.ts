/**
 * A datagram handle: UDP, and Deno's "unixpacket" (AF_UNIX SOCK_DGRAM).
 *
 * The two differ in one thing. A unixpacket socket does one native operation at a time: while a
 * receive is pending, which may be for ever, Deno refuses to send ("Socket already in use"), and there is
 * no calling it back. So a receive is issued only when somebody waits, tries or polls, and when something
 * is to be sent meanwhile, the handle wakes its own receive: it sends itself a datagram with a secret
 * token, from a second socket, drops it when it comes, sends, and goes on receiving. A send to a
 * receiver whose queue is full keeps the socket from receiving until there is room.
 */
import { ClosedError } from "../kernel/errors.ts";
import type { Resource } from "../kernel/resource.ts";
import type { Party } from "../kernel/wait.ts";
import { DatagramReceiver, type Received } from "./datagram_receiver.ts";
import { DatagramSender } from "./datagram_sender.ts";
import { checkBytes, checkCount } from "./errors.ts";
import { HandleLifetime } from "./handle_lifetime.ts";
import { closeQuietly, type NativeDatagram } from "./native.ts";
import { openDatagram } from "./open.ts";
import { ERR, IN, OUT, type Pollable, type Watcher, Watchers } from "./pollable.ts";
import { SocketFile } from "./unix_path.ts";

/** The longest datagram that a socket can receive: UDP's length field, and the usual limit of a unix socket. */
const LONGEST = { udp: 64 << 10, unixpacket: 256 << 10 };

/** A datagram socket, with one datagram of read-ahead. */
export class DatagramHandle implements Pollable, Resource {
  /** The receiving half. */
  readonly receiver: DatagramReceiver;
  /** The sending half. */
  readonly sender: DatagramSender;
  readonly #native: NativeDatagram;
  readonly #name: string;
  readonly #lifetime: HandleLifetime;
  readonly #watchers: Watchers;
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
  constructor(native: NativeDatagram, name: string, owner?: Party | null) {
    this.#native = native;
    this.#name = name;
    this.#lifetime = new HandleLifetime(this, owner);
    this.#watchers = new Watchers(this);
    this.#kind = native.addr.transport === "unixpacket" ? "unixpacket" : "udp";
    this.receiver = new DatagramReceiver(native, this.#lifetime, this, LONGEST[this.#kind]);
    this.sender = new DatagramSender(native, this.#lifetime, this);
    const address = native.addr as Deno.UnixAddr;
    this.#waker = this.#kind === "udp" || address.path === null
      ? null
      : new SelfWaker(address, (error) => this.sender.refuse(error));
  }

  /** The socket beneath. */
  get native(): NativeDatagram {
    return this.#native;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when it has been closed and nothing of it is pending any more: its address is free. */
  get gone(): Promise<void> {
    return this.#lifetime.gone;
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

  /** Tells `watcher` of changes. */
  watch(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  /** Stops telling it. */
  unwatch(watcher: Watcher): void {
    this.#watchers.remove(watcher);
  }

  /** Calls `f` when it is closed. */
  whenClosed(f: () => void): void {
    this.#watchers.whenClosed(f);
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
    const error = new ClosedError(`Cannot use ${this.#name}: it is closed`);
    this.receiver.close(error);
    this.sender.close(error);
    closeQuietly(this.#native);
    this.#waker?.close();
    this.#lifetime.close();
    this.#watchers.changed();
  }

  /** Closes it, and resolves when nothing of it is left. */
  release(): Promise<void> {
    this.close();
    return this.#lifetime.gone;
  }

  /** Its name. */
  toString(): string {
    return this.#name;
  }

  // -- What the halves tell and ask --

  /** Readiness may have changed. */
  changed(fresh = 0): void {
    this.#watchers.changed(fresh);
  }

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

/** How many secret bytes the datagram has. */
const TOKEN = 16;

/** Wakes one socket that has a path. */
export class SelfWaker {
  readonly #address: Deno.UnixAddr;
  readonly #onFailed: (error: unknown) => void;
  readonly #file: SocketFile | null;
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN));
  #socket: NativeDatagram | null = null;
  /** Whether a token is on its way. */
  #sent = false;

  /**
   * For the socket bound to `address`.
   *
   * @param address Where the datagram must go to.
   * @param onFailed Called when it could not be sent: the pending receive goes on.
   */
  constructor(address: Deno.UnixAddr, onFailed: (error: unknown) => void) {
    this.#address = address;
    this.#onFailed = onFailed;
    const isAbstract = address.path!.startsWith("\0");
    this.#file = isAbstract ? null : new SocketFile(address.path!);
  }

  /**
   * Makes the pending receive end, soon.
   *
   * @throws The host's error if it has no descriptor left for the second socket; the next call tries again.
   * @throws {Error} If the path is another socket's by now, which alone would get the datagram.
   */
  wake(): void {
    if (this.#sent) return;
    if (this.#file?.isForeign) {
      throw new Error(
        `Cannot send while a receive is pending: ${this.#address.path} is another socket's file by now`,
      );
    }
    this.#socket ??= openDatagram({ kind: "unixpacket", path: undefined });
    this.#sent = true;
    this.#socket.send(this.#token, this.#address).catch((error) => {
      this.#sent = false;
      this.#onFailed(error);
    });
  }

  /** Whether a datagram is the token; it is expected no longer then. */
  owns(data: Uint8Array): boolean {
    if (!this.#sent || data.length !== TOKEN) return false;
    if (!this.#token.every((byte, i) => byte === data[i])) return false;
    this.#sent = false;
    return true;
  }

  /** Closes the second socket, and removes the file of the first, which Deno leaves behind. */
  close(): void {
    if (this.#socket !== null) closeQuietly(this.#socket);
    this.#file?.remove();
  }
}

/** Datagram sockets for tasks: UDP and unix. */
import type { DatagramHandle } from "../io/datagram.ts";
import { checkBytes, checkCount } from "../io/errors.ts";
import { checkTimeout, type Timeout } from "../io/wait_timeout.ts";
import type { HasHandle } from "../io/pollable.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { checkPath, checkPort } from "./address.ts";
import { closing } from "./closing.ts";
import { joinGroup, type Membership } from "./multicast.ts";

/** Where a UDP datagram goes, or came from. */
export interface UdpAddress {
  /** The host's name or address. */
  hostname: string;
  /** The port. */
  port: number;
  /** What Deno adds to addresses. */
  transport?: "udp";
}

/** Where a unix datagram goes, or came from: a socket without a path has `null`. */
export interface UnixAddress {
  /** The file it is bound to. */
  path: string | null;
  /** What Deno adds to addresses. */
  transport?: "unixpacket" | "unix";
}

/** The longest datagram anybody can send. */
const LONGEST = 64 << 10;

/**
 * A datagram socket.
 *
 * - A datagram arrives whole, cut or not at all; an empty one is a datagram.
 * - Datagrams come in the order in which the host received them; a cancelled `recvFrom` has taken none.
 *   One is read ahead, the others stay in the host's queue, which drops what does not fit.
 * - One task receives at a time; a second gets a `BusyError`. Sends go out in the order of their calls.
 * - A unix socket does one thing at a time on Deno. When something is to be sent while a receive is
 *   pending, weft ends that receive by a datagram of its own, which nobody sees. A send to a receiver
 *   whose queue is full keeps the socket from receiving until there is room.
 *
 * Made by {@linkcode bindDatagram}. `using` closes it.
 *
 * @typeParam A The kind of its addresses.
 */
export class DatagramSocket<A extends UdpAddress | UnixAddress = UdpAddress | UnixAddress>
  implements HasHandle, Disposable, AsyncDisposable {
  readonly #handle: DatagramHandle;
  #timeout: Timeout;

  /** Made by {@linkcode bindDatagram}. */
  constructor(handle: DatagramHandle, timeout?: number) {
    this.#handle = handle;
    this.#timeout = timeout;
  }

  /** Where it is bound. */
  get localAddr(): A {
    return this.#handle.native.addr as A;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /** How many milliseconds each operation may wait before it throws `TimeoutError`; `undefined` for no limit. */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  set timeout(ms: number | undefined) {
    this.#timeout = checkTimeout(ms, "the timeout of a socket");
  }

  /** The handle, for the poll layer. */
  get handle(): DatagramHandle {
    return this.#handle;
  }

  /**
   * Waits for a datagram and takes it, cut at `n` bytes: the rest is dropped, as UDP does.
   *
   * @param n The most bytes to take. @default {65536}
   * @returns An operation that evaluates to the bytes and the sender's address.
   * @throws {RangeError} If `n` is not a whole number, zero or more.
   */
  recvFrom(n: number = LONGEST): Operation<[data: Uint8Array, from: A]> {
    checkCount(n, 0, "receive");
    const { receiver } = this.#handle;
    return operation(
      receiver,
      (wait: Wait<[Uint8Array, Deno.Addr]>) => receiver.begin(wait, n, this.#timeout),
    ) as unknown as Operation<[Uint8Array, A]>;
  }

  /**
   * Sends one datagram and waits until it is out; gives its length. Whether it arrives nobody knows.
   *
   * A cancelled send has sent all of it or nothing: {@linkcode bytesSent} of the error tells.
   *
   * @throws {Error} Deno's error as it is: too long a datagram (`EMSGSIZE`), a unix receiver that is
   *   not there, a name that nobody knows.
   */
  sendTo(data: Uint8Array, to: A): Operation<number> {
    checkBytes(data, "send");
    const address = this.#address(to);
    const { sender } = this.#handle;
    return operation(
      sender,
      (wait: Wait<number>) => sender.begin(wait, data, address, this.#timeout),
    );
  }

  /**
   * Takes a datagram that has arrived, without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If none has. A native receive is under way then.
   */
  tryRecvFrom(n: number = LONGEST): [data: Uint8Array, from: A] {
    return this.#handle.tryRecvFrom(n) as [Uint8Array, Deno.Addr] as unknown as [Uint8Array, A];
  }

  /**
   * Sends one datagram without waiting; gives its length. Never a checkpoint. What goes wrong is
   * thrown as `BrokenError` by the next send.
   *
   * @throws {WouldBlock} If 256 KiB wait to go out.
   */
  trySendTo(data: Uint8Array, to: A): number {
    return this.#handle.trySendTo(data, this.#address(to));
  }

  /**
   * Receives what is sent to a multicast group, too (UDP on IPv4).
   *
   * @param group The group's address, such as `"239.1.2.3"`.
   * @param networkInterface The address of the interface to join on. @default {"0.0.0.0"}
   */
  joinMulticastV4(group: string, networkInterface = "0.0.0.0"): Operation<Membership> {
    return joinGroup(this.#handle, (conn) => conn.joinMulticastV4(group, networkInterface));
  }

  /**
   * Receives what is sent to a multicast group, too (UDP on IPv6).
   *
   * @param group The group's address, such as `"ff02::1234"`.
   * @param networkInterface The number of the interface to join on; 0 for any. @default {0}
   */
  joinMulticastV6(group: string, networkInterface = 0): Operation<Membership> {
    return joinGroup(this.#handle, (conn) => conn.joinMulticastV6(group, networkInterface));
  }

  /**
   * Closes the socket, at once: whoever waits on it gets `ClosedError`, and what is held is dropped. The
   * file of a unix socket is removed. Closing again has no effect.
   *
   * @returns Waits until its address is free again; nobody needs to wait for it.
   */
  close(): Operation<void> {
    return closing(this.#handle);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#handle.close();
  }

  /** Closes it, and resolves when its address is free again. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.release();
  }

  /** Its name in reports. */
  toString(): string {
    return String(this.#handle);
  }

  /** Checks where to send, and says it as Deno wants it. */
  #address(to: A): Deno.Addr {
    if (this.#handle.native.addr.transport === "udp") {
      const { hostname, port } = to as UdpAddress;
      if (typeof hostname !== "string") throw notAnAddress(to, "a hostname and a port");
      checkPort(port, "send to");
      // An address that came with a datagram is as Deno wants it already.
      return to.transport === "udp" ? to as Deno.NetAddr : { transport: "udp", hostname, port };
    }
    if (typeof to !== "object" || to === null) throw notAnAddress(to, "a path");
    return { transport: "unixpacket", path: checkPath((to as UnixAddress).path, "send to") };
  }
}

function notAnAddress(to: unknown, wanted: string): TypeError {
  return new TypeError(`Cannot send to ${JSON.stringify(to)}: the address must have ${wanted}`);
}

/** Datagram sockets for tasks, UDP and unix: binding them, sending, receiving, multicast groups. */
import { nextName, show } from "../kernel/printable.ts";
import { checkObject, checkOptions } from "../kernel/checks.ts";
import { DatagramHandle, type DatagramReceiver, type Received } from "../io/datagram.ts";
import type { DatagramSender } from "../io/datagram_sender.ts";
import { checkBytes, checkCount } from "../io/errors.ts";
import { type DatagramTarget, openDatagram } from "../io/open.ts";
import { checkTimeout } from "../io/waiting.ts";
import { type Operation, operationOn, sequence } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { wait } from "../tasks/wait.ts";
import { Endpoint } from "./endpoint.ts";
import { checkHostname, checkPath, checkPort, unknownTransport } from "./address.ts";

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
 * `close()` closes it, `closed` says whether that was done; `handle` is what registries poll.
 * `timeout` can be set: the most milliseconds that each operation waits; `undefined` for no limit.
 *
 * @typeParam A The kind of its addresses.
 */
export class DatagramSocket<A extends UdpAddress | UnixAddress = UdpAddress | UnixAddress>
  extends Endpoint<DatagramHandle> {
  /** Made by {@linkcode bindDatagram}. */
  constructor(handle: DatagramHandle, timeout?: number) {
    super(handle, "a socket", timeout);
  }

  /** Where it is bound. */
  get localAddr(): A {
    return this.handle.native.addr as A;
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
    return operationOn(this.handle.receiver, beginReceive, n) as unknown as Operation<
      [Uint8Array, A]
    >;
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
    return operationOn(this.handle.sender, beginSend, { data, to: this.#address(to) });
  }

  /**
   * Takes a datagram that has arrived, without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If none has. A native receive is under way then.
   */
  tryRecvFrom(n: number = LONGEST): [data: Uint8Array, from: A] {
    return this.handle.tryRecvFrom(n) as [Uint8Array, Deno.Addr] as unknown as [Uint8Array, A];
  }

  /**
   * Sends one datagram without waiting; gives its length. Never a checkpoint. What goes wrong is
   * thrown as `BrokenError` by the next send.
   *
   * @throws {WouldBlock} If 256 KiB wait to go out.
   */
  trySendTo(data: Uint8Array, to: A): number {
    checkBytes(data, "send");
    return this.handle.trySendTo(data, this.#address(to));
  }

  /**
   * Receives what is sent to a multicast group, too (UDP on IPv4).
   *
   * @param group The group's address, such as `"239.1.2.3"`.
   * @param networkInterface The address of the interface to join on. @default {"0.0.0.0"}
   */
  joinMulticastV4(group: string, networkInterface = "0.0.0.0"): Operation<Membership> {
    return joinGroup(this.handle, (conn) => conn.joinMulticastV4(group, networkInterface));
  }

  /**
   * Receives what is sent to a multicast group, too (UDP on IPv6).
   *
   * @param group The group's address, such as `"ff02::1234"`.
   * @param networkInterface The number of the interface to join on; 0 for any. @default {0}
   */
  joinMulticastV6(group: string, networkInterface = 0): Operation<Membership> {
    return joinGroup(this.handle, (conn) => conn.joinMulticastV6(group, networkInterface));
  }

  /** Checks where to send, and says it as Deno wants it. */
  #address(to: A): Deno.Addr {
    if (this.handle.native.addr.transport === "udp") {
      const { hostname, port } = checkObject(to as UdpAddress, "an address to send to");
      if (typeof hostname !== "string") throw notAnAddress(hostname, "a hostname and a port");
      checkPort(port, "send to");
      // An address that came with a datagram is as Deno wants it already.
      return to.transport === "udp" ? to as Deno.NetAddr : { transport: "udp", hostname, port };
    }
    const { path } = checkObject(to as UnixAddress, "an address to send to");
    return { transport: "unixpacket", path: checkPath(path, "send to") };
  }
}

/** What is sent, and where to. */
interface Sending {
  readonly data: Uint8Array;
  readonly to: Deno.Addr;
}

function beginReceive(wait: Wait<Received>, receiver: DatagramReceiver, n: number): void {
  receiver.begin(wait, n, receiver.timeout);
}

function beginSend(wait: Wait<number>, sender: DatagramSender, { data, to }: Sending): void {
  sender.begin(wait, data, to, sender.timeout);
}

function notAnAddress(hostname: unknown, wanted: string): TypeError {
  return new TypeError(`Cannot send to ${show(hostname)}: the address must have ${wanted}`);
}

/** Where and how to bind a UDP socket. */
export interface UdpOptions {
  /** The transport. @default {"udp"} */
  transport?: "udp";
  /** The port; with 0 the host chooses one. @default {0} */
  port?: number;
  /** The address to bind to. @default {"0.0.0.0"} */
  hostname?: string;
  /** Shares the port with other sockets that ask for it. @default {false} */
  reuseAddress?: boolean;
  /** Whether multicast datagrams it sends come back to this machine. @default {false} */
  loopback?: boolean;
  /** The socket's first `timeout`, in milliseconds. @default none */
  timeout?: number;
}

/** Where to bind a unix datagram socket. */
export interface UnixPacketOptions {
  /** The transport. */
  transport: "unixpacket";
  /** The file to make; it is removed when the socket is closed. @default none: it can only send */
  path?: string;
  /** The socket's first `timeout`, in milliseconds. @default none */
  timeout?: number;
}

/**
 * Binds a UDP socket. It may broadcast. Needs `"unstable": ["net"]` in deno.json.
 *
 * @example Boundaries are kept
 * ```ts
 * import { bindDatagram, run } from "@weft/weft";
 * const got = await run(async function* () {
 *   using a = bindDatagram({ hostname: "127.0.0.1", port: 0 });
 *   using b = bindDatagram({ hostname: "127.0.0.1", port: 0 });
 *   for (const text of ["hello", "world"]) {
 *     yield* a.sendTo(new TextEncoder().encode(text), b.localAddr);
 *   }
 *   const [first] = yield* b.recvFrom(1); // the rest of it is dropped
 *   const [second, from] = yield* b.recvFrom(100);
 *   if (from.port !== a.localAddr.port) throw new Error("not from a");
 *   return new TextDecoder().decode(first) + new TextDecoder().decode(second);
 * });
 * if (got !== "hworld") throw new Error(got);
 * ```
 *
 * @param options Port, address.
 * @returns The socket; it belongs to the run of the current task, if there is one.
 * @throws {TypeError} If Deno's unstable network functions are not switched on.
 * @throws {RangeError} If the port is not a whole number from 0 to 65535.
 */
export function bindDatagram(options: UdpOptions): DatagramSocket<UdpAddress>;
/**
 * Binds a unix datagram socket (Deno's "unixpacket"). Needs `"unstable": ["net"]`; Deno asks for read,
 * write and net permission.
 *
 * @param options The path.
 * @returns The socket.
 */
export function bindDatagram(options: UnixPacketOptions): DatagramSocket<UnixAddress>;
export function bindDatagram(options: UdpOptions | UnixPacketOptions): DatagramSocket {
  const target = targetOf(checkOptions(options, "bindDatagram()"));
  const timeout = checkTimeout(options.timeout, "the timeout of a socket");
  return new DatagramSocket(
    new DatagramHandle(openDatagram(target), nextName("Datagram")),
    timeout,
  );
}

function targetOf(options: UdpOptions | UnixPacketOptions): DatagramTarget {
  if (options.transport === "unixpacket") {
    const path = options.path === undefined ? undefined : checkPath(options.path, "bind to");
    return { kind: "unixpacket", path };
  }
  if (options.transport !== undefined && options.transport !== "udp") {
    throw unknownTransport(
      (options as { transport: unknown }).transport,
      "bind a datagram socket to",
      '"udp" or "unixpacket"; streams go through listen() and connect()',
    );
  }
  return {
    kind: "udp",
    hostname: checkHostname(options.hostname ?? "0.0.0.0", "bind to"),
    port: checkPort(options.port ?? 0, "bind to"),
    reuseAddress: options.reuseAddress === true,
    loopback: options.loopback === true,
  };
}

/** Deno's own membership; the two kinds differ in what a time to live is. */
interface NativeMembership {
  leave(): Promise<void>;
  setLoopback(loopback: boolean): Promise<void>;
  setTTL?(ttl: number): Promise<void>;
}

/** A socket's part in a multicast group. It ends with the socket. */
export class Membership {
  readonly #native: NativeMembership;

  /** Made by `joinMulticastV4` and `joinMulticastV6`. */
  constructor(native: NativeMembership) {
    this.#native = native;
  }

  /** Receives no more of the group's datagrams. */
  leave(): Operation<void> {
    return wait(() => this.#native.leave());
  }

  /** Whether datagrams that this socket sends to the group come back to this machine. */
  setLoopback(on: boolean): Operation<void> {
    return wait(() => this.#native.setLoopback(on));
  }

  /**
   * How many routers a datagram to the group may pass.
   *
   * @throws {TypeError} On IPv6, where Deno cannot set it.
   */
  setTTL(hops: number): Operation<void> {
    const native = this.#native;
    if (native.setTTL === undefined) {
      throw new TypeError("Cannot set the time to live: Deno can on IPv4 only");
    }
    return wait(() => native.setTTL!(hops));
  }
}

/** Joins by `join`, as an operation. */
function joinGroup(
  handle: DatagramHandle,
  join: (conn: Deno.DatagramConn) => Promise<NativeMembership>,
): Operation<Membership> {
  if (handle.native.addr.transport !== "udp") {
    throw new TypeError(`Cannot join a multicast group on ${handle}: it is not a UDP socket`);
  }
  return sequence("joinMulticast()", function* () {
    return new Membership(yield* wait(() => join(handle.native as Deno.DatagramConn)));
  });
}

/** Binding datagram sockets. */
import { DatagramHandle } from "../io/datagram.ts";
import { checkTimeout } from "../io/wait_timeout.ts";
import { type DatagramTarget, openDatagram } from "../io/open.ts";
import { nextName } from "../kernel/names.ts";
import { checkPath, checkPort, unknownTransport } from "./address.ts";
import { DatagramSocket, type UdpAddress, type UnixAddress } from "./datagram_socket.ts";

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
  const target = targetOf(options);
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
    hostname: options.hostname ?? "0.0.0.0",
    port: checkPort(options.port ?? 0, "bind to"),
    reuseAddress: options.reuseAddress === true,
    loopback: options.loopback === true,
  };
}

/** Making connected sockets: to a TCP, TLS or unix listener, and in pairs. */
import { checkOptions } from "../kernel/checks.ts";
import { type MemoryStreamOptions, memoryStreamPair } from "../io/memory_stream.ts";
import { Connecting, type ConnectTarget } from "../io/open.ts";
import { setTcpOption, StreamHandle } from "../io/stream.ts";
import type { TlsClientOptions } from "../io/tls.ts";
import { checkTimeout } from "../io/wait_timeout.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { checkHostname, checkPath, checkPort, unknownTransport } from "./address.ts";
import { Socket } from "./socket.ts";

/** Where and how to connect by TCP. */
export interface TcpConnectOptions {
  /** The transport. @default {"tcp"} */
  transport?: "tcp";
  /** The port. */
  port: number;
  /**
   * The host's name or address. Of a name with several addresses each is tried, 250 ms after the one before or when
   * that has failed; `localhost` is the loopback of IPv4 and of IPv6. @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * Speaks TLS; `true` with Deno's own trust. The name in the certificate must be the hostname. What is sent takes
   * a turn over the loopback, so that a handshake that never ends can be given up. @default {false}
   */
  tls?: boolean | TlsClientOptions;
  /** Sends small messages without delay. @default the host's habit */
  noDelay?: boolean;
  /** Probes the connection when it is idle. @default the host's habit */
  keepAlive?: boolean;
  /** How long connecting may take, in milliseconds; also the socket's first `timeout`. @default none */
  timeout?: number;
}

/** Where and how to connect by a unix socket. */
export interface UnixConnectOptions {
  /** The transport. */
  transport: "unix";
  /** The file that the other side listens on. */
  path: string;
  /** How long connecting may take, in milliseconds; also the socket's first `timeout`. @default none */
  timeout?: number;
}

/**
 * Connects to a TCP port, with or without TLS. A cancel stops the attempt; there is no socket then.
 *
 * The socket belongs to the run of the task, which closes it at its end if nobody has; made outside of
 * tasks, it belongs to nobody.
 *
 * @param options Port, host, TLS, timeout.
 * @returns An operation that evaluates to the socket, and throws Deno's error (such as
 *   `Deno.errors.ConnectionRefused`) if there is nobody.
 * @throws {RangeError} If the port is not a whole number from 0 to 65535.
 */
export function connect(options: TcpConnectOptions): Operation<Socket<Deno.NetAddr>>;
/**
 * Connects to a unix stream socket. Deno asks for read, write and net permission.
 *
 * @param options The path, timeout.
 * @returns An operation that evaluates to the socket.
 */
export function connect(options: UnixConnectOptions): Operation<Socket<Deno.UnixAddr>>;
export function connect(options: TcpConnectOptions | UnixConnectOptions): Operation<Socket> {
  const target = targetOf(checkOptions(options, "connect()"));
  const timeout = checkTimeout(options.timeout, "the timeout of a connect");
  const where = target.kind === "unix" ? target.path : `${target.hostname}:${target.port}`;
  return operation(`connect(${where})`, (wait: Wait<Socket>) => {
    new Connecting(wait, target, where, timeout, (native) => {
      const handle = new StreamHandle(native, nextName("Socket"), wait.task);
      setOptions(handle, options);
      return new Socket(handle, timeout);
    });
  }) as Operation<Socket>;
}

function targetOf(options: TcpConnectOptions | UnixConnectOptions): ConnectTarget {
  if (options.transport === "unix") {
    return { kind: "unix", path: checkPath(options.path, "connect to") };
  }
  if (options.transport !== undefined && options.transport !== "tcp") {
    throw unknownTransport(
      (options as { transport: unknown }).transport,
      "connect by",
      '"tcp" or "unix"; datagrams go through bindDatagram()',
    );
  }
  const { tls } = options;
  return {
    kind: "tcp",
    hostname: checkHostname(options.hostname ?? "127.0.0.1", "connect to"),
    port: checkPort(options.port, "connect to"),
    tls: tls === true ? {} : tls === false ? undefined : tls,
  };
}

function setOptions(handle: StreamHandle, options: TcpConnectOptions | UnixConnectOptions): void {
  if (options.transport === "unix") return;
  if (options.noDelay !== undefined) setTcpOption(handle, "setNoDelay", options.noDelay);
  if (options.keepAlive !== undefined) setTcpOption(handle, "setKeepAlive", options.keepAlive);
}

/**
 * Two sockets that are connected with each other, as two ends of a unix socket would be, but in memory: nobody
 * else can take part, and no permission is needed. For tests, and for handing one end to code that wants a
 * socket. They work with `poll` and `select`, too.
 *
 * Both belong to the run of the current task, if there is one. A task that waits on one is not noticed by the
 * deadlock check: it cannot tell who might send.
 *
 * @example A handler without a server
 * ```ts
 * import { run, type Socket, socketPair, spawn } from "@weft/weft";
 * async function* shout(socket: Socket) {
 *   yield* socket.sendAll(new TextEncoder().encode(decode(yield* socket.recv()).toUpperCase()));
 *   socket.close();
 * }
 * const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
 * await run(async function* () {
 *   const [here, there] = socketPair();
 *   spawn(shout, there);
 *   yield* here.sendAll(new TextEncoder().encode("hello"));
 *   if (decode(yield* here.recvExactly(5)) !== "HELLO") throw new Error();
 * });
 * ```
 *
 * @param options How much each direction holds, and how much a read brings: with a `chunk` of 1 every message
 *   comes in pieces.
 * @returns The two ends.
 * @throws {RangeError} If an option is not a whole number of at least 1, or `Infinity`.
 */
export function socketPair(
  options: MemoryStreamOptions = {},
): [Socket<Deno.UnixAddr>, Socket<Deno.UnixAddr>] {
  const [a, b] = memoryStreamPair(options);
  return [end(a), end(b)];
}

function end(native: ReturnType<typeof memoryStreamPair>[number]): Socket<Deno.UnixAddr> {
  return new Socket(new StreamHandle(native, nextName("Socket")));
}

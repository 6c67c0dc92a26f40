/** Connecting: TCP, TLS and unix streams. */
import { Connecting, type ConnectTarget } from "../io/open.ts";
import { checkTimeout } from "../io/wait_timeout.ts";
import type { TlsClientOptions } from "../io/tls.ts";
import { setTcpOption, StreamHandle } from "../io/stream.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { checkPath, checkPort, unknownTransport } from "./address.ts";
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
  /** Speaks TLS; `true` with Deno's own trust. The name in the certificate must be the hostname. @default {false} */
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
  const target = targetOf(options);
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
    hostname: options.hostname ?? "127.0.0.1",
    port: checkPort(options.port, "connect to"),
    tls: tls === true ? {} : tls === false ? undefined : tls,
  };
}

function setOptions(handle: StreamHandle, options: TcpConnectOptions | UnixConnectOptions): void {
  if (options.transport === "unix") return;
  if (options.noDelay !== undefined) setTcpOption(handle, "setNoDelay", options.noDelay);
  if (options.keepAlive !== undefined) setTcpOption(handle, "setKeepAlive", options.keepAlive);
}

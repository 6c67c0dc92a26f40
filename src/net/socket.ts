/**
 * Stream sockets for tasks: TCP, unix and TLS connections with the verbs of Python's `socket`, and making
 * them: to a listener, and in pairs.
 *
 * A socket adds to its handle what is for people: operations, checked arguments, a timeout. All it
 * promises about bytes (none lost by a cancel, order, bounds) the handle keeps.
 */
import { checkBytes, checkCount } from "../io/errors.ts";
import { MOST_AHEAD } from "../io/stream_reader.ts";
import { setTcpOption, StreamHandle } from "../io/stream.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { wait } from "../tasks/wait.ts";
import { type FrameOptions, type LineOptions, readFrame, readLine } from "./framing.ts";
import {
  Endpoint,
  MessageStream,
  receiving,
  receivingExactly,
  recvInto,
  sending,
  sendingAll,
} from "./endpoint.ts";
import { checkOptions } from "../kernel/checks.ts";
import { type MemoryStreamOptions, memoryStreamPair } from "../io/memory_stream.ts";
import { Connecting, type ConnectTarget } from "../io/open.ts";
import type { TlsClientOptions } from "../io/tls.ts";
import { checkTimeout } from "../io/waiting.ts";
import { nextName } from "../kernel/printable.ts";
import { checkHostname, checkPath, checkPort, unknownTransport } from "./address.ts";

/**
 * A connection.
 *
 * - Bytes arrive in the order in which they were sent; a cancelled `recv` has taken none.
 * - One task receives at a time (a second gets a `BusyError`); sends of several tasks go out whole, in
 *   the order of their calls.
 * - What a send has taken goes out, also when the socket is closed right after it.
 * - Per connection at most 128 KiB are held: 64 KiB that nobody has received, and 64 KiB that wait to be
 *   written. What is beyond that waits with the sender.
 * - A connection that the other side or the network breaks throws `BrokenError`, with Deno's error as
 *   its cause; one that was closed here throws `ClosedError`.
 *
 * Made by {@linkcode connect} and {@linkcode Listener.accept}. `using` closes it.
 * `close()` closes it, `closed` says whether that was done; `handle` is what registries poll.
 * `timeout` can be set: the most milliseconds that each operation waits; `undefined` for no limit.
 *
 * @typeParam A The kind of its addresses.
 */
export class Socket<A extends Deno.Addr = Deno.Addr> extends Endpoint<StreamHandle> {
  /** Made by {@linkcode connect} and {@linkcode Listener.accept}. */
  constructor(handle: StreamHandle, timeout?: number) {
    super(handle, "a socket", timeout);
  }

  /** Our address. */
  get localAddr(): A {
    return this.handle.native.localAddr as A;
  }

  /** The other side's address. */
  get remoteAddr(): A {
    return this.handle.native.remoteAddr as A;
  }

  /**
   * Waits for bytes, and takes at most `n` of those that have arrived. At the end of the stream it
   * gives an empty array, as often as it is called.
   *
   * The array is the caller's own, but may share its `buffer` with others that this socket gave: take
   * `slice()` of it before handing over its `buffer`.
   *
   * @param n The most bytes to take. @default {65536}
   * @throws {RangeError} If `n` is not a whole number of at least 1.
   */
  recv(n: number = MOST_AHEAD): Operation<Uint8Array> {
    checkCount(n, 1, "receive");
    return receiving(this.handle.reader, n);
  }

  /**
   * Waits until `n` bytes have arrived, and takes just those. A cancel or a timeout before that takes
   * nothing: the next call begins with the same first byte.
   *
   * @throws {IncompleteError} If the stream ends before that; the bytes that came are in the error.
   */
  recvExactly(n: number): Operation<Uint8Array> {
    checkCount(n, 0, "receive");
    return receivingExactly(this.handle.reader, n);
  }

  /**
   * Waits for bytes, and copies as many of those that have arrived as fit into an array of the caller's: for
   * who moves many of them, and needs none of them for long. A cancelled one has taken none.
   *
   * @param into The array; it is written to when bytes have come, not before.
   * @returns An operation that evaluates to the number of bytes, 0 at the end of the stream.
   * @throws {RangeError} If the array is empty.
   */
  recvInto(into: Uint8Array): Operation<number> {
    return recvInto(this, into);
  }

  /**
   * The lines that come, as {@linkcode readLine} reads them.
   *
   * @param options The limit of each.
   */
  lines(options: LineOptions = {}): MessageStream<string> {
    return new MessageStream(() => readLine(this, options));
  }

  /**
   * The frames that come, as {@linkcode readFrame} reads them.
   *
   * @param options The limit of each.
   */
  frames(options: FrameOptions = {}): MessageStream<Uint8Array> {
    return new MessageStream(() => readFrame(this, options));
  }

  /**
   * Hands over as many of the bytes as fit in the write buffer, one at least, waiting for room if there
   * is none; gives their number. Cancelled while it waits, it has handed over none.
   */
  send(data: Uint8Array): Operation<number> {
    checkBytes(data, "send");
    return sending(this.handle.writer, data);
  }

  /**
   * Hands over all of the bytes, waiting for room as often as needed. When it ends they are
   * copied, and will be written in order; a failure of that shows at the next operation. Cut short by a
   * cancel or a timeout, it has handed over the first {@linkcode bytesSent} of them.
   */
  sendAll(data: Uint8Array): Operation<void> {
    checkBytes(data, "send");
    return sendingAll(this.handle.writer, data);
  }

  /**
   * Takes at most `n` bytes that have arrived, without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If nothing has arrived. A native read is under way then.
   */
  tryRecv(n: number = MOST_AHEAD): Uint8Array {
    return this.handle.tryRecv(n);
  }

  /**
   * Hands over as many of the bytes as fit, without waiting; gives their number. Never a checkpoint.
   *
   * @throws {WouldBlock} If there is no room.
   */
  trySend(data: Uint8Array): number {
    return this.handle.trySend(data);
  }

  /**
   * Sends small messages at once (TCP), or lets the host collect them. Takes effect when the write
   * under way has ended.
   *
   * @throws {TypeError} If the socket is not one of TCP.
   */
  setNoDelay(on = true): void {
    setTcpOption(this.handle, "setNoDelay", on);
  }

  /**
   * Probes the connection when it is idle (TCP). Takes effect when the write under way has ended.
   *
   * @throws {TypeError} If the socket is not one of TCP.
   */
  setKeepAlive(on = true): void {
    setTcpOption(this.handle, "setKeepAlive", on);
  }

  /**
   * Waits until the TLS handshake is over. Nobody has to: without it, the first bytes wait for that, and
   * {@linkcode connect} has done it.
   *
   * @returns An operation that evaluates to what was agreed on.
   * @throws {TypeError} If the socket does not speak TLS.
   */
  handshake(): Operation<Deno.TlsHandshakeInfo> {
    const { native } = this.handle;
    if (!("handshake" in native)) {
      throw new TypeError(`Cannot shake hands on ${this}: it does not speak TLS`);
    }
    return wait(() => (native as unknown as Deno.TlsConn).handshake());
  }

  /**
   * Ends the sending direction: the other side sees the end of the stream once everything handed over
   * has arrived. Receiving goes on.
   *
   * @throws {ClosedError} If the socket is closed.
   */
  closeWrite(): void {
    this.handle.closeWrite();
  }
}

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

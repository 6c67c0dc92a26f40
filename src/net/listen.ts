/** Starting to listen: TCP, TLS and unix streams. */
import { checkTimeout } from "../io/wait_timeout.ts";
import { ListenerHandle } from "../io/listener.ts";
import type { NativeStream } from "../io/native.ts";
import { type ListenTarget, openListener } from "../io/open.ts";
import type { TlsServerOptions } from "../io/tls.ts";
import { setTcpOption, StreamHandle } from "../io/stream.ts";
import { nextName } from "../kernel/names.ts";
import type { Party } from "../kernel/wait.ts";
import { checkPath, checkPort, unknownTransport } from "./address.ts";
import { Listener } from "./listener.ts";
import { Socket } from "./socket.ts";

/** Where and how to listen on TCP. */
export interface TcpListenOptions {
  /** The transport. @default {"tcp"} */
  transport?: "tcp";
  /** The port; with 0 the host chooses one. @default {0} */
  port?: number;
  /** The address to bind to. @default {"0.0.0.0"} */
  hostname?: string;
  /** How many connections may queue up before they are accepted. @default Deno's, 511 */
  backlog?: number;
  /** Shares the port with other listeners that ask for it; needs `"unstable": ["net"]`. @default {false} */
  reusePort?: boolean;
  /** Speaks TLS with this certificate. @default plain TCP */
  tls?: TlsServerOptions;
  /** Sends small messages of accepted sockets without delay. @default the host's habit */
  noDelay?: boolean;
  /** Probes idle connections of accepted sockets. @default the host's habit */
  keepAlive?: boolean;
  /** The listener's first `timeout`, in milliseconds. @default none */
  timeout?: number;
}

/** Where and how to listen on a unix socket. */
export interface UnixListenOptions {
  /** The transport. */
  transport: "unix";
  /** The file to make; it is removed when the listener is closed. */
  path: string;
  /** The listener's first `timeout`, in milliseconds. @default none */
  timeout?: number;
}

/**
 * Listens on a TCP port, with or without TLS.
 *
 * Binding happens in the call itself, so this is no operation. A listener opened in a task is closed at
 * the end of its run; one opened outside belongs to the caller.
 *
 * @example An echo, and who asks it
 * ```ts
 * import { connect, listen, run, spawn } from "@weft/weft";
 * const reply = await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   spawn(async function* () {
 *     using socket = yield* listener.accept();
 *     yield* socket.sendAll(yield* socket.recv());
 *   });
 *   using socket = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   yield* socket.sendAll(new TextEncoder().encode("hello"));
 *   return new TextDecoder().decode(yield* socket.recvExactly(5));
 * });
 * if (reply !== "hello") throw new Error(reply);
 * ```
 *
 * @param options Port, address, backlog, TLS.
 * @returns The listener.
 * @throws {RangeError} If the port is not a whole number from 0 to 65535.
 * @throws {Deno.errors.AddrInUse} If somebody else listens there; a listener of ours that was closed
 *   does so until its `close()` has been waited for.
 */
export function listen(options: TcpListenOptions): Listener<Deno.NetAddr>;
/**
 * Listens on a unix stream socket. Deno asks for read, write and net permission.
 *
 * @param options The path.
 * @returns The listener.
 */
export function listen(options: UnixListenOptions): Listener<Deno.UnixAddr>;
export function listen(options: TcpListenOptions | UnixListenOptions): Listener {
  const target = targetOf(options);
  const timeout = checkTimeout(options.timeout, "the timeout of a listener");
  const handle = new ListenerHandle<Socket>(
    openListener(target),
    nextName("Listener"),
    (native, owner) => accepted(native, owner, options),
  );
  return new Listener(handle, timeout);
}

function targetOf(options: TcpListenOptions | UnixListenOptions): ListenTarget {
  if (options.transport === "unix") {
    return { kind: "unix", path: checkPath(options.path, "listen on") };
  }
  if (options.transport !== undefined && options.transport !== "tcp") {
    throw unknownTransport(
      (options as { transport: unknown }).transport,
      "listen on",
      '"tcp" or "unix"; datagrams go through bindDatagram()',
    );
  }
  return {
    kind: "tcp",
    hostname: options.hostname ?? "0.0.0.0",
    port: checkPort(options.port ?? 0, "listen on"),
    reusePort: options.reusePort === true,
    backlog: options.backlog,
    tls: options.tls,
  };
}

function accepted(
  native: NativeStream,
  owner: Party | null | undefined,
  options: TcpListenOptions | UnixListenOptions,
): Socket {
  const handle = new StreamHandle(native, nextName("Socket"), owner);
  if (options.transport !== "unix") {
    if (options.noDelay !== undefined) setTcpOption(handle, "setNoDelay", options.noDelay);
    if (options.keepAlive !== undefined) setTcpOption(handle, "setKeepAlive", options.keepAlive);
  }
  return new Socket(handle);
}

/**
 * Listening sockets for tasks, TCP, unix and TLS; and accepting that goes on.
 *
 * Most of what accept(2) reports says nothing of the listener: a newcomer has
 * gone again (ECONNABORTED), the network had an error for it (EPROTO, ENETDOWN, EHOSTUNREACH…), a firewall
 * forbade it (EPERM), the process or the machine is out of descriptors or memory for a while (EMFILE,
 * ENFILE, ENOBUFS, ENOMEM). A server that ended by one of them would be ended by any client, so every
 * error of the host counts as passing, except those by which the listener itself is of no use any more.
 *
 * Rejected: a list of the passing ones. Deno gives some of them no code, only a number in the text, and
 * one that was forgotten ends a server in its busiest hour; an unknown one that stays costs eight tries a
 * second. What waits in line meanwhile waits in the host's backlog.
 */
import { checkOptions, checkString, checkWhole, type WholeRange } from "../kernel/checks.ts";
import { isPassing, ListenerHandle } from "../io/listener.ts";
import type { NativeStream } from "../io/native.ts";
import { type ListenTarget, openListener } from "../io/open.ts";
import { setTcpOption, StreamHandle } from "../io/stream.ts";
import type { TlsServerOptions } from "../io/tls.ts";
import { checkTimeout } from "../io/waiting.ts";
import { BusyError, WouldBlock } from "../kernel/errors.ts";
import { nextName } from "../kernel/printable.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { runningTask } from "../tasks/run.ts";
import { shield } from "../tasks/cancel_scope.ts";
import { sleep } from "../tasks/time.ts";
import { wait } from "../tasks/wait.ts";
import { checkHostname, checkPath, checkPort, unknownTransport } from "./address.ts";
import { Endpoint } from "./endpoint.ts";
import { Socket } from "./socket.ts";
import type { Task } from "../kernel/task.ts";

/**
 * A place where others connect.
 *
 * - Connections come in the order in which the host accepted them; a cancelled `accept` has taken none.
 * - One task accepts at a time; a second gets a `BusyError`.
 * - A socket belongs to the run of the task that accepted it; accepted outside of tasks, to nobody.
 *
 * Made by {@linkcode listen}. `using` closes it.
 * `close()` closes it, `closed` says whether that was done; `handle` is what registries poll.
 * `timeout` can be set: the most milliseconds that an `accept` waits; `undefined` for no limit.
 *
 * @typeParam A The kind of its address.
 */
export class Listener<A extends Deno.Addr = Deno.Addr> extends Endpoint<ListenerHandle<Socket<A>>> {
  /** Made by {@linkcode listen}. */
  constructor(handle: ListenerHandle<Socket<A>>, timeout?: number) {
    super(handle, "a listener", timeout);
  }

  /** Where it listens; with port 0 asked for, the port that the host chose. */
  get localAddr(): A {
    return this.handle.native.addr as A;
  }

  /** Waits for a connection and takes it. An error of the host (too many open files) is thrown as it is. */
  accept(): Operation<Socket<A>> {
    const handle = this.handle;
    return operation(
      handle,
      (stay: Wait<Socket<A>>) => handle.begin(stay, this.timeout),
      { undo: (socket) => socket.close() },
    );
  }

  /**
   * Takes a connection without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If there is none. A native accept is under way then.
   */
  tryAccept(): Socket<A> {
    return this.handle.tryAccept();
  }

  /**
   * Stops listening without turning away who is in line: takes every connection that the host has let
   * in, and closes when no more come. No cancel interrupts it. A client that connects just while the host closes
   * it is still reset, which only the host could prevent: 3 of 29 000 connections in four closes, at 6000
   * connections a second (measured).
   *
   * @returns The connections, in the order in which they came.
   */
  drain(): Operation<Socket<A>[]> {
    return sequence(`${this}.drain()`, () => shieldedDrain(this));
  }
}

/** How often in a row, a millisecond apart, nobody may be in line before a drained listener closes. */
const QUIET_TURNS = 2;
/** It closes after the host has failed so many times to give one of those who are in line. */
const MOST_FAILURES = 50;
/** It closes after this many connections all the same: where others share the port, the line may never end. */
const MOST_DRAINED = 4096;

function* shieldedDrain<A extends Deno.Addr>(listener: Listener<A>) {
  return yield* shield(function* () {
    const sockets: Socket<A>[] = [];
    let failures = 0;
    for (let quiet = 0; quiet < QUIET_TURNS && sockets.length < MOST_DRAINED && !listener.closed;) {
      try {
        sockets.push(listener.tryAccept());
        quiet = 0;
      } catch (error) {
        if (error instanceof WouldBlock) quiet++;
        else if (!isPassing(error) || ++failures === MOST_FAILURES) break;
        else quiet = 0; // somebody is in line whom the host failed to give
        yield* sleep(1);
      }
    }
    // Nothing else is done until the host has closed it: who comes in between is reset.
    const last = yield* wait(listener.handle.closeKeeping(runningTask() ?? null));
    return [...sockets, ...last];
  });
}

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
  /**
   * Speaks TLS with this certificate. What is sent takes a turn over the loopback, so that a client that never
   * ends its handshake can be closed; a connection takes three descriptors then. @default plain TCP
   */
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
  const target = targetOf(checkOptions(options, "listen()"));
  const timeout = checkTimeout(options.timeout, "the timeout of a listener");
  const handle = new ListenerHandle<Socket>(
    openListener(target),
    nextName("Listener"),
    (native, owner) => accepted(native, owner, options),
  );
  return new Listener(handle, timeout);
}

function checkTls(tls: TlsServerOptions): TlsServerOptions {
  const { cert, key } = checkOptions(tls, "TLS");
  checkString(cert, "a certificate");
  checkString(key, "the key of a certificate");
  return tls;
}

/** The host keeps a number of 32 bits, with a sign. */
const BACKLOG: WholeRange = { least: 0, most: 0x7fff_ffff };

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
    hostname: checkHostname(options.hostname ?? "0.0.0.0", "listen on"),
    port: checkPort(options.port ?? 0, "listen on"),
    reusePort: options.reusePort === true,
    backlog: options.backlog === undefined
      ? undefined
      : checkWhole(options.backlog, "listen with", "as a backlog", BACKLOG),
    tls: options.tls === undefined ? undefined : checkTls(options.tls),
  };
}

function accepted(
  native: NativeStream,
  owner: Task | null | undefined,
  options: TcpListenOptions | UnixListenOptions,
): Socket {
  const handle = new StreamHandle(native, nextName("Socket"), owner);
  if (options.transport !== "unix") {
    if (options.noDelay !== undefined) setTcpOption(handle, "setNoDelay", options.noDelay);
    if (options.keepAlive !== undefined) setTcpOption(handle, "setKeepAlive", options.keepAlive);
  }
  return new Socket(handle);
}

/** The longest pause between two tries, in milliseconds; the first takes one, each of the next twice as long. */
const LONGEST_PAUSE = 128;

/** How long to leave newcomers in line after accepts that failed in a row. */
export class AcceptBackoff {
  #pause = 1;
  #hasAccepted = false;

  /**
   * Takes note of a failure; gives the milliseconds until the next try.
   *
   * @throws The error, if there is no use in trying again.
   */
  failed(error: unknown): number {
    // Another task that accepts on a listener which is served is in the way for a moment only.
    const isInterlude = this.#hasAccepted && error instanceof BusyError;
    if (!isInterlude && !isPassing(error)) throw error;
    const pause = this.#pause;
    this.#pause = Math.min(2 * pause, LONGEST_PAUSE);
    return pause;
  }

  /** Takes note of a connection. */
  succeeded(): void {
    this.#hasAccepted = true;
    this.#pause = 1;
  }
}

/**
 * Accepts the next connection, however often the host fails to give it. For `yield*` in a `function*`.
 *
 * @param listener Where they connect.
 * @param backoff The same one for each connection of a listener.
 * @param onFailure Is told of each failure that passes.
 */
export function* acceptNext<A extends Deno.Addr>(
  listener: Listener<A>,
  backoff: AcceptBackoff,
  onFailure?: (error: unknown) => void,
): Generator<unknown, Socket<A>, unknown> {
  for (;;) {
    try {
      const socket = yield* listener.accept();
      backoff.succeeded();
      return socket;
    } catch (error) {
      const pause = backoff.failed(error);
      onFailure?.(error);
      yield* sleep(pause);
    }
  }
}

/** Servers of datagrams: UDP and unix sockets, in four engines. */
import { checkWhole, COUNT } from "../kernel/checks.ts";
import type { Task } from "../kernel/task.ts";
import {
  bindDatagram,
  type DatagramSocket,
  type UdpOptions,
  type UnixAddress,
  type UnixPacketOptions,
} from "../net/datagram_socket.ts";
import { joinAll } from "../tasks/join.ts";
import { spawn } from "../tasks/run.ts";
import type { Report } from "./connections.ts";
import {
  type AnyDatagramHandler,
  checkDatagramHandler,
  type DatagramClass,
  type DatagramFunction,
  runDatagramHandler,
} from "./handler.ts";
import { DatagramLoop, type Serve } from "./datagram_loop.ts";
import { DatagramPool } from "./datagram_worker.ts";
import { addressOfHandler } from "./known_handlers.ts";
import { Server, type ServerOptions } from "./server.ts";

/** How many datagrams are served at a time, unless said otherwise. */
const USUAL_MOST = 1000;

/** How a datagram server is to be. */
export interface DatagramServerOptions extends ServerOptions {
  /**
   * How many datagrams are served at a time, at least 1. What comes then stays with the host, which drops
   * what does not fit. @default {1000}
   */
  maxRequests?: number;
}

/** Where a datagram server is bound: what {@linkcode bindDatagram} takes. */
type DatagramAddress = Omit<UdpOptions, "timeout"> | Omit<UnixPacketOptions, "timeout">;

/**
 * A server of datagrams: the counterpart of `socketserver.UDPServer`, its threading and forking variants, and of
 * `gevent.server.DatagramServer`.
 *
 * - It is bound from the moment it is made; it serves from {@linkcode serveForever} on.
 * - What a handler returns is sent back to the sender: a datagram, several, or none. For anything else to
 *   be sent there is {@linkcode socket}.
 * - The engines: `sequential` serves one datagram after the other, `coroutine` each in a task, `poll` the same
 *   with a receiver that polls, `worker` has workers do the work, while the socket stays here; their
 *   handlers must be known by name ({@linkcode handlers}).
 * - A handler's failure is reported with the sender's address, and the server goes on; so it does when
 *   an answer cannot be sent, and after errors of the host.
 * - At its end what has arrived is still answered, within the time of grace.
 *
 * `serveForever()` serves until `shutdown()`, which ends it in order; `ready()` waits until it serves.
 *
 * @example An echo
 * ```ts
 * import { bindDatagram, DatagramServer, run, spawn, type UdpAddress } from "@weft/weft";
 * await run(async function* () {
 *   const server = new DatagramServer((data: Uint8Array) => data, { hostname: "127.0.0.1" });
 *   const serving = spawn(function* () {
 *     yield* server.serveForever();
 *   });
 *   using socket = bindDatagram({ hostname: "127.0.0.1" });
 *   yield* socket.sendTo(new Uint8Array(3), server.address as UdpAddress);
 *   const [data] = yield* socket.recvFrom();
 *   if (data.length !== 3) throw new Error();
 *   yield* server.shutdown();
 *   yield* serving.join();
 * });
 * ```
 */
export class DatagramServer extends Server {
  readonly #most: number;
  readonly #handler: AnyDatagramHandler;
  readonly #socket: DatagramSocket;
  #loop: DatagramLoop | null = null;
  #task: Task | null = null;
  #pool: DatagramPool | null = null;

  /**
   * Makes a server that is bound.
   *
   * @param handler What serves a datagram: a function that takes the bytes and the sender's address, or a
   *   class with `setup`, `handle` and `finish`.
   * @param options Where to bind, how to serve, and the limits.
   * @throws {TypeError} If the handler is nothing that can serve, or a worker could not find it.
   * @throws {RangeError} If a number is out of range.
   * @throws {Deno.errors.AddrInUse} If somebody else is bound there.
   */
  constructor(
    handler: DatagramFunction | DatagramClass,
    options?: Omit<UdpOptions, "timeout"> & DatagramServerOptions,
  );
  /**
   * Makes one on a unix socket.
   *
   * @param handler What serves a datagram.
   * @param options The path, how to serve, and the limits.
   */
  constructor(
    handler: DatagramFunction<UnixAddress> | DatagramClass<UnixAddress>,
    options: Omit<UnixPacketOptions, "timeout"> & DatagramServerOptions,
  );
  constructor(
    handler: AnyDatagramHandler,
    options: DatagramAddress & DatagramServerOptions = {},
  ) {
    checkDatagramHandler(handler);
    super(options, "DatagramServer");
    this.#handler = handler;
    const { maxRequests = USUAL_MOST } = options;
    const most = checkWhole(maxRequests, "serve", "datagrams at a time", COUNT);
    this.#most = this.options.engine === "sequential" ? 1 : most;
    if (this.options.engine === "worker") addressOfHandler(handler);
    this.#socket = options.transport === "unixpacket"
      ? bindDatagram(options)
      : bindDatagram(options) as DatagramSocket;
  }

  /** Where it is bound; with port 0 asked for, the port that the host chose. */
  override get address(): Deno.Addr {
    return this.#socket.localAddr as Deno.Addr;
  }

  /** Its socket: to send with, for nobody else may receive. */
  get socket(): DatagramSocket {
    return this.#socket;
  }

  /**
   * Begins to serve.
   *
   * @internal
   */
  protected override *begin(report: Report): Generator<unknown, Task, unknown> {
    const { engine, workers, handlerTimeout } = this.options;
    const handler = this.#handler;
    let serve: Serve = (data, peer) => runDatagramHandler(handler, data, peer);
    if (engine === "worker") {
      const pool = this.#pool = new DatagramPool(addressOfHandler(handler), workers);
      yield* pool.ready();
      serve = (data, peer) => pool.serve(data, peer);
    }
    const isPolling = engine === "poll";
    const options = { most: this.#most, isPolling, handlerTimeout };
    const loop = this.#loop = new DatagramLoop(this.#socket, serve, options, this.counts, report);
    const task = this.#task = spawn(function* () {
      yield* loop.body();
    });
    task.name = `${this}.loop`;
    return task;
  }

  /**
   * Closes what was opened before it served.
   *
   * @internal
   */
  protected override closeBound(): void {
    this.#socket.close();
  }

  /**
   * Ends it in order, within `grace` milliseconds.
   *
   * @internal
   */
  protected override *end(grace: number): Generator<unknown, void, unknown> {
    const task = this.#task;
    const loop = this.#loop;
    if (task !== null && loop !== null) {
      loop.stop();
      const cut = task.timers.after(grace, () => loop.cancel());
      yield* joinAll([task], { raiseError: false });
      task.timers.cancel(cut);
    }
    if (this.#pool !== null) yield* this.#pool.end();
  }
}

/** Servers of datagrams: UDP and unix sockets, in four engines. */
import { checkWhole, COUNT } from "../kernel/checks.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import {
  bindDatagram,
  type DatagramSocket,
  type UdpOptions,
  type UnixAddress,
  type UnixPacketOptions,
} from "../net/datagram_socket.ts";
import { joinAll } from "../tasks/join.ts";
import { spawn } from "../tasks/spawn.ts";
import type { Report } from "./crowd.ts";
import {
  type AnyDatagramHandler,
  checkDatagramHandler,
  type DatagramClass,
  type DatagramFunction,
  runDatagramHandler,
} from "./datagram_handler.ts";
import { DatagramLoop, type Serve } from "./datagram_loop.ts";
import { DatagramPool } from "./datagram_worker.ts";
import { addressOfHandler } from "./handlers.ts";
import { type CheckedOptions, checkServerOptions, type ServerOptions } from "./options.ts";
import { reporter } from "./report.ts";
import { ServerLife, type ShutdownOptions } from "./server_life.ts";
import { type ServerStatistics, Tally } from "./tally.ts";

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
 * A server of datagrams: the counterpart of `socketserver.UDPServer`, its threading and forking kin, and of
 * `gevent.server.DatagramServer`.
 *
 * - It is bound from the moment it is made; it serves from {@linkcode serveForever} on.
 * - What a handler comes to is sent back to the sender: a datagram, several, or none. For anything else to
 *   be sent there is {@linkcode socket}.
 * - The engines: `sequential` serves one datagram after the other, `coroutine` each in a task, `poll` the same
 *   with a receiver that polls, `worker` has workers do the work, while the socket stays here; their
 *   handlers must be known by name ({@linkcode handlers}).
 * - A handler's failure is reported with the sender's address, and the server goes on; so it does when
 *   an answer cannot be sent, and after errors of the host.
 * - At its end what has arrived is still answered, within the time of grace.
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
export class DatagramServer implements AsyncDisposable {
  readonly #name: string;
  readonly #options: CheckedOptions;
  readonly #most: number;
  readonly #handler: AnyDatagramHandler;
  readonly #onError: Report | undefined;
  readonly #socket: DatagramSocket;
  readonly #tally = new Tally();
  readonly #life: ServerLife;
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
    this.#handler = handler;
    this.#options = checkServerOptions(options);
    const { maxRequests = USUAL_MOST } = options;
    const most = checkWhole(maxRequests, "serve", "datagrams at a time", COUNT);
    this.#most = this.#options.engine === "sequential" ? 1 : most;
    if (this.#options.engine === "worker") addressOfHandler(handler);
    this.#onError = options.onError;
    this.#name = options.name ?? nextName("DatagramServer");
    this.#socket = options.transport === "unixpacket"
      ? bindDatagram(options)
      : bindDatagram(options) as DatagramSocket;
    this.#life = new ServerLife({
      begin: () => this.#begin(),
      end: (grace) => this.#end(grace),
      close: () => void this.#socket.close(),
      toString: () => this.#name,
    }, this.#options.grace);
  }

  /** Where it is bound; with port 0 asked for, the port that the host chose. */
  get address(): Deno.Addr {
    return this.#socket.localAddr as Deno.Addr;
  }

  /** Its socket: to send with, for nobody else may receive. */
  get socket(): DatagramSocket {
    return this.#socket;
  }

  /**
   * Waits until it serves.
   *
   * @returns An operation that evaluates to the address.
   * @throws {ClosedError} If it has ended.
   */
  ready(): Operation<Deno.Addr> {
    const life = this.#life;
    const address = this.address;
    return sequence(`${this}.ready()`, function* () {
      yield* life.ready();
      return address;
    });
  }

  /**
   * Serves until {@linkcode shutdown}. Cancelled, it ends as `shutdown` would have it, and throws the
   * cancel then.
   *
   * @throws {ClosedError} If it has served before, or was shut down.
   */
  serveForever(): Operation<void> {
    return sequence(`${this}.serveForever()`, () => this.#life.serve());
  }

  /**
   * Ends the server: what has arrived is answered, or cut off when the time of grace is over. It begins with
   * the call, from wherever that comes; called again, only a new `grace` is of effect, until the end has begun.
   *
   * @param options The time of grace.
   * @returns An operation that waits until nothing is served any more. Nobody needs to wait for it; a
   *   handler must not, for it would wait for its own end.
   */
  shutdown(options: ShutdownOptions = {}): Operation<void> {
    return this.#life.shutdown(options);
  }

  /** A frozen record of what it has done and is doing; `accepted` are the datagrams. */
  statistics(): ServerStatistics {
    return Tally.sum([this.#tally]);
  }

  /** Shuts it down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Its name in reports. */
  toString(): string {
    return this.#name;
  }

  *#begin(): Generator<unknown, Task, unknown> {
    const { engine, workers, handlerTimeout } = this.#options;
    const report = reporter(this.#name, this.#onError);
    const handler = this.#handler;
    let serve: Serve = (data, peer) => runDatagramHandler(handler, data, peer);
    if (engine === "worker") {
      const pool = this.#pool = new DatagramPool(addressOfHandler(handler), workers);
      yield* pool.ready();
      serve = (data, peer) => pool.serve(data, peer);
    }
    const isPolling = engine === "poll";
    const options = { most: this.#most, isPolling, handlerTimeout };
    const loop = this.#loop = new DatagramLoop(this.#socket, serve, options, this.#tally, report);
    const task = this.#task = spawn(function* () {
      yield* loop.body();
    });
    task.name = `${this}.loop`;
    return task;
  }

  *#end(grace: number): Generator<unknown, void, unknown> {
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

/** Servers of streams: TCP, TLS and unix sockets, in four engines. */
import { BOUND, checkMs, checkWhole } from "../kernel/checks.ts";
import type { Task } from "../kernel/task.ts";
import {
  listen,
  type Listener,
  type TcpListenOptions,
  type UnixListenOptions,
} from "../net/listener.ts";
import { all } from "../tasks/all.ts";
import { shield } from "../tasks/cancel_scope.ts";
import { Connections, type Limits, type Report } from "./connections.ts";
import { checkStreamHandler, type StreamClass, type StreamFunction } from "./handler.ts";
import { addressOfHandler } from "./known_handlers.ts";
import { Server, type ServerOptions } from "./server.ts";
import { StreamCrew } from "./stream_crew.ts";
import { closedLoop, type Loop, loopOf, StreamLoop } from "./stream_loop.ts";
import { ServerCounts, type ServerStatistics } from "./statistics.ts";

/** How a stream server is to be. */
export interface StreamServerOptions extends ServerOptions {
  /** How many connections are served at a time; who comes then waits in the host's line. @default {Infinity} */
  maxConnections?: number;
  /**
   * How many milliseconds a wait of the handler on its socket may take (the socket's `timeout`). What
   * takes longer throws `TimeoutError` there; not caught, it ends the connection quietly. @default none
   */
  idleTimeout?: number;
}

/** Where a stream server listens: what {@linkcode listen} takes. Its `backlog` is the length of the line. */
export type StreamAddress =
  | Omit<TcpListenOptions, "timeout">
  | Omit<UnixListenOptions, "timeout">;

/**
 * A server of streams: the counterpart of `socketserver.TCPServer`, its threading and forking variants, and of
 * `gevent.server.StreamServer`.
 *
 * - It listens from the moment it is made, so its {@linkcode address} is known; it serves from
 *   {@linkcode serveForever} on.
 * - The engines differ in who waits for whom: `sequential` serves one client after the other, `coroutine`
 *   each in a task, `poll` the same by one loop around an event registry, `worker` in so many threads,
 *   each with a listener on the same port. Handlers are the same in all of them, but for a worker they must be
 *   known by name ({@linkcode handlers}), and a unix path can't be shared by workers.
 * - A handler's failure is reported with the client's address, and the server goes on; so it does after
 *   every error of accept(2) that passes. What a client or the network breaks is counted and no failure.
 * - The socket is closed when the handler has ended; what it has sent still goes out.
 * - At its end nobody in line is turned away, who is between two requests
 *   ({@linkcode Client.between}) is closed at once, and the others get a time of grace.
 *
 * `serveForever()` serves until `shutdown()`, which ends it in order; `ready()` waits until it serves.
 *
 * @example An echo
 * ```ts
 * import { connect, run, spawn, StreamServer } from "@weft/weft";
 * await run(async function* () {
 *   const server = new StreamServer(async function* (socket) {
 *     for (let data; (data = yield* socket.recv()).length > 0;) yield* socket.sendAll(data);
 *   }, { hostname: "127.0.0.1" });
 *   const serving = spawn(function* () {
 *     yield* server.serveForever();
 *   });
 *   using client = yield* connect({ port: (server.address as Deno.NetAddr).port });
 *   yield* client.sendAll(new TextEncoder().encode("hello"));
 *   client.closeWrite();
 *   if ((yield* client.recvExactly(5)).length !== 5) throw new Error();
 *   yield* server.shutdown({ grace: 1000 });
 *   yield* serving.join();
 *   if (server.statistics().completed !== 1) throw new Error();
 * });
 * ```
 */
export class StreamServer extends Server {
  readonly #limits: Limits;
  readonly #most: number;
  readonly #handler: StreamFunction | StreamClass;
  readonly #place: StreamAddress;
  readonly #listener: Listener;
  #loop: StreamLoop | null = null;
  #crew: StreamCrew | null = null;

  /**
   * Makes a server that listens.
   *
   * @param handler What serves a connection: a task body that takes the socket, or a class with `setup`,
   *   `handle` and `finish`.
   * @param options Where to listen, how to serve, and the limits.
   * @throws {TypeError} If the handler is nothing that can serve, or a worker could not find it.
   * @throws {RangeError} If a number is out of range.
   * @throws {Deno.errors.AddrInUse} If somebody else listens there.
   */
  constructor(
    handler: StreamFunction | StreamClass,
    options: StreamAddress & StreamServerOptions = {},
  ) {
    checkStreamHandler(handler);
    super(options, "StreamServer");
    this.#handler = handler;
    const { maxConnections = Infinity, idleTimeout } = options;
    this.#most = checkWhole(maxConnections, "serve", "connections", BOUND);
    this.#limits = {
      idle: idleTimeout === undefined ? undefined : checkMs(idleTimeout, "an idle timeout"),
      handler: this.options.handlerTimeout,
    };
    if (this.options.engine === "worker") refuseForWorkers(handler, options);
    this.#place = placeIn(options);
    this.#listener = open(this.#place);
    if (this.options.engine === "worker") this.#listener = shared(this.#listener, this.#place);
  }

  /** Where it listens; with port 0 asked for, the port that the host chose. */
  override get address(): Deno.Addr {
    return this.#listener.localAddr;
  }

  /** A frozen record of what it has done and is doing, all workers together. */
  override statistics(): ServerStatistics {
    return ServerCounts.sum([this.counts, ...this.#crew?.counts ?? []]);
  }

  /**
   * Begins to serve.
   *
   * @internal
   */
  protected override *begin(report: Report): Generator<unknown, Task, unknown> {
    const connections = new Connections(this.#handler, this.#limits, this.counts, report);
    const { engine } = this.options;
    this.#loop = new StreamLoop(
      engine === "worker"
        ? yield* this.#startWorkers(report, connections)
        : loopOf(engine, this.#listener, connections, this.#most),
      connections,
    );
    return this.#loop.begin();
  }

  /** Starts the workers; the loop serves those who connected to our own listener, which kept the port meanwhile. */
  *#startWorkers(report: Report, connections: Connections): Generator<unknown, Loop, unknown> {
    const { workers, grace } = this.options;
    const crew = this.#crew = new StreamCrew({
      handler: addressOfHandler(this.#handler),
      listen: { ...this.#place as TcpListenOptions, port: (this.address as Deno.NetAddr).port },
      limits: this.#limits,
      maxConnections: this.#most,
      workers,
      grace,
      name: String(this),
    }, report);
    try {
      yield* crew.start();
    } catch (error) {
      yield* shield(() => crew.end(0));
      throw error;
    }
    return closedLoop(yield* this.#listener.drain(), connections, () => crew.join());
  }

  /**
   * Closes what was opened before it served.
   *
   * @internal
   */
  protected override closeBound(): void {
    this.#listener.close();
  }

  /**
   * Ends it in order, within `grace` milliseconds.
   *
   * @internal
   */
  protected override *end(grace: number): Generator<unknown, void, unknown> {
    const crew = this.#crew;
    const loop = this.#loop;
    if (loop === null) return;
    if (crew === null) yield* loop.end(grace);
    else yield* all([() => loop.end(grace), () => crew.end(grace)]);
  }
}

/** The part of the options that says where to listen. */
function placeIn(options: StreamAddress & StreamServerOptions): StreamAddress {
  const {
    engine: _,
    workers: _1,
    handlerTimeout: _2,
    grace: _3,
    onError: _4,
    name: _5,
    maxConnections: _6,
    idleTimeout: _7,
    ...place
  } = options;
  return place;
}

function open(place: StreamAddress): Listener {
  return (place.transport === "unix" ? listen(place) : listen(place)) as Listener;
}

/**
 * Listens in the same place in a way that others may share. The first listener has found the port, and that
 * nobody else has it, which one that shares it would not tell.
 */
function shared(listener: Listener, place: StreamAddress): Listener {
  const { port } = listener.localAddr as Deno.NetAddr;
  listener.close();
  return open({ ...place as TcpListenOptions, port, reusePort: true });
}

function refuseForWorkers(handler: StreamFunction | StreamClass, place: StreamAddress): void {
  addressOfHandler(handler);
  if (place.transport !== "unix") return;
  throw new TypeError(
    `Cannot serve ${place.path} by workers: a unix socket cannot be shared by threads; ` +
      `choose the engine "sequential", "coroutine" or "poll"`,
  );
}

/**
 * An HTTP/1.1 server: a task for each connection, as many of them as are allowed, and an end that cuts off
 * no answer.
 *
 * When it is cancelled it goes on for as long as requests that have begun need, within the grace: idle
 * connections close at once, and every other answer says `Connection: close`.
 *
 * The files here are a small library. A program gives a handler, a body of either lane from a request to a
 * reply, and serves:
 *
 *     const server = new HttpServer(async function* (request) {
 *       if (request.path !== "/hello") throw new HttpError(404, "Not Found");
 *       return textReply(200, "Hello, world!");
 *     }, { port: 8000 });
 *     yield* server.serveForever();
 *
 * An answer that has no end, a stream of events, is a body with `write`, raced with `request.left()`.
 */
import { Event, shield, sleep, type Socket, spawn, StreamServer, type Task } from "@weft/weft";
import { show } from "../serve.ts";
import { type ConnectionHost, CROSSING_MS, type Handler, HttpConnection } from "./connection.ts";
import { LIMITS, type RequestLimits } from "./parser.ts";
import { textReply } from "./reply.ts";

/** How an HTTP server is to be. */
export interface HttpServerOptions {
  /** The address to bind. @default {"127.0.0.1"} */
  hostname?: string;
  /** The port; with 0 the host chooses one. @default {0} */
  port?: number;
  /** How much a client may send. */
  limits?: Partial<RequestLimits>;
  /** How many connections are served at a time; further ones are told to come again (503). */
  maxConnections?: number;
  /** Milliseconds for the head of a request, for each part of its body, and for an idle connection. */
  headerTimeout?: number;
  /** Milliseconds that requests get to be answered in the end. */
  grace?: number;
  /** Told of what handlers throw. @default writes a line to stderr */
  report?: (message: string, error: unknown) => void;
}

/** How many are turned away in words at a time; the rest is only hung up on. */
const MOST_REFUSALS = 1000;
const FULL = textReply(503, "503 Too many connections", { "Retry-After": "1" });

/** Serves requests by a handler. */
export class HttpServer implements ConnectionHost {
  readonly handler: Handler;
  readonly limits: RequestLimits;
  readonly headerTimeout: number;
  readonly report: (message: string, error: unknown) => void;
  readonly #maxConnections: number;
  readonly #server: StreamServer;
  readonly #connections = new Set<HttpConnection>();
  #refusals = 0;
  /** Set when it is coming to its end. */
  readonly stopped: Event = new Event();

  /** A server that answers by `handler`. It listens from now on; throws if the host does not let it. */
  constructor(handler: Handler, options: HttpServerOptions = {}) {
    this.handler = handler;
    this.limits = { ...LIMITS, ...options.limits };
    this.headerTimeout = options.headerTimeout ?? 10_000;
    this.report = options.report ?? reportToStderr;
    this.#maxConnections = options.maxConnections ?? 10_000;
    const answer = (socket: Socket) => this.#answer(socket);
    this.#server = new StreamServer(
      function* connection(socket) {
        yield* answer(socket);
      },
      {
        hostname: options.hostname ?? "127.0.0.1",
        port: options.port ?? 0,
        grace: options.grace ?? 5000,
        onError: (error, peer) => this.report(`A connection of ${showPeer(peer)} failed`, error),
      },
    );
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Where it listens; with port 0 asked for, the port that the host chose. */
  get address(): Deno.NetAddr {
    return this.#server.address as Deno.NetAddr;
  }

  /** Serves those who connect, until it is cancelled; then it stops in order. */
  *serveForever(): Generator<unknown, void, unknown> {
    const server = this.#server;
    const serving = spawn(function* accepting() {
      yield* server.serveForever();
    });
    try {
      yield* serving.get();
    } finally {
      this.stopped.set();
      server.shutdown();
      yield* shield(this.#windUp(serving));
    }
  }

  /** Closes those who wait for nothing; those whose next request may be under way, a little later. */
  *#windUp(serving: Task): Generator<unknown, void, unknown> {
    for (const connection of this.#connections) connection.closeIfIdle(true);
    yield* sleep(CROSSING_MS);
    for (const connection of this.#connections) connection.closeIfIdle(false);
    yield* serving.join();
  }

  *#answer(socket: Socket): Generator<unknown, void, unknown> {
    const connection = new HttpConnection(socket, this);
    const isFull = this.#connections.size - this.#refusals >= this.#maxConnections;
    if (isFull && this.#refusals >= MOST_REFUSALS) return;
    this.#connections.add(connection);
    if (isFull) this.#refusals++;
    try {
      yield* isFull ? connection.refuse(FULL) : connection.run();
    } finally {
      this.#connections.delete(connection);
      if (isFull) this.#refusals--;
    }
  }
}

function showPeer(peer: Deno.Addr | undefined): string {
  return peer === undefined ? "a newcomer" : show(peer as Deno.NetAddr);
}

function reportToStderr(message: string, error: unknown): void {
  console.error(`${message}: ${error instanceof Error ? error.stack : error}`);
}

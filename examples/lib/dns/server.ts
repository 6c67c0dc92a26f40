/**
 * A DNS server: one responder behind UDP and TCP on the same port.
 *
 * By UDP a question gets a task of its own only if its answer has to be waited for; what is known goes out at
 * once. By TCP each connection has a task, which answers its questions in their order. In the end no new
 * question is taken, and those that have begun are answered within the grace.
 */
import {
  bindDatagram,
  BrokenError,
  type Client,
  type DatagramSocket,
  IncompleteError,
  moveOnAfter,
  shield,
  sleep,
  type Socket,
  spawn,
  StreamServer,
  TaskPool,
  type UdpAddress,
  WouldBlock,
} from "@weft/weft";
import { isHostError } from "../serve.ts";
import { encodeReply, MOST_STREAM_SIZE, type Query, readQuery, type Reply } from "./message.ts";
import { withLength } from "./upstream.ts";

/** What answers questions. */
export interface Responder {
  /** The answer, if it is known; `null` if it has to be found. */
  known(query: Query): Reply | null;
  /** Finds it. */
  find?(query: Query): Generator<unknown, Reply, unknown>;
}

/** How long questions that have begun get to be answered in the end, in milliseconds. */
const GRACE_MS = 5000;
/** How many questions by UDP are waited for at a time; further ones are dropped, and asked again. */
const MOST_PENDING = 1000;
/** How many connections there may be, and how long one may be silent, in milliseconds. */
const MOST_CONNECTIONS = 1000;
const IDLE_MS = 10_000;
/** How often a free port is tried for that is free for both UDP and TCP. */
const MOST_TRIES = 20;
/** How long to wait when the host has no datagram but an error, in milliseconds. */
const PAUSE_MS = 10;

/** Serves questions on one port. */
export class DnsServer {
  readonly #responder: Responder;
  readonly #streams: StreamServer;
  readonly #datagrams: DatagramSocket<UdpAddress>;
  readonly #pending = new TaskPool(MOST_PENDING);

  /** Opens a port, a free one if it is 0; throws if the host does not let it. */
  constructor(responder: Responder, hostname: string, port: number) {
    this.#responder = responder;
    const { streams, datagrams } = this.#open(hostname, port);
    this.#streams = streams;
    this.#datagrams = datagrams;
  }

  /** Where it is. */
  get address(): UdpAddress {
    return this.#datagrams.localAddr;
  }

  /** Serves until it is cancelled; then it stops in order. */
  *serveForever(): Generator<unknown, void, unknown> {
    const streams = this.#streams;
    const serving = spawn(function* streaming() {
      yield* streams.serveForever();
    });
    try {
      for (;;) yield* this.#takeDatagram();
    } finally {
      const ending = streams.shutdown();
      const pending = this.#pending;
      yield* shield(moveOnAfter(GRACE_MS, function* () {
        yield* pending.join();
      }));
      pending.cancel();
      yield* shield(ending);
      yield* shield(serving.join());
      this.#datagrams.close();
    }
  }

  /** Finds a port that is free for both. */
  #open(hostname: string, port: number) {
    const answer = (socket: Socket, client: Client) => this.#answerStream(socket, client);
    for (let tries = 1;; tries++) {
      const streams = new StreamServer(
        function* connection(socket, client) {
          yield* answer(socket, client);
        },
        {
          ...{ hostname, port, grace: GRACE_MS },
          ...{ maxConnections: MOST_CONNECTIONS, idleTimeout: IDLE_MS },
        },
      );
      try {
        const { port } = streams.address as Deno.NetAddr;
        return { streams, datagrams: bindDatagram({ hostname, port }) };
      } catch (error) {
        streams.shutdown();
        if (port !== 0 || tries === MOST_TRIES) throw error;
      }
    }
  }

  *#takeDatagram(): Generator<unknown, void, unknown> {
    let datagram: [Uint8Array, UdpAddress];
    try {
      datagram = yield* this.#datagrams.recvFrom();
    } catch (error) {
      if (!isHostError(error) && !(error instanceof BrokenError)) throw error;
      return yield* sleep(PAUSE_MS);
    }
    const [bytes, from] = datagram;
    const received = readQuery(bytes);
    if (received === null) return;
    if ("refusal" in received) return this.#send(received.refusal, from);
    const { query } = received;
    const reply = this.#responder.known(query);
    if (reply !== null) return this.#send(encodeReply(query, reply, query.size), from);
    const answer = () => this.#answerLater(query, from);
    try {
      this.#pending.trySpawn(function* finding() {
        yield* answer();
      });
    } catch (error) {
      if (!(error instanceof WouldBlock)) throw error; // too many: who wants to know asks again
    }
  }

  *#answerLater(query: Query, from: UdpAddress): Generator<unknown, void, unknown> {
    const reply = yield* this.#found(query);
    this.#send(encodeReply(query, reply, query.size), from);
  }

  *#found(query: Query): Generator<unknown, Reply, unknown> {
    const known = this.#responder.known(query);
    if (known !== null) return known;
    const finding = this.#responder.find?.(query);
    return finding === undefined ? { rcode: "SERVFAIL" } : yield* finding;
  }

  /** Sends without waiting: a datagram that has no room is one that is lost, and is asked for again. */
  #send(bytes: Uint8Array, to: UdpAddress): void {
    for (let tries = 0; tries < 2; tries++) {
      try {
        this.#datagrams.trySendTo(bytes, to);
        return;
      } catch (error) {
        if (error instanceof WouldBlock) return;
        // Broken: an earlier one did not go out. This one is tried again.
        if (!(error instanceof BrokenError)) throw error;
      }
    }
  }

  *#answerStream(socket: Socket, client: Client): Generator<unknown, void, unknown> {
    try {
      while (!client.isClosing) {
        const [high, low] = yield* client.between(socket.recvExactly(2));
        const received = readQuery(yield* socket.recvExactly(high! << 8 | low!));
        if (received === null) return;
        const bytes = "refusal" in received ? received.refusal : encodeReply(
          received.query,
          yield* this.#found(received.query),
          MOST_STREAM_SIZE,
        );
        yield* socket.sendAll(withLength(bytes));
      }
    } catch (error) {
      if (!(error instanceof IncompleteError)) throw error; // the client has left
    }
  }
}

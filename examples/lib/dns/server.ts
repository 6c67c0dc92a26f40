/**
 * A DNS server: one responder behind UDP and TCP on the same port.
 *
 * By UDP each question is a datagram that gets one back; by TCP a connection has as many questions as it likes,
 * which are answered in their order. In the end no new question is taken, and those that have begun are
 * answered within the grace.
 */
import {
  all,
  type Client,
  DatagramServer,
  IncompleteError,
  shield,
  type Socket,
  spawn,
  StreamServer,
  type UdpAddress,
} from "@weft/weft";
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
/** How many connections there may be, and how long one may be silent, in milliseconds. */
const MOST_CONNECTIONS = 1000;
const IDLE_MS = 10_000;
/** How often a free port is looked for that is free for both UDP and TCP. */
const MOST_TRIES = 20;

const FAILED: Reply = { rcode: "SERVFAIL" };

/** Serves questions on one port. */
export class DnsServer {
  readonly #responder: Responder;
  readonly #streams: StreamServer;
  readonly #datagrams: DatagramServer;

  /** Opens a port, a free one if it is 0; throws if the host does not let it. */
  constructor(responder: Responder, hostname: string, port: number) {
    this.#responder = responder;
    for (let tries = 1;; tries++) {
      this.#streams = this.#listen(hostname, port);
      try {
        const taken = (this.#streams.address as Deno.NetAddr).port;
        this.#datagrams = this.#bind(hostname, taken);
        return;
      } catch (error) {
        this.#streams.shutdown();
        if (port !== 0 || tries === MOST_TRIES) throw error;
      }
    }
  }

  /** Where it is. */
  get address(): UdpAddress {
    return this.#datagrams.address as UdpAddress;
  }

  /** Serves until it is cancelled; then it stops in order. */
  *serveForever(): Generator<unknown, void, unknown> {
    const servers = [this.#streams, this.#datagrams];
    const serving = spawn(function* both() {
      yield* all(servers.map((server) => server.serveForever()));
    });
    try {
      yield* serving.get();
    } finally {
      for (const server of servers) server.shutdown();
      yield* shield(serving.join());
    }
  }

  #listen(hostname: string, port: number): StreamServer {
    const answer = (socket: Socket, client: Client) => this.#converse(socket, client);
    return new StreamServer(
      function* connection(socket, client) {
        yield* answer(socket, client);
      },
      {
        ...{ hostname, port, grace: GRACE_MS },
        ...{ maxConnections: MOST_CONNECTIONS, idleTimeout: IDLE_MS },
      },
    );
  }

  #bind(hostname: string, port: number): DatagramServer {
    return new DatagramServer((bytes: Uint8Array) => {
      const received = readQuery(bytes);
      if (received === null) return null;
      if ("refusal" in received) return received.refusal;
      const { query } = received;
      const known = this.#responder.known(query);
      return known === null ? this.#findFor(query) : encodeReply(query, known, query.size);
    }, { hostname, port, grace: GRACE_MS });
  }

  *#findFor(query: Query): Generator<unknown, Uint8Array, unknown> {
    return encodeReply(query, yield* this.#find(query), query.size);
  }

  *#find(query: Query): Generator<unknown, Reply, unknown> {
    const finding = this.#responder.find?.(query);
    return finding === undefined ? FAILED : yield* finding;
  }

  /** One client's questions by TCP, each with its length before it (RFC 1035 §4.2.2). */
  *#converse(socket: Socket, client: Client): Generator<unknown, void, unknown> {
    try {
      while (!client.isClosing) {
        const [high, low] = yield* client.between(socket.recvExactly(2));
        const received = readQuery(yield* socket.recvExactly(high! << 8 | low!));
        if (received === null) return;
        let bytes: Uint8Array;
        if ("refusal" in received) bytes = received.refusal;
        else {
          const { query } = received;
          const reply = this.#responder.known(query) ?? (yield* this.#find(query));
          bytes = encodeReply(query, reply, MOST_STREAM_SIZE);
        }
        yield* socket.sendAll(withLength(bytes));
      }
    } catch (error) {
      if (!(error instanceof IncompleteError)) throw error; // the client has left
    }
  }
}

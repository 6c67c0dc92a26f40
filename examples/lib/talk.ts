/** Asking a server one line at a time, by a stream or by datagrams. */
import {
  all,
  bindDatagram,
  connect,
  type DatagramSocket,
  type Operation,
  type Socket,
  type UdpAddress,
} from "@weft/weft";
import { isHostError, show } from "./serve.ts";
import { nextLine, withNewline } from "./lines.ts";

/** A conversation with a server. */
export interface Talk extends Disposable {
  /** Sends a line and waits for the reply; `null` if the server has ended the conversation. */
  ask(line: Uint8Array): AsyncGenerator<unknown, Uint8Array | null, unknown>;
}

/** On a stream: a line is what ends in a newline, so a reply may come in pieces. */
export class StreamTalk implements Talk {
  readonly #socket: Socket;

  /** Talks on a connected socket, and closes it at the end. */
  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Sends and receives at the same time: a long echo would otherwise fill every buffer on its way. */
  async *ask(line: Uint8Array): AsyncGenerator<unknown, Uint8Array | null, unknown> {
    const sending = this.#socket.sendAll(withNewline(line));
    const [reply] = yield* all([() => nextLine(this.#socket), sending]);
    return reply;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** By datagrams: a line is a datagram, and so is its reply, if it comes. */
export class DatagramTalk implements Talk {
  readonly #socket: DatagramSocket<UdpAddress>;
  readonly #to: UdpAddress;

  /** Talks to one address, and closes the socket at the end. */
  constructor(socket: DatagramSocket<UdpAddress>, to: UdpAddress) {
    this.#socket = socket;
    this.#to = to;
  }

  async *ask(line: Uint8Array): AsyncGenerator<unknown, Uint8Array | null, unknown> {
    yield* this.#socket.sendTo(line, this.#to);
    const [reply] = yield* this.#socket.recvFrom();
    return reply;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** Where a server is. */
export type Place =
  | { transport: "tcp"; hostname: string; port: number }
  | { transport: "udp"; hostname: string; port: number }
  | { transport: "unix"; path: string };

/** Begins a conversation, or ends the program; a reply to a datagram may take `timeoutMs`. */
export async function* dial(
  place: Place,
  timeoutMs: number,
): AsyncGenerator<unknown, Talk, unknown> {
  try {
    if (place.transport !== "udp") return new StreamTalk(yield* connectTo(place));
    const { hostname, port } = place;
    const any = hostname.includes(":") ? "::" : "0.0.0.0";
    const socket = bindDatagram({ hostname: any, port: 0, timeout: timeoutMs });
    return new DatagramTalk(socket, { hostname, port });
  } catch (error) {
    if (!isHostError(error) && !(error instanceof Deno.errors.NotCapable)) throw error;
    const where = place.transport === "unix" ? place.path : show(place);
    console.error(`Cannot connect to ${where}: ${error.message}`);
    Deno.exit(1);
  }
}

function connectTo(place: Exclude<Place, { transport: "udp" }>): Operation<Socket> {
  return place.transport === "unix" ? connect(place) : connect(place);
}

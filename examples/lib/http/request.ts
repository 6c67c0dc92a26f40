/** A request as its handler sees it: the head, and the body as it comes. */
import { BrokenError, type Event, race, type Socket, TimeoutError } from "@weft/weft";
import { encode } from "../bytes.ts";
import type { Fields } from "./fields.ts";
import type { RequestHead, RequestParser } from "./parser.ts";
import { HttpError } from "./status.ts";

/** An unread body that is known to be no longer than this is read to its end, to keep the connection. */
const MOST_SKIPPED = 64 << 10;

const CONTINUE = encode("HTTP/1.1 100 Continue\r\n\r\n");

/** Thrown when the client went away in the middle of a request: nobody is left to be answered. */
export class ClientGone extends Error {
  /** The class name. */
  override readonly name: string = "ClientGone";
}

/** What a request needs to know of its server. */
export interface RequestHost {
  /** Milliseconds for each part of a body. */
  readonly headerTimeout: number;
  /** Set when the server is coming to its end. */
  readonly stopped: Event;
}

/** One request of a connection. */
export class HttpRequest {
  /** Its head, as parsed. */
  readonly head: RequestHead;
  /** Who asks. */
  readonly peer: Deno.Addr;
  readonly #parser: RequestParser;
  readonly #socket: Socket;
  readonly #host: RequestHost;
  #mustContinue: boolean;
  #ended = false;

  /** A request whose head has just come; its body is read from the socket, through the parser. */
  constructor(head: RequestHead, parser: RequestParser, socket: Socket, host: RequestHost) {
    this.head = head;
    this.peer = socket.remoteAddr;
    this.#parser = parser;
    this.#socket = socket;
    this.#host = host;
    this.#mustContinue = head.expectsContinue;
  }

  /** The method, as in `GET`. */
  get method(): string {
    return this.head.method;
  }

  /** The path, still percent-encoded. */
  get path(): string {
    return this.head.path;
  }

  /** The query, without its question mark. */
  get query(): URLSearchParams {
    return new URLSearchParams(this.head.query);
  }

  /** The header fields. */
  get fields(): Fields {
    return this.head.fields;
  }

  /**
   * The next bytes of the body, `null` at its end. The first call tells a client that waits for it to go
   * on; so who refuses a request by its head alone spares it the body.
   *
   * @throws {HttpError} If the client is silent for too long, sends too much, or breaks the framing.
   */
  *read(): Generator<unknown, Uint8Array | null, unknown> {
    while (!this.#ended) {
      const part = this.#parser.next();
      if (part?.kind === "data") return part.bytes;
      if (part?.kind === "end") break;
      if (this.#mustContinue) {
        this.#mustContinue = false;
        yield* this.#socket.sendAll(CONTINUE);
      }
      this.#parser.push(yield* this.#receive());
    }
    this.#ended = true;
    return null;
  }

  /** The whole body. How long it may be is one of the server's limits. */
  *body(): Generator<unknown, Uint8Array, unknown> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let part; (part = yield* this.read()) !== null;) {
      parts.push(part);
      length += part.length;
    }
    if (parts.length === 1) return parts[0]!;
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /**
   * Waits until an endless answer has nobody to go to: the client has ended its sending side, the
   * connection broke, or the server is coming to its end. To be raced with what makes the answer. What the
   * client sends meanwhile is kept for later.
   */
  *left(): Generator<unknown, void, unknown> {
    yield* race([this.#hungUp(), this.#host.stopped.wait()]);
  }

  *#hungUp(): Generator<unknown, void, unknown> {
    while (this.#parser.held < MOST_SKIPPED) { // nobody who listens has so much to say
      try {
        const bytes = yield* this.#socket.recv();
        if (bytes.length === 0) return;
        this.#parser.push(bytes);
      } catch (error) {
        if (error instanceof BrokenError) return;
        if (!(error instanceof TimeoutError)) throw error; // listening is no reason to speak
      }
    }
  }

  /** Whether the rest of the body, which nobody wants, can be read so that the next request is found. */
  canSkip(): boolean {
    if (this.#ended) return true;
    try {
      for (let part; (part = this.#parser.next()) !== null;) {
        if (part.kind !== "end") continue;
        return this.#ended = true;
      }
    } catch {
      return false;
    }
    const left = this.#parser.bodyLeft;
    return !this.#mustContinue && left !== null && left <= MOST_SKIPPED;
  }

  /** Reads the rest of the body and forgets it. */
  *skip(): Generator<unknown, void, unknown> {
    while ((yield* this.read()) !== null);
  }

  *#receive(): Generator<unknown, Uint8Array, unknown> {
    this.#socket.timeout = this.#host.headerTimeout;
    try {
      const bytes = yield* this.#socket.recv();
      if (bytes.length === 0) throw new ClientGone("The client left in the middle of a body");
      return bytes;
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      throw new HttpError(408, "The body does not come");
    }
  }
}

/**
 * Answers: what a handler says, and how that becomes bytes (RFC 9112 §6).
 *
 * A body that is there as a whole goes out with its head, in one write. One that is made as it goes, a file
 * or a stream of events, has its length announced if that is known, and comes in chunks if not; to a client
 * of HTTP/1.0, which knows no chunks, it ends with the connection.
 */
import type { Socket, Work } from "@weft/weft";
import { encode } from "../bytes.ts";
import { HttpError, REASONS } from "./status.ts";

/** A body that is made as it goes. */
export interface StreamedBody {
  /** How many bytes it will have, if that is known. */
  readonly length?: number;
  /** Sends them; called only if the client is to get a body, else only `close` is. */
  write(out: BodyWriter): Work<void>;
  /** Gives back what it holds; called once in any case. */
  close?(): void;
}

/** What a handler answers. */
export interface Reply {
  /** The status code. @default {200} */
  readonly status?: number;
  /** Header fields; `Date`, `Connection` and the body's length are added. */
  readonly fields?: Readonly<Record<string, string>>;
  /** The body. Text is sent in UTF-8. */
  readonly body?: string | Uint8Array | StreamedBody;
  /** Sends the body in chunks although its length is known. @default {false} */
  readonly chunked?: boolean;
}

/** A short answer in words. */
export function textReply(
  status: number,
  text: string,
  fields: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    fields: { "Content-Type": "text/plain; charset=utf-8", ...fields },
    body: `${text}\n`,
  };
}

/** The answer that an error is. Nothing of what went wrong inside is told to the client. */
export function errorReply(error: unknown): Reply {
  if (error instanceof HttpError) {
    return textReply(error.status, `${error.status} ${error.message}`, error.fields);
  }
  return textReply(500, `500 ${REASONS[500]}`);
}

/** Gives back what a body holds that is not going to be sent. */
export function closeBody({ body }: Reply): void {
  if (typeof body === "object" && "write" in body) body.close?.();
}

/** How an answer is to be sent. */
export interface Delivery {
  readonly version: "HTTP/1.0" | "HTTP/1.1";
  /** Whether the client asked for the head only. */
  readonly headOnly: boolean;
  /** Whether the connection stays. */
  readonly keepAlive: boolean;
}

/** How much of a head and a body is put into one write. */
const MOST_JOINED = 16 << 10;

/** Sends an answer. It is the connection's end if a body neither has a length nor comes in chunks. */
export function* sendReply(
  socket: Socket,
  reply: Reply,
  delivery: Delivery,
  run: (work: Work<void>) => Iterable<unknown, void, unknown>,
): Generator<unknown, void, unknown> {
  const { status = 200, body = "" } = reply;
  const stream = typeof body === "object" && "write" in body ? body : null;
  try {
    const bytes = stream !== null
      ? null
      : typeof body === "string"
      ? encode(body)
      : body as Uint8Array;
    const hasBody = status >= 200 && status !== 204 && status !== 304;
    const length = bytes?.length ?? stream!.length;
    const chunked = hasBody && delivery.version === "HTTP/1.1" &&
      (length === undefined || reply.chunked === true);
    const head = encodeHead(status, reply.fields, {
      keepAlive: delivery.keepAlive && (chunked || length !== undefined || !hasBody),
      version: delivery.version,
      length: hasBody && !chunked ? length : undefined,
      chunked,
    });
    if (!hasBody || delivery.headOnly) return yield* socket.sendAll(head);
    if (bytes !== null && !chunked && head.length + bytes.length <= MOST_JOINED) {
      const both = new Uint8Array(head.length + bytes.length);
      both.set(head);
      both.set(bytes, head.length);
      return yield* socket.sendAll(both);
    }
    const out = new BodyWriter(socket, head, chunked, length);
    if (bytes !== null) yield* out.write(bytes);
    else yield* run(stream!.write(out));
    yield* out.end();
  } finally {
    stream?.close?.();
  }
}

/** Whether the connection can stay after this answer, as far as the answer decides. */
export function isDelimited(reply: Reply, version: string): boolean {
  const { body } = reply;
  const isStream = typeof body === "object" && "write" in body;
  return version === "HTTP/1.1" || !isStream || body.length !== undefined;
}

const LAST_CHUNK = encode("0\r\n\r\n");
const CRLF = encode("\r\n");

/** Takes the bytes of a body, in as many parts as one likes. */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #chunked: boolean;
  #head: Uint8Array | null;
  #left: number | undefined;

  /** Sends `head` before the first bytes. */
  constructor(socket: Socket, head: Uint8Array, chunked: boolean, length: number | undefined) {
    this.#socket = socket;
    this.#head = head;
    this.#chunked = chunked;
    this.#left = length;
  }

  /** Sends bytes, and waits while the client is behind. An empty part sends the head, if need be. */
  *write(bytes: Uint8Array): Generator<unknown, void, unknown> {
    if (this.#left !== undefined && (this.#left -= bytes.length) < 0) {
      throw new RangeError("Cannot send a body: it is longer than was said");
    }
    const before = this.#takeHead();
    if (bytes.length === 0) {
      if (before !== null) yield* this.#socket.sendAll(before);
      return;
    }
    const frame = this.#chunked ? encode(`${bytes.length.toString(16)}\r\n`) : null;
    yield* this.#sendJoined([before, frame, bytes, this.#chunked ? CRLF : null]);
  }

  /** Sends what belongs behind the last bytes. */
  *end(): Generator<unknown, void, unknown> {
    if (this.#left !== undefined && this.#left > 0) {
      throw new RangeError("Cannot send a body: it is shorter than was said");
    }
    yield* this.#sendJoined([this.#takeHead(), this.#chunked ? LAST_CHUNK : null]);
  }

  #takeHead(): Uint8Array | null {
    const head = this.#head;
    this.#head = null;
    return head;
  }

  /** Small parts go out in one write, because each write is a packet. */
  *#sendJoined(parts: readonly (Uint8Array | null)[]): Generator<unknown, void, unknown> {
    let length = 0;
    for (const part of parts) length += part?.length ?? 0;
    if (length === 0) return;
    if (length > MOST_JOINED) {
      for (const part of parts) if (part !== null) yield* this.#socket.sendAll(part);
      return;
    }
    const joined = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      if (part === null) continue;
      joined.set(part, at);
      at += part.length;
    }
    yield* this.#socket.sendAll(joined);
  }
}

/** How the body is delimited and what becomes of the connection. */
interface HeadEnding {
  readonly keepAlive: boolean;
  readonly version: string;
  readonly length: number | undefined;
  readonly chunked: boolean;
}

/** The head of an answer as bytes. Always HTTP/1.1, which is the server's version (RFC 9110 §2.5). */
function encodeHead(
  status: number,
  fields: Readonly<Record<string, string>> | undefined,
  { keepAlive, version, length, chunked }: HeadEnding,
): Uint8Array {
  let head = `HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\nDate: ${httpNow()}\r\n`;
  for (const name in fields) {
    head += `${name}: ${fields[name]}\r\n`;
  }
  if (length !== undefined) head += `Content-Length: ${length}\r\n`;
  if (chunked) head += "Transfer-Encoding: chunked\r\n";
  if (!keepAlive) head += "Connection: close\r\n";
  else if (version === "HTTP/1.0") head += "Connection: keep-alive\r\n";
  return encode(`${head}\r\n`);
}

let nowText = "";
let nowSecond = 0;

/** The time as a field has it, made once a second. */
function httpNow(): string {
  const now = Date.now();
  const second = now - now % 1000;
  if (second !== nowSecond) {
    nowSecond = second;
    nowText = new Date(second).toUTCString();
  }
  return nowText;
}

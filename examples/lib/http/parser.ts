/**
 * HTTP/1.1 requests from bytes: the grammar of RFC 9112, section by section.
 *
 * It reads no socket. `push` gives it what arrived, `next` says what that amounts to: the head of a
 * request, a part of its body, its end, or `null` for "not enough yet". Each byte is looked at once and in
 * order, and what is remembered between two pushes is the state and the line begun; so it makes no
 * difference where the network cut the bytes, and the first fault in them is the one reported.
 *
 * It is strict where RFC 9112 leaves a choice, because a proxy in front of it may have chosen otherwise:
 * where two programs disagree on where a request ends, a second request can be smuggled inside the first
 * (§11.2). So a line ends with CR LF and with nothing else, and a length is given in one way or not at all.
 */
import { Fields } from "./fields.ts";
import { HttpError } from "./status.ts";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DEL = 0x7f;

/** How much a client may send. */
export interface RequestLimits {
  /** Bytes of the request line (414). */
  readonly requestLine: number;
  /** Bytes of the head (431), and of the trailers. */
  readonly head: number;
  /** Lines with fields in the head (431), and in the trailers. */
  readonly lines: number;
  /** Bytes of a body (413). */
  readonly body: number;
}

/** What a server takes unless it says otherwise. */
export const LIMITS: RequestLimits = {
  requestLine: 8192,
  head: 32_768,
  lines: 100,
  body: 64 << 20,
};

/** Bytes of a line with a chunk's size, and of all of those that have extensions in one body. */
const MOST_CHUNK_LINE = 1024;
const MOST_EXTENSIONS = 16 << 10;

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  /** The path and the query of the target, undecoded; the path is `*` in `OPTIONS *`. */
  readonly path: string;
  readonly query: string;
  readonly version: "HTTP/1.0" | "HTTP/1.1";
  readonly fields: Fields;
  /** How long the body is; `null` if it comes in chunks. */
  readonly length: number | null;
  /** Whether the client wants to use the connection again. */
  readonly keepAlive: boolean;
  /** Whether the client waits for a `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** What the parser has found. */
export type RequestPart =
  | { readonly kind: "head"; readonly head: RequestHead }
  /** The bytes are a view of those that were pushed. */
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

const END: RequestPart = { kind: "end" };
const NOTHING = new Uint8Array(0);

/** Where in a message the next byte is. */
type Place =
  | "start line"
  | "fields"
  | "body"
  | "chunk size"
  | "chunk data"
  | "chunk end"
  | "trailers"
  | "end";

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/([0-9])\\.([0-9])$`);
const FIELD_LINE = new RegExp(`^(${TOKEN}):[ \\t]*(.*?)[ \\t]*$`, "s");
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]+)((?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*)$`);
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(?::[0-9]*)?$/;
const ABSOLUTE = /^https?:\/\/([^/?]+)(\/[^?]*)?(\?.*)?$/i;

/** Takes the bytes of one connection, and gives the requests in them. */
export class RequestParser {
  readonly #limits: RequestLimits;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #place: Place = "start line";
  #fault: HttpError | null = null;

  /** The line begun, as far as it came in earlier pushes, and whether that ended with a CR. */
  #line = "";
  #afterCr = false;
  #lineLength = 0;
  #mayBeEmpty = true;

  /** The head begun. */
  #start: RegExpExecArray | null = null;
  #fields = new Fields();
  #headLeft = 0;

  /** How much of the body, or of a chunk, is still to come; how long the body is so far. */
  #left = 0;
  #bodyLength = 0;
  #extensions = 0;

  /** A parser at the beginning of a connection. */
  constructor(limits: RequestLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Whether a request has begun and its end was not given yet. */
  get begun(): boolean {
    return this.#place !== "start line" || this.#lineLength > 0 || this.#afterCr ||
      !this.#mayBeEmpty;
  }

  /** Whether it has found a fault, so that nobody knows where the next request begins. */
  get broken(): boolean {
    return this.#fault !== null;
  }

  /** How many bytes were pushed that have not been looked at. */
  get held(): number {
    return this.#bytes.length - this.#at;
  }

  /** How much of a body of known length is still to come; `null` if nobody knows. */
  get bodyLeft(): number | null {
    if (this.#place === "end" || this.#place === "start line") return 0;
    return this.#place === "body" ? this.#left : null;
  }

  /** Gives it the bytes that arrived next; it keeps them, uncopied, until it has looked at them. */
  push(bytes: Uint8Array): void {
    if (this.held === 0) this.#bytes = bytes;
    else {
      const both = new Uint8Array(this.held + bytes.length);
      both.set(this.#bytes.subarray(this.#at));
      both.set(bytes, this.held);
      this.#bytes = both;
    }
    this.#at = 0;
  }

  /**
   * The next part of a request, or `null` if more bytes are needed.
   *
   * @throws {HttpError} If these are no request; from then on, always the same.
   */
  next(): RequestPart | null {
    if (this.#fault !== null) throw this.#fault;
    try {
      return this.#next();
    } catch (error) {
      if (error instanceof HttpError) this.#fault = error;
      throw error;
    }
  }

  #next(): RequestPart | null {
    for (;;) {
      switch (this.#place) {
        case "start line": {
          const line = this.#takeLine(this.#limits.requestLine, 414, "The request line");
          if (line === null) return null;
          this.#startLine(line);
          break;
        }
        case "fields": {
          const line = this.#fieldLine();
          if (line === null) return null;
          if (line === "") return { kind: "head", head: this.#head() };
          break;
        }
        case "body":
        case "chunk data":
          if (this.#left === 0) this.#place = this.#place === "body" ? "end" : "chunk end";
          else if (this.held === 0) return null;
          else return this.#data();
          break;
        case "chunk size": {
          const line = this.#takeLine(MOST_CHUNK_LINE, 400, "The line with a chunk's size");
          if (line === null) return null;
          this.#chunkSize(line);
          break;
        }
        case "chunk end": {
          const line = this.#takeLine(0, 400, "A chunk");
          if (line === null) return null;
          this.#place = "chunk size";
          break;
        }
        case "trailers": {
          const line = this.#fieldLine();
          if (line === null) return null;
          if (line === "") this.#place = "end";
          break;
        }
        case "end":
          this.#place = "start line";
          this.#mayBeEmpty = true;
          return END;
      }
    }
  }

  // -- §2.2 Message parsing: lines --

  /** A line without its end, of `most` bytes at most; `null` until all of it has come. */
  #takeLine(most: number, status: number, what: string): string | null {
    const bytes = this.#bytes;
    const begin = this.#at;
    const room = most - this.#lineLength;
    let at = begin;
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#afterCr) {
        if (byte !== LF) throw new HttpError(400, "A CR without an LF behind it");
        const line = this.#line + latin1(bytes, begin, Math.max(begin, at - 1));
        this.#at = at + 1;
        this.#line = "";
        this.#lineLength = 0;
        this.#afterCr = false;
        return line;
      }
      if (byte === CR) {
        this.#afterCr = true;
        continue;
      }
      if (byte < SPACE && byte !== TAB || byte === DEL) {
        throw new HttpError(
          400,
          byte === LF ? "An LF without a CR before it" : "A control character",
        );
      }
      if (at - begin >= room) throw new HttpError(status, `${what} is too long`);
    }
    const part = latin1(bytes, begin, this.#afterCr && at > begin ? at - 1 : at);
    this.#line += part;
    this.#lineLength += part.length;
    this.#at = at;
    return null;
  }

  // -- §3 Request line --

  #startLine(line: string): void {
    // §2.2: one empty line before a request is let pass, for clients that send one behind a body.
    if (line === "" && this.#mayBeEmpty) {
      this.#mayBeEmpty = false;
      return;
    }
    const parts = REQUEST_LINE.exec(line);
    if (parts === null) throw new HttpError(400, "That is no request line");
    if (parts[3] !== "1") throw new HttpError(505, "This server speaks HTTP/1.1");
    this.#start = parts;
    this.#fields = new Fields();
    this.#headLeft = this.#limits.head - line.length - 2;
    this.#place = "fields";
  }

  // -- §5 Field syntax --

  /** Takes a line of the head or of the trailers; the empty one ends them. */
  #fieldLine(): string | null {
    const line = this.#takeLine(this.#headLeft, 431, "The head");
    if (line === null || line === "") return line;
    if (this.#fields.size === this.#limits.lines) throw new HttpError(431, "The head is too long");
    this.#headLeft = Math.max(0, this.#headLeft - line.length - 2);
    const field = FIELD_LINE.exec(line);
    if (field === null) {
      const folded = line.startsWith(" ") || line.startsWith("\t"); // §5.2, obs-fold
      throw new HttpError(400, folded ? "A field goes on in a second line" : "That is no field");
    }
    this.#fields.add(field[1]!, field[2]!);
    return line;
  }

  #head(): RequestHead {
    const fields = this.#fields;
    const [, method, target, , minor] = this.#start!;
    const version = minor === "0" ? "HTTP/1.0" : "HTTP/1.1";
    const hosts = fields.all("host");
    if (hosts.length > 1 || (hosts.length === 0 && version === "HTTP/1.1")) {
      throw new HttpError(400, "There must be one Host"); // §3.2
    }
    if (hosts.length === 1 && !HOST.test(hosts[0]!)) throw new HttpError(400, "That is no Host");
    const { path, query } = splitTarget(method!, target!);
    const length = this.#bodyLengthOf(version);
    const expects = fields.get("expect");
    if (expects !== undefined && expects.toLowerCase() !== "100-continue") {
      throw new HttpError(417, "The only expectation known is 100-continue");
    }
    const keepAlive = version === "HTTP/1.1"
      ? !fields.lists("connection", "close")
      : fields.lists("connection", "keep-alive") && !fields.lists("connection", "close"); // §9.3
    this.#bodyLength = 0;
    this.#extensions = 0;
    this.#left = length ?? 0;
    this.#place = length === null ? "chunk size" : "body";
    return {
      method: method!,
      target: target!,
      path,
      query,
      version,
      fields,
      length,
      keepAlive,
      // An older client does not wait for it (RFC 9110 §10.1.1), and nobody does without a body.
      expectsContinue: expects !== undefined && version === "HTTP/1.1" && length !== 0,
    };
  }

  // -- §6 Message body --

  /** How long the body is, by its fields; `null` if it comes in chunks. */
  #bodyLengthOf(version: string): number | null {
    const codings = this.#fields.all("transfer-encoding");
    const lengths = this.#fields.all("content-length");
    if (codings.length > 0) {
      if (lengths.length > 0) throw new HttpError(400, "A length is given in two ways"); // §6.3
      if (version === "HTTP/1.0") throw new HttpError(400, "HTTP/1.0 has no Transfer-Encoding");
      if (codings.length > 1 || codings[0]!.toLowerCase() !== "chunked") {
        throw new HttpError(400, "The only Transfer-Encoding known is chunked");
      }
      return null;
    }
    if (lengths.length === 0) return 0;
    const [length] = lengths;
    if (!/^[0-9]+$/.test(length!)) throw new HttpError(400, "That is no Content-Length");
    if (lengths.some((other) => other !== length)) {
      throw new HttpError(400, "Content-Length is given twice");
    }
    return this.#checkBody(Number(length));
  }

  #checkBody(length: number): number {
    if (length <= this.#limits.body) return length;
    throw new HttpError(413, `A body may have ${this.#limits.body} bytes`);
  }

  #data(): RequestPart {
    const count = Math.min(this.#left, this.held);
    const bytes = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    this.#left -= count;
    return { kind: "data", bytes };
  }

  // -- §7.1 Chunked transfer coding --

  #chunkSize(line: string): void {
    const parts = CHUNK_LINE.exec(line);
    if (parts === null) throw new HttpError(400, "That is no size of a chunk");
    if (parts[2] !== "") this.#extensions += line.length;
    if (this.#extensions > MOST_EXTENSIONS) throw new HttpError(400, "Too many chunk extensions");
    const size = parseInt(parts[1]!, 16);
    this.#bodyLength = this.#checkBody(this.#bodyLength + size);
    this.#left = size;
    this.#place = size === 0 ? "trailers" : "chunk data";
    if (size > 0) return;
    this.#fields = new Fields(); // the trailers', which nobody asks for
    this.#headLeft = this.#limits.head;
  }
}

/** §3.3: the path and the query of a request target. */
function splitTarget(method: string, target: string): { path: string; query: string } {
  if (method === "CONNECT") return { path: target, query: "" }; // a host and a port
  if (target === "*" && method === "OPTIONS") return { path: "*", query: "" };
  const absolute = target.startsWith("/") ? null : ABSOLUTE.exec(target);
  const local = absolute === null ? target : `${absolute[2] ?? "/"}${absolute[3] ?? ""}`;
  if (!local.startsWith("/") || local.includes("#")) {
    throw new HttpError(400, "That is no request target");
  }
  if (absolute !== null && !HOST.test(absolute[1]!)) throw new HttpError(400, "That is no host");
  const mark = local.indexOf("?");
  return mark < 0
    ? { path: local, query: "" }
    : { path: local.slice(0, mark), query: local.slice(mark + 1) };
}

/** Bytes as the characters with the same numbers. A line is short enough to be a call's arguments. */
function latin1(bytes: Uint8Array, begin: number, end: number): string {
  return begin === end ? "" : String.fromCharCode.apply(null, bytes.subarray(begin, end) as never);
}

/**
 * Lines, and anything else that a mark ends. What is behind the mark stays with the socket, so lines and
 * bytes can be read in turn, as the head and the body of a message are.
 */
import { checkBytes, IncompleteError, LimitError } from "../io/errors.ts";
import type { Framing } from "../io/waiting.ts";
import { checkOptions, checkWhole, COUNT_OR_NONE } from "../kernel/checks.ts";
import type { Operation } from "../kernel/operation.ts";
import { type ByteSource, readFramed } from "./endpoint.ts";

const LF = 10;
const CR = 13;
/** The most bytes before the mark, unless a limit is given. */
const USUAL_LIMIT = 64 << 10;

/** How far to look for the end. */
export interface LineOptions {
  /** The most bytes there may be, the line's end or the mark not counted. @default {65536} */
  limit?: number;
}

/**
 * Waits for a line and takes it; gives its text without its end, which is LF or CR LF. The last line needs
 * no end, as with Python's `readline`. Bytes that are no UTF-8 become U+FFFD; {@linkcode readUntil} gives
 * the bytes themselves.
 *
 * A cancel or a timeout has taken nothing, and what came behind the line is there for the next reader,
 * whichever operation that uses.
 *
 * @example A line, and the bytes behind it
 * ```ts
 * import { connect, listen, readLine, run } from "@weft/weft";
 * const got = await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   using client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   using server = yield* listener.accept();
 *   yield* client.sendAll(new TextEncoder().encode("PUT 4\r\nbody"));
 *   const line = yield* readLine(server);
 *   return [line, new TextDecoder().decode(yield* server.recvExactly(4))];
 * });
 * if (got.join() !== "PUT 4,body") throw new Error(got.join());
 * ```
 *
 * @param source A socket, or the read end of a pipe.
 * @param options The limit.
 * @returns An operation that evaluates to the text, or to `null` at the end of the stream.
 * @throws {LimitError} If there is no end within the limit. Nothing is taken.
 */
export function readLine(source: ByteSource, options: LineOptions = {}): Operation<string | null> {
  const limit = checkLimit(checkOptions(options, "lines").limit);
  return readFramed("readLine", source, () => new LineFraming(limit));
}

/**
 * Waits until a mark has come, and takes everything up to it, the mark included. What
 * {@linkcode readLine} promises of cancels and of what is behind holds here.
 *
 * @example The head of a message
 * ```ts
 * import { connect, listen, readUntil, run } from "@weft/weft";
 * const length = await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   using client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   using server = yield* listener.accept();
 *   yield* client.sendAll(new TextEncoder().encode("a: 1\r\nb: 2\r\n\r\nbody"));
 *   return (yield* readUntil(server, "\r\n\r\n", { limit: 8192 }))?.length;
 * });
 * if (length !== 14) throw new Error(String(length));
 * ```
 *
 * @param source A socket, or the read end of a pipe.
 * @param mark The bytes, or their text.
 * @param options The limit.
 * @returns An operation that evaluates to the bytes, or to `null` if the stream ends without any.
 * @throws {LimitError} If the mark has not come within the limit. Nothing is taken.
 * @throws {IncompleteError} If the stream ends before the mark: `partial` is what came.
 * @throws {RangeError} If the mark is empty.
 */
export function readUntil(
  source: ByteSource,
  mark: Uint8Array | string,
  options: LineOptions = {},
): Operation<Uint8Array | null> {
  const bytes = typeof mark === "string" ? new TextEncoder().encode(mark) : mark;
  checkBytes(bytes, "read until");
  if (bytes.length === 0) throw new RangeError("Cannot read until an empty mark: it needs a byte");
  const limit = checkLimit(checkOptions(options, "lines").limit);
  const own = bytes.slice(); // the caller may use its array for something else meanwhile
  return readFramed("readUntil", source, () => new MarkFraming(own, limit));
}

/** Up to a mark, as a reader waits for it. */
class MarkFraming implements Framing<Uint8Array | null> {
  readonly isDelimited = true;
  readonly keepsBytes = true;
  readonly #mark: Uint8Array;
  readonly #limit: number;
  /** No mark begins before this place. */
  #from = 0;

  constructor(mark: Uint8Array, limit: number) {
    this.#mark = mark;
    this.#limit = limit;
  }

  measure(held: Uint8Array, source: { toString(): string }): number {
    const at = find(this.#mark, held, this.#from);
    if (at >= 0 && at <= this.#limit) return at + this.#mark.length;
    // A mark that begins within its length from the end may not be whole yet.
    this.#from = Math.max(0, held.length - this.#mark.length + 1);
    if (at < 0 && this.#from <= this.#limit) return held.length + 1;
    throw tooLong("Cannot read until the mark", source, this.#limit, at < 0 ? held.length : at);
  }

  value(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  cut(partial: Uint8Array, source: { toString(): string }): null {
    if (partial.length === 0) return null;
    throw new IncompleteError(
      `Cannot read until the mark from ${source}: the stream ended after ${partial.length} bytes without it`,
      partial,
    );
  }
}

/** A line, as a reader waits for it. */
class LineFraming implements Framing<string | null> {
  readonly isDelimited = true;
  readonly keepsBytes = false;
  readonly #limit: number;
  /** No end is before this place. */
  #from = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  measure(held: Uint8Array, source: { toString(): string }): number {
    const at = held.indexOf(LF, this.#from);
    this.#from = held.length;
    const text = trimmed(held, at < 0 ? held.length : at);
    if (text > this.#limit) throw tooLong("Cannot read a line", source, this.#limit, text);
    return at < 0 ? held.length + 1 : at + 1;
  }

  value(bytes: Uint8Array): string {
    return decode(bytes.subarray(0, trimmed(bytes, bytes.length - 1)));
  }

  cut(partial: Uint8Array): string | null {
    return partial.length === 0 ? null : decode(partial);
  }
}

/** Where the text of a line ends whose LF is at `end`: a CR in front of that is no text. */
function trimmed(bytes: Uint8Array, end: number): number {
  return end > 0 && bytes[end - 1] === CR ? end - 1 : end;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Where `mark` is in `bytes`, from a place on; -1 if it is not. */
function find(mark: Uint8Array, bytes: Uint8Array, from: number): number {
  const last = bytes.length - mark.length;
  for (let at = from;; at++) {
    at = bytes.indexOf(mark[0]!, at);
    if (at < 0 || at > last) return -1;
    let same = 1;
    while (same < mark.length && bytes[at + same] === mark[same]) same++;
    if (same === mark.length) return at;
  }
}

function tooLong(
  what: string,
  source: { toString(): string },
  limit: number,
  length: number,
): LimitError {
  return new LimitError(`${what} from ${source}: it has more than ${limit} bytes`, limit, length);
}

function checkLimit(limit: number = USUAL_LIMIT): number {
  return checkWhole(limit, "read", "bytes as a line's limit", COUNT_OR_NONE);
}

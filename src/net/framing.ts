/**
 * Messages in a stream of bytes, which has no boundaries of its own: lines and whatever else a mark ends, and
 * frames with their length in front, as `struct.pack(">I", len(data)) + data` of Python makes them.
 *
 * What is behind a message stays with the socket, so lines, frames and bytes can be read in turn. A message is
 * read in one step once it is whole, so a cancelled read has taken nothing, and the buffer grows by what comes
 * and not by what a length announces: who announces 16 MiB and sends nothing costs nothing.
 */
import { checkBytes, IncompleteError, LimitError } from "../io/errors.ts";
import type { Framing } from "../io/waiting.ts";
import { checkOptions, checkWhole, COUNT_OR_NONE, hasMethod } from "../kernel/checks.ts";
import type { Operation } from "../kernel/operation.ts";
import { type ByteSink, type ByteSource, readFramed } from "./endpoint.ts";
import { show } from "../kernel/printable.ts";

const LF = 10;
const CR = 13;
/** The most bytes before the mark, unless a limit is given. */
const USUAL_LINE = 64 << 10;
/** The length in front of a frame, in bytes. */
const HEADER = 4;
/** The longest length that a header can hold. */
const LONGEST = 0xffff_ffff;
/** The longest frame, unless a limit is given. */
const USUAL_FRAME = 16 << 20;

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
  const limit = lineLimit(options);
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
  const limit = lineLimit(options);
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
    throw tooLong(
      `Cannot read until the mark from ${source}`,
      this.#limit,
      at < 0 ? held.length : at,
    );
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
    if (text > this.#limit) throw tooLong(`Cannot read a line from ${source}`, this.#limit, text);
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

function tooLong(what: string, limit: number, length: number): LimitError {
  return new LimitError(`${what}: it has more than ${limit} bytes`, limit, length);
}

function lineLimit(options: LineOptions): number {
  const { limit = USUAL_LINE } = checkOptions(options, "lines");
  return checkWhole(limit, "read", "bytes as a line's limit", COUNT_OR_NONE);
}

/** How frames are read and written. */
export interface FrameOptions {
  /** The most bytes a frame may have, its header not counted. @default {16777216} */
  limit?: number;
}

/**
 * Waits for a frame (a 4-byte big-endian length, and so many bytes) and takes it.
 *
 * What {@linkcode readLine} promises of cancels and of what is behind holds here.
 *
 * @example Two sends, two messages
 * ```ts
 * import { connect, listen, readFrame, run, writeFrame } from "@weft/weft";
 * const sizes = await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   using client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   using server = yield* listener.accept();
 *   yield* writeFrame(client, new Uint8Array(3));
 *   yield* writeFrame(client, new Uint8Array(5));
 *   client.close();
 *   const sizes = [];
 *   for (let frame; (frame = yield* readFrame(server)) !== null;) sizes.push(frame.length);
 *   return sizes;
 * });
 * if (sizes.join() !== "3,5") throw new Error(sizes.join());
 * ```
 *
 * @param source A socket, or the read end of a pipe.
 * @param options The limit.
 * @returns An operation that evaluates to the frame's bytes, or to `null` at the end of the stream.
 * @throws {LimitError} If a longer one is announced. Nothing is taken, and no room is made for it;
 *   there is no way on but to close.
 * @throws {IncompleteError} If the stream ends within the frame: `partial` is what came of it (of the
 *   header, if that is not whole), `missing` the number of bytes that did not.
 */
export function readFrame(
  source: ByteSource,
  options: FrameOptions = {},
): Operation<Uint8Array | null> {
  const limit = frameLimit(options, "read");
  return readFramed("readFrame", source, () => new FrameFraming(limit, (bytes) => bytes, null));
}

/**
 * Hands over a frame: the length of `data` in 4 bytes, and `data`. It goes out whole, also when several
 * tasks write to one socket. Cut short by a cancel or a timeout, it has handed over the first
 * {@linkcode bytesSent} bytes, header included; nothing sensible can be sent behind a part.
 *
 * @param sink A socket, or the write end of a pipe.
 * @param data What to send.
 * @param options The limit.
 * @throws {LimitError} If `data` is longer than the limit. Nothing was handed over.
 */
export function writeFrame(
  sink: ByteSink,
  data: Uint8Array,
  options: FrameOptions = {},
): Operation<void> {
  checkSink(sink);
  checkBytes(data, "write");
  const limit = frameLimit(options, "write");
  if (data.length > limit) {
    const what = `Cannot write a frame of ${data.length} bytes to ${sink}`;
    throw new LimitError(`${what}: the limit is ${limit}`, limit, data.length);
  }
  const frame = new Uint8Array(HEADER + data.length);
  new DataView(frame.buffer).setUint32(0, data.length);
  frame.set(data, HEADER);
  return sink.sendAll(frame);
}

/**
 * Waits for a frame that holds JSON, and takes it. What {@linkcode readFrame} promises holds here.
 *
 * @example A request and what it asks
 * ```ts
 * import { connect, listen, readJson, run, writeJson } from "@weft/weft";
 * const asked = await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   using client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   using server = yield* listener.accept();
 *   yield* writeJson(client, { name: "weft.txt", size: 42 });
 *   return yield* readJson(server);
 * });
 * if (JSON.stringify(asked) !== '{"name":"weft.txt","size":42}') throw new Error();
 * ```
 *
 * @param source A socket, or the read end of a pipe.
 * @param options The limit.
 * @returns An operation that evaluates to the value, or to `undefined` at the end of the stream.
 * @throws {SyntaxError} If the frame holds no JSON in UTF-8; it has been taken, so the next can be read.
 * @throws {LimitError} As {@linkcode readFrame}.
 * @throws {IncompleteError} As {@linkcode readFrame}.
 */
export function readJson(source: ByteSource, options: FrameOptions = {}): Operation<unknown> {
  const limit = frameLimit(options, "read");
  return readFramed("readJson", source, () => new FrameFraming(limit, parse, undefined));
}

/**
 * Hands over a frame with a value as JSON. What {@linkcode writeFrame} promises holds here.
 *
 * @param sink A socket, or the write end of a pipe.
 * @param value The value.
 * @param options The limit.
 * @throws {TypeError} If JSON has no form for the value: `undefined`, a function, a circle.
 * @throws {LimitError} If its text is longer than the limit. Nothing was handed over.
 */
export function writeJson(
  sink: ByteSink,
  value: unknown,
  options: FrameOptions = {},
): Operation<void> {
  checkSink(sink);
  return writeFrame(sink, new TextEncoder().encode(jsonOf(value)), options);
}

/** A value as JSON. What a `toJSON` or a getter of its own throws is thrown; what the engine says is not. */
function jsonOf(value: unknown): string {
  let options: ErrorOptions | undefined;
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return text;
  } catch (error) {
    // The engine's own: a bigint, a circle, a proxy that was revoked.
    if (!(error instanceof TypeError)) throw error;
    options = { cause: error };
  }
  throw new TypeError(`Cannot write ${show(value)} as JSON: it has no form there`, options);
}

function checkSink(sink: ByteSink): void {
  if (hasMethod(sink, "sendAll")) return;
  throw new TypeError(
    `Cannot write to ${show(sink)}: it must be a socket, or the write end of a pipe`,
  );
}

/** Frames, as a reader waits for them. */
class FrameFraming<T, E> implements Framing<T | E> {
  readonly isDelimited = false;
  readonly keepsBytes = true;
  readonly #limit: number;
  readonly #value: (bytes: Uint8Array) => T;
  readonly #atEnd: E;

  constructor(limit: number, value: (bytes: Uint8Array) => T, atEnd: E) {
    this.#limit = limit;
    this.#value = value;
    this.#atEnd = atEnd;
  }

  measure(held: Uint8Array, source: { toString(): string }): number {
    if (held.length < HEADER) return HEADER;
    const length = lengthIn(held);
    if (length <= this.#limit) return HEADER + length;
    const what = `Cannot read a frame of ${length} bytes from ${source}`;
    throw new LimitError(`${what}: the limit is ${this.#limit}`, this.#limit, length);
  }

  value(bytes: Uint8Array): T {
    return this.#value(bytes.subarray(HEADER));
  }

  cut(partial: Uint8Array, source: { toString(): string }): E {
    if (partial.length === 0) return this.#atEnd;
    const isHeader = partial.length < HEADER;
    const expected = isHeader ? HEADER : lengthIn(partial);
    const came = isHeader ? partial : partial.subarray(HEADER);
    const missing = expected - came.length;
    throw new IncompleteError(
      `Cannot read a frame from ${source}: the stream ended ${missing} bytes before ` +
        `the end of its ${isHeader ? "header" : "data"}, after ${came.length} of ${expected}`,
      came,
      expected,
    );
  }
}

function lengthIn(bytes: Uint8Array): number {
  return (bytes[0]! << 24 | bytes[1]! << 16 | bytes[2]! << 8 | bytes[3]!) >>> 0;
}

function parse(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError("Cannot read a frame as JSON: it is not UTF-8", { cause });
  }
  return JSON.parse(text);
}

function frameLimit(options: FrameOptions, verb: string): number {
  const { limit = USUAL_FRAME } = checkOptions(options, "frames");
  return checkWhole(limit, verb, "bytes as a frame's limit", { ...COUNT_OR_NONE, most: LONGEST });
}

/**
 * Frames: messages with their length in front, as `struct.pack(">I", len(data)) + data` of Python makes
 * them. A stream of bytes has no boundaries of its own; these put them in.
 *
 * A frame is read in one step once it is whole, so a cancelled read has taken nothing, and the buffer
 * grows by what comes and not by what the length announces: who announces 16 MiB and sends nothing
 * costs nothing.
 */
import { show } from "../kernel/printable.ts";
import { checkBytes, IncompleteError, LimitError } from "../io/errors.ts";
import type { Framing } from "../io/waiting.ts";
import { checkOptions, checkWhole, COUNT_OR_NONE, hasMethod } from "../kernel/checks.ts";
import type { Operation } from "../kernel/operation.ts";
import { type ByteSource, readFramed } from "./endpoint.ts";

/** The length in front of a frame, in bytes. */
const HEADER = 4;
/** The longest length that a header can hold. */
const LONGEST = 0xffff_ffff;
/** The longest frame, unless a limit is given. */
const USUAL_LIMIT = 16 << 20;

/** How frames are read and written. */
export interface FrameOptions {
  /** The most bytes a frame may have, its header not counted. @default {16777216} */
  limit?: number;
}

/** What bytes are handed over to: a socket, or the write end of a pipe. */
export interface ByteSink {
  /** Hands over all of the bytes. */
  sendAll(data: Uint8Array): Operation<void>;
}

/**
 * Waits for a frame (a 4-byte big-endian length, and so many bytes) and takes it.
 *
 * A cancel or a timeout has taken nothing, and what came behind the frame is there for the next reader,
 * whichever operation that uses.
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
  const limit = checkLimit(checkOptions(options, "frames").limit, "read");
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
  checkSink(sink, "write to");
  checkBytes(data, "write");
  const limit = checkLimit(checkOptions(options, "frames").limit, "write");
  if (data.length > limit) {
    throw new LimitError(
      `Cannot write a frame of ${data.length} bytes to ${sink}: the limit is ${limit}`,
      limit,
      data.length,
    );
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
  const limit = checkLimit(checkOptions(options, "frames").limit, "read");
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
  checkSink(sink, "write to");
  const text = jsonOf(value);
  return writeFrame(sink, new TextEncoder().encode(text), options);
}

/** A value as JSON. What a `toJSON` or a getter of its own throws is thrown; what the engine says is not. */
function jsonOf(value: unknown): string {
  let text: string | undefined;
  let cause: unknown = undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    // The engine's own: a bigint, a circle, a proxy that was revoked.
    if (!(error instanceof TypeError)) throw error;
    cause = error;
  }
  if (text !== undefined) return text;
  const options = cause === undefined ? undefined : { cause };
  throw new TypeError(`Cannot write ${show(value)} as JSON: it has no form there`, options);
}

function checkSink(sink: ByteSink, verb: string): void {
  if (hasMethod(sink, "sendAll")) return;
  throw new TypeError(
    `Cannot ${verb} ${show(sink)}: it must be a socket, or the write end of a pipe`,
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
    throw new LimitError(
      `Cannot read a frame of ${length} bytes from ${source}: the limit is ${this.#limit}`,
      this.#limit,
      length,
    );
  }

  value(bytes: Uint8Array): T {
    return this.#value(bytes.subarray(HEADER));
  }

  cut(partial: Uint8Array, source: { toString(): string }): E {
    if (partial.length === 0) return this.#atEnd;
    const isHeader = partial.length < HEADER;
    const expected = isHeader ? HEADER : lengthIn(partial);
    const came = isHeader ? partial : partial.subarray(HEADER);
    throw new IncompleteError(
      `Cannot read a frame from ${source}: the stream ended ${
        expected - came.length
      } bytes before ` +
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

function checkLimit(limit: number = USUAL_LIMIT, verb: string): number {
  return checkWhole(limit, verb, "bytes as a frame's limit", {
    ...COUNT_OR_NONE,
    most: LONGEST,
  });
}

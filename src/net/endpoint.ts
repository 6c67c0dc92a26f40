/**
 * What the ends of connections have in common, sockets, listeners and pipes: what they stand on, a time limit
 * for each operation, and ways to close them. And reading what only the bytes themselves delimit, which is one
 * wait at the reader, whatever is read.
 */
import { checkBytes } from "../io/errors.ts";
import { closing, Handle } from "../io/handle.ts";
import type { ReadHandle } from "../io/pipe.ts";
import type { HasHandle } from "../io/pollable.ts";
import type { StdinHandle } from "../io/stdin.ts";
import type { StreamHandle } from "../io/stream.ts";
import type { StreamReader } from "../io/stream_reader.ts";
import { checkTimeout, type Framing, type Timeout } from "../io/waiting.ts";
import type { StreamWriter } from "../io/stream_writer.ts";
import { checkInstance, hasMethod } from "../kernel/checks.ts";
import {
  inOneShape,
  NOT_NOW,
  type Operation,
  operation,
  operationOn,
  type OperationOptions,
} from "../kernel/operation.ts";
import { show } from "../kernel/printable.ts";
import type { Wait } from "../kernel/wait.ts";

/**
 * One end of something, or a place where others connect. `using` closes it.
 *
 * @internal
 * @typeParam H Its handle.
 */
export abstract class Endpoint<H extends Handle> implements HasHandle, Disposable, AsyncDisposable {
  readonly #handle: H;
  readonly #kind: string;

  /**
   * An open one.
   *
   * @param handle What it stands on.
   * @param kind What errors call it, as in "a socket".
   * @param timeout Its first time limit.
   */
  constructor(handle: H, kind: string, timeout: Timeout) {
    this.#handle = checkInstance(handle, Handle, `what ${kind} stands on`);
    this.#kind = kind;
    handle.timeout = timeout;
  }

  /** Whether it was closed, by our side. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /**
   * How many milliseconds each operation may wait, before it throws `TimeoutError` and has done nothing
   * (a `sendAll`: only what {@linkcode bytesSent} says). `undefined`, as it is at first, for no limit.
   */
  get timeout(): number | undefined {
    return this.#handle.timeout;
  }

  set timeout(ms: number | undefined) {
    this.#handle.timeout = checkTimeout(ms, `the timeout of ${this.#kind}`);
  }

  /** The handle, for the poll layer. */
  get handle(): H {
    return this.#handle;
  }

  /**
   * Closes it, at once: a task that waits on it gets `ClosedError`, and what was not yet received is dropped.
   * What was handed over to a send still goes out in the background. Closing again has no effect.
   *
   * @returns Waits until nothing of it is left, and its address is free again; nobody needs to wait for it.
   */
  close(): Operation<void> {
    return closing(this.#handle);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#handle.close();
  }

  /** Closes it, and resolves when nothing of it is left. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#handle.close();
    return this.#handle.gone;
  }

  /** Its name in reports. */
  toString(): string {
    return String(this.#handle);
  }
}

/** Waits for a byte at least, and takes at most `n`. */
export function receiving(reader: StreamReader, n: number): Operation<Uint8Array> {
  return operationOn(reader, beginReceive, n);
}

/** Waits for `n` bytes, and takes just those. */
export function receivingExactly(reader: StreamReader, n: number): Operation<Uint8Array> {
  return operationOn(reader, beginReceiveExactly, n);
}

/** Hands over as many of the bytes as fit, one at least; gives their number. */
export function sending(writer: StreamWriter, data: Uint8Array): Operation<number> {
  return operationOn(writer, beginSend, data, SENDING);
}

/** Hands over all of the bytes. */
export function sendingAll(writer: StreamWriter, data: Uint8Array): Operation<void> {
  return operationOn(writer, beginSendAll, data, SENDING_ALL);
}

// A message on an idle connection is handed over without a wait.

const SENDING: OperationOptions<number> = inOneShape<number>({
  now: (_task, data: Uint8Array, writer: StreamWriter) =>
    writer.takesAtOnce(data) ? data.length : NOT_NOW,
});

const SENDING_ALL: OperationOptions<void> = inOneShape<void>({
  now: (_task, data: Uint8Array, writer: StreamWriter) =>
    writer.takesAtOnce(data) ? undefined : NOT_NOW,
});

function beginReceive(wait: Wait<Uint8Array>, reader: StreamReader, n: number): void {
  reader.begin(wait, 1, n, reader.timeout);
}

function beginReceiveExactly(wait: Wait<Uint8Array>, reader: StreamReader, n: number): void {
  reader.begin(wait, n, n, reader.timeout);
}

function beginSend(wait: Wait<number>, writer: StreamWriter, data: Uint8Array): void {
  writer.begin(wait as Wait<number | void>, data, false, writer.timeout);
}

function beginSendAll(wait: Wait<void>, writer: StreamWriter, data: Uint8Array): void {
  writer.begin(wait as Wait<number | void>, data, true, writer.timeout);
}

/** What frames and lines are read from: a socket, or the read end of a pipe. */
export interface ByteSource {
  /** Its handle. */
  readonly handle: StreamHandle | ReadHandle | StdinHandle;
  /** How long a read may wait, in milliseconds; `undefined` for ever. */
  readonly timeout: number | undefined;
}

/** What frames are handed over to: a socket, or the write end of a pipe. */
export interface ByteSink {
  /** Hands over all of the bytes. */
  sendAll(data: Uint8Array): Operation<void>;
}

function hasHandle(source: ByteSource): boolean {
  const isObject = typeof source === "object" && source !== null;
  return isObject && hasMethod(source, "recv") && hasMethod(source.handle?.reader, "beginFraming");
}

/** An operation that waits for what `framing` delimits; asked for anew each time it is waited for. */
export function readFramed<T>(
  verb: string,
  source: ByteSource,
  framing: () => Framing<T>,
): Operation<T> {
  const handle = hasHandle(source) ? source.handle : undefined;
  if (handle === undefined) {
    throw new TypeError(
      `Cannot read from ${show(source)}: it must be a socket, or the read end of a pipe`,
    );
  }
  return operation(
    { toString: () => `${verb}(${handle})` },
    (wait: Wait<T>) => handle.reader.beginFraming(wait, framing(), source.timeout),
  );
}

/** Waits for bytes, and copies as many of those that have arrived as fit; gives their number, 0 at the end. */
export function recvInto(source: ByteSource, into: Uint8Array): Operation<number> {
  checkBytes(into, "receive into");
  if (into.length === 0) {
    throw new RangeError("Cannot receive into an empty array: it must have room for a byte");
  }
  return readFramed("recvInto", source, () => new IntoFraming(into));
}

/** Whatever has arrived, as a reader waits for it. */
class IntoFraming implements Framing<number> {
  readonly isDelimited = false;
  readonly keepsBytes = false;
  readonly #into: Uint8Array;

  constructor(into: Uint8Array) {
    this.#into = into;
  }

  measure(held: Uint8Array): number {
    return Math.max(1, Math.min(held.length, this.#into.length));
  }

  value(bytes: Uint8Array): number {
    this.#into.set(bytes);
    return bytes.length;
  }

  cut(): number {
    return 0;
  }
}

/**
 * A stream of lines or frames. It holds nothing itself: what has not been taken is still the socket's, so
 * it can be left at any point, and several may take turns. One task reads at a time.
 *
 * Made by {@linkcode Socket.lines} and {@linkcode Socket.frames}. In an `async function*`, `for await` goes
 * through it; anywhere, `next` gives the next message.
 *
 * @typeParam T The messages' type.
 */
export class MessageStream<T> {
  readonly #read: () => Operation<T | null>;

  /** Made by {@linkcode Socket.lines} and {@linkcode Socket.frames}. */
  constructor(read: () => Operation<T | null>) {
    this.#read = read;
  }

  /** Waits for the next message and takes it; `null` at the end of the stream. */
  next(): Operation<T | null> {
    return this.#read();
  }

  /** Goes through the messages; ends where the stream does. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let message; (message = await this.next()) !== null;) yield message;
  }
}

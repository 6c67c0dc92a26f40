/**
 * Stream sockets for tasks: TCP, unix and TLS connections with the verbs of Python's `socket`.
 *
 * A socket adds to its handle what is for people: operations, checked arguments, a timeout. All it
 * promises about bytes (none lost by a cancel, order, bounds) the handle keeps.
 */
import { checkBytes, checkCount } from "../io/errors.ts";
import { checkTimeout, type Timeout } from "../io/wait_timeout.ts";
import type { HasHandle } from "../io/pollable.ts";
import { MOST_AHEAD } from "../io/stream_reader.ts";
import { setTcpOption, type StreamHandle } from "../io/stream.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { wait } from "../tasks/wait.ts";
import { closing } from "../io/handle_lifetime.ts";
import { type FrameOptions, readFrame } from "./frames.ts";
import { type LineOptions, readLine } from "./lines.ts";
import { MessageStream } from "./message_stream.ts";
import { recvInto } from "./recv_into.ts";

/**
 * A connection.
 *
 * - Bytes arrive in the order in which they were sent; a cancelled `recv` has taken none.
 * - One task receives at a time (a second gets a `BusyError`); sends of several tasks go out whole, in
 *   the order of their calls.
 * - What a send has taken goes out, also when the socket is closed right after it.
 * - Per connection at most 128 KiB are held: 64 KiB that nobody has received, and 64 KiB that wait to be
 *   written. What is beyond that waits with the sender.
 * - A connection that the other side or the network breaks throws `BrokenError`, with Deno's error as
 *   its cause; one that was closed here throws `ClosedError`.
 *
 * Made by {@linkcode connect} and {@linkcode Listener.accept}. `using` closes it.
 * `timeout` can be set: the most milliseconds that each operation waits; `undefined` for no limit.
 *
 * @typeParam A The kind of its addresses.
 */
export class Socket<A extends Deno.Addr = Deno.Addr>
  implements HasHandle, Disposable, AsyncDisposable {
  readonly #handle: StreamHandle;
  #timeout: Timeout;

  /** Made by {@linkcode connect} and {@linkcode Listener.accept}. */
  constructor(handle: StreamHandle, timeout?: number) {
    this.#handle = handle;
    this.#timeout = timeout;
  }

  /** Our address. */
  get localAddr(): A {
    return this.#handle.native.localAddr as A;
  }

  /** The other side's address. */
  get remoteAddr(): A {
    return this.#handle.native.remoteAddr as A;
  }

  /** Whether it was closed here. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /**
   * How many milliseconds each operation may wait, before it throws `TimeoutError` and has done nothing
   * (a `sendAll`: only what {@linkcode bytesSent} says). `undefined`, as it is at first, for no limit.
   */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  set timeout(ms: number | undefined) {
    this.#timeout = checkTimeout(ms, "the timeout of a socket");
  }

  /** The handle, for the poll layer. */
  get handle(): StreamHandle {
    return this.#handle;
  }

  /**
   * Waits for bytes, and takes at most `n` of those that have arrived. At the end of the stream it
   * gives an empty array, as often as it is called.
   *
   * The array is the caller's own, but may share its `buffer` with others that this socket gave: take
   * `slice()` of it before handing over its `buffer`.
   *
   * @param n The most bytes to take. @default {65536}
   * @throws {RangeError} If `n` is not a whole number of at least 1.
   */
  recv(n: number = MOST_AHEAD): Operation<Uint8Array> {
    checkCount(n, 1, "receive");
    const { reader } = this.#handle;
    return operation(reader, (w: Wait<Uint8Array>) => reader.begin(w, 1, n, this.#timeout));
  }

  /**
   * Waits until `n` bytes have arrived, and takes just those. A cancel or a timeout before that takes
   * nothing: the next call begins with the same first byte.
   *
   * @throws {IncompleteError} If the stream ends before that; the bytes that came are in the error.
   */
  recvExactly(n: number): Operation<Uint8Array> {
    checkCount(n, 0, "receive");
    const { reader } = this.#handle;
    return operation(reader, (w: Wait<Uint8Array>) => reader.begin(w, n, n, this.#timeout));
  }

  /**
   * Waits for bytes, and copies as many of those that have arrived as fit into an array of the caller's: for
   * who moves many of them, and needs none of them for long. A cancelled one has taken none.
   *
   * @param into The array; it is written to when bytes have come, not before.
   * @returns An operation that evaluates to the number of bytes, 0 at the end of the stream.
   * @throws {RangeError} If the array is empty.
   */
  recvInto(into: Uint8Array): Operation<number> {
    return recvInto(this, into);
  }

  /**
   * The lines that come, as {@linkcode readLine} reads them.
   *
   * @param options The limit of each.
   */
  lines(options: LineOptions = {}): MessageStream<string> {
    return new MessageStream(() => readLine(this, options));
  }

  /**
   * The frames that come, as {@linkcode readFrame} reads them.
   *
   * @param options The limit of each.
   */
  frames(options: FrameOptions = {}): MessageStream<Uint8Array> {
    return new MessageStream(() => readFrame(this, options));
  }

  /**
   * Hands over as many of the bytes as fit in the write buffer, one at least, waiting for room if there
   * is none; gives their number. Cancelled while it waits, it has handed over none.
   */
  send(data: Uint8Array): Operation<number> {
    return this.#send(data, false) as Operation<number>;
  }

  /**
   * Hands over all of the bytes, waiting for room as often as needed. When it ends they are
   * copied, and will be written in order; a failure of that shows at the next operation. Cut short by a
   * cancel or a timeout, it has handed over the first {@linkcode bytesSent} of them.
   */
  sendAll(data: Uint8Array): Operation<void> {
    return this.#send(data, true) as Operation<void>;
  }

  /**
   * Takes at most `n` bytes that have arrived, without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If nothing has arrived. A native read is under way then.
   */
  tryRecv(n: number = MOST_AHEAD): Uint8Array {
    return this.#handle.tryRecv(n);
  }

  /**
   * Hands over as many of the bytes as fit, without waiting; gives their number. Never a checkpoint.
   *
   * @throws {WouldBlock} If there is no room.
   */
  trySend(data: Uint8Array): number {
    return this.#handle.trySend(data);
  }

  /**
   * Sends small messages at once (TCP), or lets the host collect them. Takes effect when the write
   * under way has ended.
   *
   * @throws {TypeError} If the socket is not one of TCP.
   */
  setNoDelay(on = true): void {
    setTcpOption(this.#handle, "setNoDelay", on);
  }

  /**
   * Probes the connection when it is idle (TCP). Takes effect when the write under way has ended.
   *
   * @throws {TypeError} If the socket is not one of TCP.
   */
  setKeepAlive(on = true): void {
    setTcpOption(this.#handle, "setKeepAlive", on);
  }

  /**
   * Waits until the TLS handshake is over. Nobody has to: without it, the first bytes wait for that, and
   * {@linkcode connect} has done it.
   *
   * @returns An operation that evaluates to what was agreed on.
   * @throws {TypeError} If the socket does not speak TLS.
   */
  handshake(): Operation<Deno.TlsHandshakeInfo> {
    const { native } = this.#handle;
    if (!("handshake" in native)) {
      throw new TypeError(`Cannot shake hands on ${this}: it does not speak TLS`);
    }
    return wait(() => (native as unknown as Deno.TlsConn).handshake());
  }

  /**
   * Ends the sending direction: the other side sees the end of the stream once everything handed over
   * has arrived. Receiving goes on.
   *
   * @throws {ClosedError} If the socket is closed.
   */
  closeWrite(): void {
    this.#handle.closeWrite();
  }

  /**
   * Closes the socket, at once: a task that waits on it gets `ClosedError`, bytes not yet received are
   * dropped. What was handed over still goes out in the background. Closing again has no effect.
   *
   * @returns Waits until nothing of it is left; nobody needs to wait for it.
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

  #send(data: Uint8Array, all: boolean): Operation<number | void> {
    checkBytes(data, "send");
    const { writer } = this.#handle;
    return operation(writer, (w: Wait<number | void>) => writer.begin(w, data, all, this.#timeout));
  }
}

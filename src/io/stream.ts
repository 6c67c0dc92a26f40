/**
 * A stream handle: a connection's two halves, its life, and its readiness.
 */
import { ClosedError } from "../kernel/errors.ts";
import { type BrokenError, checkBytes, checkCount, Fault } from "./errors.ts";
import { Handle, Linger } from "./handle.ts";
import { closeQuietly, type NativeStream } from "./native.ts";
import { ERR, HUP, IN, OUT } from "./pollable.ts";
import { MOST_AHEAD, StreamReader } from "./stream_reader.ts";
import { StreamWriter } from "./stream_writer.ts";
import type { Task } from "../kernel/task.ts";

/** Which kind of socket it is, for the differences that poll(2) shows. */
export type StreamKind = "tcp" | "unix";

/** A connection, with read-ahead and a write buffer. */
export class StreamHandle extends Handle {
  /** The reading half. */
  readonly reader: StreamReader;
  /** The writing half. */
  readonly writer: StreamWriter;
  #fault: Fault | null = null;
  readonly #native: NativeStream;
  readonly #kind: StreamKind;
  /** Its end, once that has begun. */
  #linger: Linger | null = null;

  /**
   * Takes a native connection over; nothing else may use it from now on.
   *
   * @param native The connection.
   * @param name What reports call it.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(native: NativeStream, name: string, owner?: Task | null) {
    super(name, owner);
    this.#native = native;
    this.#kind = native.localAddr.transport === "unix" ? "unix" : "tcp";
    this.reader = new StreamReader(native, this);
    this.writer = new StreamWriter(native, this);
    if (native.settled !== undefined) {
      this.began();
      native.settled.then(() => this.ended());
    }
  }

  /** The connection beneath. */
  get native(): NativeStream {
    return this.#native;
  }

  /** The error that broke it, as long as nobody was told. */
  get fault(): Fault {
    return this.#fault ??= new Fault();
  }

  /** Whether it was closed, by our side. */
  get closed(): boolean {
    return this.#linger !== null;
  }

  /**
   * What could be done without waiting, in the bits of poll(2).
   *
   * As on Linux: the end of the stream is `IN`. `HUP` is the end of both directions: the peer's and
   * our own half-close, a reset, and on a unix socket the peer's close, which there, unlike on TCP, can be
   * told from its half-close. A failure is `ERR` until a call has reported it.
   */
  get ready(): number {
    if (this.closed) return 0;
    const { reader, writer } = this;
    if (reader.broken !== null || writer.broken !== null) {
      const isError = this.fault.pending && (this.#kind === "tcp" || reader.broken !== null);
      return isError ? IN | OUT | ERR | HUP : IN | OUT | HUP;
    }
    const bits = (reader.readable ? IN : 0) | (writer.writable ? OUT : 0);
    return reader.ended && writer.over ? bits | HUP : bits;
  }

  /** Starts a read, and with `OUT` the write probe, so that `ready` will tell. */
  arm(interest: number): void {
    if (this.closed) return;
    const { reader, writer } = this;
    reader.arm();
    // Past the end of the stream only a write can find out that the other side has reset it since.
    if ((interest & OUT) !== 0) writer.arm(reader.ended);
  }

  /** On a unix socket a write can tell whether that was the peer's close or its half-close. */
  readerEnded(): void {
    if (this.#kind === "unix" && this.isWatched) this.writer.arm(true);
  }

  /** A connection that breaks while receiving is over in both directions. */
  readerBroke(error: BrokenError): void {
    this.writer.break(error);
  }

  /**
   * Takes at most `n` bytes that have arrived; an empty array at the end of the stream.
   *
   * @throws {WouldBlock} If nothing has arrived. A native read is under way then.
   */
  tryRecv(n: number = MOST_AHEAD): Uint8Array {
    checkCount(n, 1, "receive");
    return this.reader.tryTake(n);
  }

  /**
   * Hands over as many of the bytes as fit; gives their number.
   *
   * @throws {WouldBlock} If there is no room.
   */
  trySend(data: Uint8Array): number {
    checkBytes(data, "send");
    return this.writer.tryTake(data);
  }

  /** Ends the sending direction once everything handed over has gone out; receiving goes on. */
  closeWrite(): void {
    if (this.closed) {
      throw new ClosedError(`Cannot close the writing side of ${this}: it is closed`);
    }
    if (this.writer.over) return;
    this.writer.close("its writing side is closed");
    this.began();
    const ended = (): void => this.ended();
    this.writer.whenIdle(() => this.#native.closeWrite().then(ended, ended));
  }

  /** Closes it; what was handed over still goes out. Without effect when it is closed. */
  close(): void {
    if (this.closed) return;
    const linger = this.#linger = new Linger(this.writer, () => {
      closeQuietly(this.#native);
      this.letGo();
    });
    this.reader.close("it is closed");
    this.writer.close("it is closed");
    linger.go();
    this.changed();
  }

  /** Closes it, gives the other side a moment to take what is buffered, and resolves when nothing is left. */
  override release(): Promise<void> {
    this.close();
    this.#linger!.hurry();
    return this.gone;
  }
}

/** A native connection that knows the options of TCP. */
interface NativeTcp extends NativeStream {
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean): void;
}

/**
 * Sets an option now, or as soon as the write under way has ended: while one is, Deno throws
 * "Unable to get resources".
 *
 * @throws {TypeError} If the connection is not one of TCP.
 */
export function setTcpOption(
  handle: StreamHandle,
  option: "setNoDelay" | "setKeepAlive",
  on: boolean,
): void {
  const native = handle.native as NativeTcp;
  if (typeof native[option] !== "function") {
    throw new TypeError(`Cannot ${option} on ${handle}: it is not a TCP connection`);
  }
  handle.writer.whenIdle(() => {
    if (!handle.closed) native[option](on);
  });
}

/**
 * Handles with one direction: standard input, and the pipes of a child process.
 *
 * They are halves of a stream with their own life. In poll's eyes a pipe differs from a socket: its end
 * is `HUP` and not `IN`, and a write end whose reader is gone shows `ERR`.
 *
 * Deno gives web streams for a child process's pipes; here they become native ends like others.
 */
import { checkBytes, checkCount, Fault } from "./errors.ts";
import { Handle, Linger } from "./handle.ts";
import { closeQuietly, type NativeReader, type NativeWriter } from "./native.ts";
import { ERR, HUP, IN, OUT } from "./pollable.ts";
import { MOST_AHEAD, StreamReader } from "./stream_reader.ts";
import { StreamWriter } from "./stream_writer.ts";
import type { Task } from "../kernel/task.ts";

/** The read end of a pipe. */
export class ReadHandle extends Handle {
  /** What does the reading. */
  readonly reader: StreamReader;
  #fault: Fault | null = null;
  readonly #native: NativeReader & { close(): void };
  #closed = false;

  /**
   * Takes the native end over; nothing else may use it from now on.
   *
   * @param native The pipe.
   * @param name What reports call it.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(native: NativeReader & { close(): void }, name: string, owner?: Task | null) {
    super(name, owner);
    this.#native = native;
    this.reader = new StreamReader(native, this);
  }

  /** The error that broke it, as long as nobody was told. */
  get fault(): Fault {
    return this.#fault ??= new Fault();
  }

  /** Whether it was closed, by our side. */
  get closed(): boolean {
    return this.#closed;
  }

  /** `IN` for bytes, `HUP` for the end, `ERR` for a failure that no call has reported. */
  get ready(): number {
    if (this.#closed) return 0;
    const { reader } = this;
    if (reader.broken !== null) return this.fault.pending ? IN | ERR | HUP : IN | HUP;
    return (reader.held > 0 ? IN : 0) | (reader.ended ? HUP : 0);
  }

  /** Starts a read. */
  arm(_interest: number): void {
    if (!this.#closed) this.reader.arm();
  }

  /**
   * Takes at most `n` bytes that have arrived; an empty array at the end.
   *
   * @throws {WouldBlock} If nothing has arrived. A native read is under way then.
   */
  tryRecv(n: number = MOST_AHEAD): Uint8Array {
    checkCount(n, 1, "receive");
    return this.reader.tryTake(n);
  }

  /** Closes it; what is held is dropped. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.reader.close("it is closed");
    closeQuietly(this.#native);
    this.letGo();
    this.changed();
  }
}

/** The write end of a pipe. */
export class WriteHandle extends Handle {
  /** What does the writing. */
  readonly writer: StreamWriter;
  #fault: Fault | null = null;
  readonly #native: NativeWriter & { close(): void };
  /** Its end, once that has begun. */
  #linger: Linger | null = null;

  /**
   * Takes the native end over; nothing else may use it from now on.
   *
   * @param native The pipe.
   * @param name What reports call it.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(native: NativeWriter & { close(): void }, name: string, owner?: Task | null) {
    super(name, owner);
    this.#native = native;
    this.writer = new StreamWriter(native, this);
  }

  /** The error that broke it, as long as nobody was told. */
  get fault(): Fault {
    return this.#fault ??= new Fault();
  }

  /** Whether it was closed, by our side. */
  get closed(): boolean {
    return this.#linger !== null;
  }

  /** `OUT` when it takes more; `ERR` when its reader is gone. */
  get ready(): number {
    if (this.closed) return 0;
    if (this.writer.broken !== null) return OUT | ERR;
    return this.writer.writable ? OUT : 0;
  }

  /** Finds out whether it takes more. */
  arm(_interest: number): void {
    if (!this.closed) this.writer.arm(false);
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

  /** Closes it: the reader sees the end once everything handed over has gone out. */
  close(): void {
    if (this.closed) return;
    const linger = this.#linger = new Linger(this.writer, () => {
      closeQuietly(this.#native);
      this.letGo();
    });
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

/** The read end of a `ReadableStream`. It gives chunks as they come; what does not fit waits here. */
export class WebReader implements NativeReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Fills a part of `into`; `null` at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value;
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Cancels the stream: a pending read ends. */
  close(): void {
    this.#reader.cancel().catch(() => {});
  }
}

/** The write end of a `WritableStream`. Whether it takes more without waiting it tells by its `ready`. */
export class WebWriter implements NativeWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #idle = true;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    this.#writer.closed.catch(() => {}); // it shows at the next write
  }

  /** Writes all of `data`. */
  async write(data: Uint8Array): Promise<number> {
    if (data.length === 0) {
      await this.#writer.ready;
      return 0;
    }
    this.#idle = false;
    await this.#writer.write(data);
    this.#idle = true;
    return data.length;
  }

  /** Ends the stream well if nothing is being written, and breaks it off otherwise. */
  close(): void {
    const end = this.#idle ? this.#writer.close() : this.#writer.abort();
    end.catch(() => {});
  }
}

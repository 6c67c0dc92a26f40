/**
 * The reading half of a stream: one native read at a time, and what it brought until somebody takes it.
 *
 * A native read is issued only when somebody waits, tries or polls, so TCP's own flow control holds a
 * fast sender back: at most one chunk (64 KiB, or what one `recvExactly` asked for) is held here. A read
 * cannot be called back. When its waiter is cancelled it stays in flight, and its bytes go to the
 * next reader; a request is served in one synchronous step, so nothing is ever half taken.
 *
 * What is handed out is copied, from a buffer that is used again and again into pieces of a slab: an
 * array per message would cost 0.5 µs, a copy into a piece 0.1 µs (measured). Only what fills a large
 * buffer is handed out as it is. The buffer starts as a piece that readers lend each other, for ten thousand
 * idle connections, and grows by what reads bring.
 *
 * An error that says that the handle is closed is made when a call asks for it: its stack costs more than the
 * whole close, and most handles are closed when nobody uses them any more.
 *
 * Where only the bytes themselves tell where something ends (a frame with a length in front, a line), a
 * {@linkcode Framing} is asked again whenever more has come, and the thing is taken in one synchronous step
 * when it is whole. So a cancelled read has taken nothing, and what came behind it stays with the reader.
 * Rejected: a loop of `recv` with a buffer of its own, which loses both.
 */
import { activity } from "../kernel/instrument.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { BrokenError, type Fault, IncompleteError, reasonOf } from "./errors.ts";
import { type Framing, SingleWaiter, type Timeout } from "./waiting.ts";
import type { NativeReader } from "./native.ts";
import { IN } from "./pollable.ts";
import { giveBackBuffer, lendBuffer, PIECE, Slab, SMALL_PIECE } from "./buffers.ts";
import type { PendingOperations } from "./handle.ts";

/** The largest buffer, and so the most that is read ahead. */
export const MOST_AHEAD: number = 64 << 10;
/** Behind bytes that are held, a read with less room than this is not worth making. */
const LEAST_ROOM = 256;
/** What is handed out without copying it is at least so long, and fills at least half of its buffer. */
const LEAST_GIVEN = 4 << 10;

const EMPTY = new Uint8Array(0);

/** How a stream's reading side has ended: by the other side, by the network, or by us. */
type End = "eof" | BrokenError | "closed";

/** What a reader's handle is told. */
export interface ReaderHost extends PendingOperations {
  /** How many milliseconds a read may wait, unless it is told otherwise. */
  readonly timeout?: Timeout;
  readonly fault: Fault;
  /** Readiness may have changed; `fresh` bits have news. */
  changed(fresh?: number): void;
  /** The other side ended the stream. */
  readerEnded?(): void;
  /** The other side or the network broke it. */
  readerBroke?(error: BrokenError): void;
  toString(): string;
}

/** The reading half of a stream. One reader at a time. */
export class StreamReader extends SingleWaiter<unknown> {
  readonly #native: NativeReader;
  readonly #host: ReaderHost;
  #buffer: Uint8Array = EMPTY;
  #start = 0;
  #stop = 0;
  #size = PIECE;
  /** How many bytes the native read in flight may bring. */
  #room = 0;
  #slab: Slab | null = null;
  #reading = false;
  #end: End | null = null;
  #why = "";
  /** For how many bytes at least the one who waits does, and to take how many at most. */
  #least = 0;
  #most = 0;
  /** What tells how many bytes are waited for, if the bytes themselves do. */
  #framing: Framing<unknown> | null = null;
  /**
   * Whether a read that waits goes on only by {@linkcode proceed}: called by a poll loop, which learns from
   * the handle's readiness, with `POLLET`, that something has come.
   */
  isGated = false;
  /** How many reads have been served. */
  served = 0;

  /**
   * A reader that has not read.
   *
   * @param native Where bytes come from.
   * @param host The handle it is a half of; it counts the native reads.
   */
  constructor(native: NativeReader, host: ReaderHost) {
    super(host, "recv");
    this.#native = native;
    this.#host = host;
  }

  /** How many milliseconds a read may wait, as its handle has it. */
  get timeout(): Timeout {
    return this.#host.timeout;
  }

  /** How many bytes are held. */
  get held(): number {
    return this.#stop - this.#start;
  }

  /** Whether a native read is in flight. */
  get reading(): boolean {
    return this.#reading;
  }

  /** Whether the other side has ended the stream; some bytes of it may be held. */
  get ended(): boolean {
    return this.#end === "eof";
  }

  /** What broke it, if something did. */
  get broken(): BrokenError | null {
    return this.#end instanceof BrokenError ? this.#end : null;
  }

  /** Whether a read would not wait: there are bytes, or the end. */
  get readable(): boolean {
    return this.#stop > this.#start || this.#end !== null;
  }

  /**
   * Begins a read for a wait: it gets at least `least` and at most `most` bytes, in order. At the end of
   * the stream it gets what is held when it wants 1, and an `IncompleteError` when it wants more. With
   * a `most` of 0 it only waits until `least` bytes are held, or the end, for {@linkcode peek} to see.
   */
  begin(wait: Wait<Uint8Array>, least: number, most: number, timeout: Timeout): void {
    this.check();
    if (this.held >= least || this.#end !== null) {
      wait.settle(this.#serve(least, most));
      return;
    }
    this.#readMore(least);
    this.#least = least;
    this.#most = most;
    this.#framing = null;
    this.park(wait as Wait<unknown>, timeout);
  }

  /** Begins a read of what its own bytes delimit; waits until it is whole, and takes it. */
  beginFraming<T>(wait: Wait<T>, framing: Framing<T>, timeout: Timeout): void {
    this.check();
    const least = framing.measure(this.peek(), this.#host);
    if (this.held >= least || this.#end !== null) {
      wait.settle(this.#take(framing, least));
      return;
    }
    this.#least = least;
    this.#framing = framing;
    this.#readFraming(framing);
    this.park(wait as Wait<unknown>, timeout);
  }

  /** Goes on with the read that waits, if there is one and it can. */
  proceed(): void {
    if (this.waits) this.#goOn(0);
  }

  /** Takes at most `most` bytes that are there; starts a read if there are none. */
  tryTake(most: number): Uint8Array {
    this.check();
    if (this.held > 0 || this.#end !== null) return this.#serve(1, most);
    this.#readMore(1);
    throw new WouldBlock(`Cannot receive from ${this.#host} now: nothing has arrived`);
  }

  /** What is held, without taking it: valid until the next call. */
  peek(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#stop);
  }

  /** Starts a native read, unless the read-ahead is full. */
  arm(): void {
    if (this.#end !== null) return;
    if (this.held === 0 || this.#buffer.length - this.#stop >= LEAST_ROOM) this.#readMore(1);
  }

  /** Ends it by our side: what is held is dropped, and a read that waits gets an error that says `why`. */
  close(why: string): void {
    if (this.#end === "closed") return;
    this.#end = "closed";
    this.#why = why;
    this.#start = this.#stop = 0;
    // The host may still write into the buffer of a read that is pending.
    if (!this.#reading) this.#keep(EMPTY);
    this.leave()?.fail(this.#closedError());
  }

  /** Fails the wait, if there is one, with `error`; the stream goes on. */
  dismiss(error: Error): void {
    this.leave()?.fail(error);
  }

  /** Serves a request from what is held, or throws why that cannot be. */
  #serve(least: number, most: number): Uint8Array {
    const { held } = this;
    const end = this.#end;
    if (end === "closed") throw this.#closedError();
    if (held < least && end !== null) {
      if (end !== "eof") throw this.#told(end);
      if (least > 1 && most > 0) {
        throw new IncompleteError(
          `Cannot receive ${least} bytes from ${this.#host}: the stream ended after ${held}`,
          this.#give(held),
          least,
        );
      }
    }
    return this.#give(Math.min(held, most));
  }

  /** Takes `length` bytes for what is waited for; at the end of the stream, what there is. */
  #take<T>(framing: Framing<T>, length: number): T {
    const end = this.#end;
    if (end === "closed") throw this.#closedError();
    if (this.held < length && end !== "eof") throw this.#told(end!);
    const isWhole = this.held >= length;
    const count = isWhole ? length : this.held;
    const use = (bytes: Uint8Array): T =>
      isWhole ? framing.value(bytes) : framing.cut(bytes, this.#host);
    return framing.keepsBytes ? use(this.#give(count)) : this.#lend(count, use);
  }

  /** Takes the first `count` bytes that are held, and lets `use` look at them where they are. */
  #lend<T>(count: number, use: (bytes: Uint8Array) => T): T {
    this.served++;
    const bytes = this.#buffer.subarray(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#stop && !this.#reading) this.#start = this.#stop = 0;
    try {
      return use(bytes);
    } finally {
      this.#host.changed(); // last, because a watcher may start the next read
    }
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot receive from ${this.#host}: ${this.#why}`);
  }

  /** Takes another buffer. */
  #keep(buffer: Uint8Array): void {
    giveBackBuffer(this.#buffer);
    this.#buffer = buffer;
  }

  #told(error: BrokenError): BrokenError {
    this.#host.fault.tell();
    this.#host.changed();
    return error;
  }

  /** Hands out the first `count` bytes that are held. */
  #give(count: number): Uint8Array {
    this.served++;
    if (count === 0) return new Uint8Array(0);
    const start = this.#start;
    const buffer = this.#buffer;
    this.#start = start + count;
    const isLast = this.#start === this.#stop && !this.#reading;
    if (isLast) this.#start = this.#stop = 0;
    this.#host.changed();
    if (!isLast || count < LEAST_GIVEN || count < buffer.length >> 1) {
      return (this.#slab ??= new Slab()).copy(buffer, start, count);
    }
    this.#buffer = EMPTY;
    return buffer.subarray(start, start + count);
  }

  /** Issues a native read, unless one is in flight, with room for `least` bytes in one piece. */
  #readMore(least: number): void {
    if (this.#reading) return;
    if (this.#stop > 0) this.#makeRoom(least);
    else if (
      this.#buffer.length < this.#size ||
      (this.#size === SMALL_PIECE && this.#buffer.length === PIECE)
    ) this.#keep(lendBuffer(this.#size));
    const room = this.#stop === 0 ? this.#buffer : this.#buffer.subarray(this.#stop);
    this.#room = room.length;
    this.#reading = true;
    this.#host.began();
    this.#native.read(room).then(this.#onRead, this.#onError);
  }

  /** Issues a native read for what is not whole yet. Room for something of unknown length doubles. */
  #readFraming(framing: Framing<unknown>): void {
    this.#readMore(framing.isDelimited ? Math.max(this.#least, 2 * this.held) : this.#least);
  }

  /** Sees to it that the buffer has room behind what is held. It grows as bytes come, not as they are announced. */
  #makeRoom(least: number): void {
    const { held } = this;
    const missing = least - held;
    if (this.#buffer.length - this.#stop >= Math.min(LEAST_ROOM, missing)) return;
    const more = Math.min(Math.max(missing, LEAST_ROOM), Math.max(held, this.#size));
    if (held + more <= this.#buffer.length) {
      this.#buffer.copyWithin(0, this.#start, this.#stop);
    } else {
      const larger = new Uint8Array(held + more);
      larger.set(this.peek());
      this.#keep(larger);
    }
    this.#start = 0;
    this.#stop = held;
  }

  readonly #onRead = (count: number | null): void => {
    this.#reading = false;
    this.#host.ended();
    if (this.#end !== null) return this.#keep(EMPTY); // closed meanwhile
    if (count === null) {
      this.#end = "eof";
      this.#host.readerEnded?.();
    } else {
      this.#stop += count;
      activity.listener?.moved("in", count);
      if (count === this.#room) this.#grow();
      else if (this.served === 0 && this.#size === PIECE && count <= SMALL_PIECE) {
        this.#size = SMALL_PIECE;
      }
    }
    this.#advance(IN);
  };

  /** A read that filled its room could have brought more: the next buffer is larger. */
  #grow(): void {
    this.#size = Math.min(this.#size << 2, MOST_AHEAD);
  }

  readonly #onError = (cause: unknown): void => {
    this.#reading = false;
    this.#host.ended();
    if (this.#end !== null) return this.#keep(EMPTY); // closed meanwhile: that is what made it fail
    const error = new BrokenError(
      `Cannot receive from ${this.#host}: the connection broke (${reasonOf(cause)})`,
      { cause },
    );
    this.#end = error;
    this.#host.fault.raise();
    this.#host.readerBroke?.(error);
    this.#advance(IN);
  };

  /** Serves the waiting request if that is possible now. */
  #advance(fresh: number): void {
    if (this.waits && !this.isGated) this.#goOn(fresh);
    else this.#host.changed(fresh);
  }

  #goOn(fresh: number): void {
    const framing = this.#framing;
    if (framing !== null && !this.#measure(framing)) return;
    if (this.held < this.#least && this.#end === null) {
      return framing === null ? this.#readMore(this.#least) : this.#readFraming(framing);
    }
    const wait = this.leave()!;
    let value: unknown;
    try {
      value = framing === null
        ? this.#serve(this.#least, this.#most)
        : this.#take(framing, this.#least);
    } catch (error) {
      return wait.fail(error);
    }
    wait.settle(value);
    if (this.#end !== null) this.#host.changed(fresh);
  }

  /** Finds out again how much is waited for; says whether it still is. */
  #measure(framing: Framing<unknown>): boolean {
    try {
      this.#least = framing.measure(this.peek(), this.#host);
      return true;
    } catch (error) {
      this.leave()!.fail(error);
      this.#host.changed(IN); // what was refused is still there
      return false;
    }
  }
}

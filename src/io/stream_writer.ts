/**
 * The writing half of a stream: a bounded buffer and the one loop that empties it.
 *
 * It works like the send buffer of a kernel. What is handed over is copied, goes out in order, whole,
 * and needs nobody to wait for it; who hands over more than fits waits for room. A failure shows at the
 * next operation. On an idle connection the native write is issued within the call of `send`, and the
 * host usually takes a small message there and then, so nobody waits for its promise.
 *
 * There is one native write in flight at most: each is one write(2), and when it takes a part only,
 * the bytes of a write queued behind it would go out before the rest (Deno keeps calls in order,
 * not their data). The buffer holds up to 64 KiB, two chunks: while one is being written the other is
 * filled straight from the waiting sender's data, so a long `sendAll` wakes its task once, at its end.
 *
 * Senders are served in the order in which they came, each with all of its data: two tasks that
 * `sendAll` on one connection do not mix their messages.
 */
import { activity } from "../kernel/instrument.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { abandon, type Chunk, giveBack, LARGE, lend } from "./buffers.ts";
import { BrokenError, type Fault, reasonOf } from "./errors.ts";
import type { PendingOperations } from "./handle.ts";
import type { NativeWriter } from "./native.ts";
import { Sender, type Timeout } from "./waiting.ts";

/**
 * How many chunks a writer fills at most. Counted in chunks and not in bytes, so that it bounds the memory:
 * 64 KiB for a peer that does not read.
 */
const MOST_CHUNKS = 2;

const NOTHING = new Uint8Array(0);

/** What a writer's handle is told. */
export interface WriterHost extends PendingOperations {
  /** How many milliseconds a send may wait, unless it is told otherwise. */
  readonly timeout?: Timeout;
  readonly fault: Fault;
  /** Readiness may have changed. */
  changed(): void;
  toString(): string;
}

/** The writing half of a stream. */
export class StreamWriter {
  readonly #native: NativeWriter;
  readonly #host: WriterHost;
  /** Those who wait, in their order; made when the first one does. */
  #senders: Set<Sender> | null = null;
  #first: Chunk | null = null;
  #last: Chunk | null = null;
  #chunks = 0;
  #buffered = 0;
  #written = 0;
  /** How many bytes the native write in flight was given; 0 when there is none. */
  #flying = 0;
  /** Whether the host's own buffer had room when it was last heard of. */
  #hasRoom = false;
  /** Whether a write of no bytes is under way, to find that out. What was known holds until it answers. */
  #asking = false;
  /** Why nothing more is taken: the network, or us. */
  #end: BrokenError | "closed" | null = null;
  #why = "";
  #onIdle: (() => void)[] | null = null;
  // Made with the writer: one that a method makes and keeps later gets what it belongs to, the whole connection,
  // into the old generation (measured: some KB of each, and a seventh of what a short connection costs).
  readonly #onWritten = (count: number): void => this.#wrote(count);
  readonly #onFailed = (cause: unknown): void => {
    this.#flying = 0;
    this.#host.ended();
    this.#broke(cause);
  };

  /**
   * A writer that has not written.
   *
   * @param native Where bytes go.
   * @param host The handle it is a half of; it counts the native writes.
   */
  constructor(native: NativeWriter, host: WriterHost) {
    this.#native = native;
    this.#host = host;
  }

  /** How many milliseconds a send may wait, as its handle has it. */
  get timeout(): Timeout {
    return this.#host.timeout;
  }

  /** How many bytes wait to be written. */
  get buffered(): number {
    return this.#buffered;
  }

  /** How many bytes the host has taken, in all. */
  get written(): number {
    return this.#written;
  }

  /** Whether nothing more is taken. */
  get over(): boolean {
    return this.#end !== null;
  }

  /** What broke it, if something did. */
  get broken(): BrokenError | null {
    return this.#end instanceof BrokenError ? this.#end : null;
  }

  /** Whether a send would not wait, as far as is known; once nothing is taken any more, it would fail at once. */
  get writable(): boolean {
    return this.#end !== null || (this.#buffered === 0 && this.#hasRoom);
  }

  /** Begins a send for a wait: of all the data, or of what fits; then its value is how much was taken. */
  begin(wait: Wait<number | void>, data: Uint8Array, all: boolean, timeout: Timeout): void {
    if (this.#end !== null) throw this.#told(this.#end);
    const taken = this.#isBusy ? 0 : this.take(data, 0);
    if (taken === data.length || (taken > 0 && !all)) return wait.settle(all ? undefined : taken);
    (this.#senders ??= new Set()).add(new Sender(this, wait, data, taken, all, timeout));
  }

  /** Takes all of a message, if it fits and nothing else is on its way: the usual case. */
  takesAtOnce(data: Uint8Array): boolean {
    const { length } = data;
    if (
      this.#first !== null || this.#flying !== 0 || length === 0 || length > LARGE ||
      this.#end !== null
    ) return false;
    this.#takeFirst(data, length);
    return true;
  }

  /** Takes what fits now; returns how much. */
  tryTake(data: Uint8Array): number {
    if (this.#end !== null) throw this.#told(this.#end);
    const taken = this.#isBusy ? 0 : this.take(data, 0);
    if (taken > 0 || data.length === 0) return taken;
    throw new WouldBlock(
      `Cannot send to ${this.#host} now: ${this.#buffered} bytes wait for the other side to read`,
    );
  }

  /**
   * Asks the host, by a write of no bytes, whether it would take more, if that is not known; with
   * `again`, also if it is, because the connection may have broken since.
   */
  arm(again: boolean): void {
    if (this.#end !== null || this.#buffered > 0 || this.#asking) return;
    if (this.#hasRoom && !again) return;
    this.#asking = true;
    this.#host.began();
    this.#native.write(NOTHING).then(
      () => this.#probed(true),
      (cause) => {
        this.#probed(false);
        this.#broke(cause);
      },
    );
  }

  /** Calls `f` once when no native write is in flight and nothing is buffered; now, if that is so. */
  whenIdle(f: () => void): void {
    if (this.#flying === 0 && !this.#asking) f();
    else (this.#onIdle ??= []).push(f);
  }

  /** Takes nothing more; what is buffered still goes out. A send that waits gets an error that says `why`. */
  close(why: string): void {
    if (this.#end === "closed") return;
    this.#why = why;
    this.#finish("closed");
  }

  /** The other half has found the connection broken: nothing that is buffered will arrive. */
  break(error: BrokenError): void {
    for (let chunk = this.#first; chunk !== null; chunk = chunk.next) abandon(chunk);
    this.#first = this.#last = null;
    this.#chunks = 0;
    this.#buffered = 0;
    if (this.#end === null) this.#finish(error);
  }

  /** Takes a sender out of the queue. */
  forget(sender: Sender): void {
    this.#senders!.delete(sender);
  }

  /** Copies what fits of the data, from `offset` on, and sees that it gets written. Returns how much. */
  take(data: Uint8Array, offset: number): number {
    const { length } = data;
    if (this.#first === null && length > 0 && length <= LARGE && this.#flying === 0) {
      this.#takeFirst(data, length);
      return length;
    }
    const room = (this.#last?.room ?? 0) + (MOST_CHUNKS - this.#chunks) * LARGE;
    const count = Math.min(data.length - offset, room);
    const end = offset + count;
    for (let at = offset; at < end;) {
      const chunk = this.#last !== null && this.#last.room > 0
        ? this.#last
        : this.#append(end - at);
      const part = Math.min(end - at, chunk.room);
      chunk.bytes.set(part === data.length ? data : data.subarray(at, at + part), chunk.stop);
      chunk.stop += part;
      at += part;
    }
    if (count > 0) {
      this.#buffered += count;
      if (this.#flying === 0) this.#write();
      this.#host.changed();
    }
    return count;
  }

  /** The name of the handle. */
  get name(): string {
    return String(this.#host);
  }

  /** Names a send in reports. */
  toString(): string {
    return `${this.#host}.send()`;
  }

  /** Takes a message on an idle connection. */
  #takeFirst(data: Uint8Array, length: number): void {
    const chunk = this.#append(length);
    chunk.bytes.set(data);
    this.#buffered = chunk.stop = length;
    this.#write();
    this.#host.changed();
  }

  #append(bytes: number): Chunk {
    // Behind another chunk there is a stall or a flood, and small chunks would only be many.
    const chunk = lend(this.#last === null ? bytes : LARGE);
    if (this.#last === null) this.#first = chunk;
    else this.#last.next = chunk;
    this.#last = chunk;
    this.#chunks++;
    return chunk;
  }

  /** Gives the first chunk to the host. */
  #write(): void {
    const { view } = this.#first!;
    this.#flying = view.length;
    this.#host.began();
    this.#native.write(view).then(this.#onWritten, this.#onFailed);
  }

  #wrote(count: number): void {
    const whole = count === this.#flying;
    this.#flying = 0;
    this.#host.ended();
    activity.listener?.moved("out", count);
    const chunk = this.#first;
    if (chunk !== null) {
      this.#written += count;
      this.#buffered -= count;
      chunk.start += count;
      if (chunk.start === chunk.stop) this.#remove(chunk);
    }
    // A part only means that the host's buffer is full now; all of it, that there was room.
    this.#hasRoom = whole;
    if (this.#isBusy) this.#feed();
    if (this.#flying === 0 && this.#first !== null) this.#write();
    this.#settled();
  }

  /** Serves the waiting senders, in their order. */
  #feed(): void {
    const senders = this.#senders!;
    for (const sender of senders) {
      if (!sender.feed()) return;
      senders.delete(sender);
    }
  }

  #remove(chunk: Chunk): void {
    this.#first = chunk.next;
    if (this.#first === null) this.#last = null;
    this.#chunks--;
    giveBack(chunk);
  }

  /** The host has said whether it would take more. */
  #probed(hasRoom: boolean): void {
    this.#asking = false;
    this.#hasRoom = hasRoom;
    this.#host.ended();
    if (hasRoom) this.#settled();
  }

  /** The host takes nothing more. */
  #broke(cause: unknown): void {
    const error = new BrokenError(
      `Cannot send to ${this.#host}: the connection broke (${reasonOf(cause)})`,
      { cause },
    );
    if (this.#end === null) this.#host.fault.raise();
    this.break(error);
    this.#settled();
  }

  #told(end: BrokenError | "closed"): Error {
    if (end === "closed") return this.#closedError();
    this.#host.fault.tell();
    this.#host.changed();
    return end;
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot send to ${this.#host}: ${this.#why}`);
  }

  #finish(end: BrokenError | "closed"): void {
    this.#end = end;
    if (this.#isBusy) {
      const error = end === "closed" ? this.#closedError() : end;
      for (const sender of this.#senders!) sender.fail(error);
      this.#senders!.clear();
    }
    this.#host.changed();
  }

  get #isBusy(): boolean {
    return this.#senders !== null && this.#senders.size > 0;
  }

  #settled(): void {
    if (this.#onIdle !== null && this.#flying === 0 && !this.#asking) {
      const callbacks = this.#onIdle;
      this.#onIdle = null;
      for (const f of callbacks) f();
    }
    this.#host.changed();
  }
}

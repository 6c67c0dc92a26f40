/**
 * A connection in memory: two ends, each of which reads what the other writes. No network, no permission,
 * no timing of a host; and reads can be cut as short as a test of framing wants them.
 *
 * It behaves as a unix socket does on Linux: an end that closes with bytes unread resets the other one; a
 * write to an end that is closed breaks; `capacity` bytes are taken before a write waits.
 */
import { checkBytes } from "./errors.ts";
import { Deque } from "../internal/deque.ts";
import { BOUND, checkOptions, checkWhole } from "../kernel/checks.ts";
import type { NativeStream } from "./native.ts";

/** How a connection in memory behaves. */
export interface MemoryStreamOptions {
  /** How many bytes each direction holds before a write waits; `Infinity` for any number. @default {65536} */
  capacity?: number;
  /** How many bytes a read brings at most: 1 takes every message apart. @default {Infinity} */
  chunk?: number;
}

/** A read that waits. */
interface Reading {
  readonly into: Uint8Array;
  readonly promise: PromiseWithResolvers<number | null>;
}

/** A write that waits. */
interface Writing {
  readonly data: Uint8Array;
  readonly promise: PromiseWithResolvers<number>;
}

/** One direction. */
class Direction {
  readonly #capacity: number;
  readonly #chunk: number;
  readonly #held = new Deque<Uint8Array>();
  /** How many bytes of the first one have been read. */
  #start = 0;
  #size = 0;
  /** How it ended: no more is written; the reader is gone; or it was reset. */
  #end: "open" | "ended" | "unread" | "reset" = "open";
  #reading: Reading | null = null;
  #writing: Writing | null = null;

  constructor(capacity: number, chunk: number) {
    this.#capacity = capacity;
    this.#chunk = chunk;
  }

  read(into: Uint8Array): Promise<number | null> {
    const promise = Promise.withResolvers<number | null>();
    this.#reading = { into, promise };
    this.#advance();
    return promise.promise;
  }

  write(data: Uint8Array): Promise<number> {
    const promise = Promise.withResolvers<number>();
    this.#writing = { data, promise };
    this.#advance();
    return promise.promise;
  }

  /** The writer writes no more. */
  finish(): void {
    if (this.#end === "open") this.#end = "ended";
    this.#advance();
  }

  /** The reader reads no more. Returns whether bytes were left. */
  leave(): boolean {
    const isUnread = this.#size > 0;
    this.#end = "unread";
    this.#forget();
    this.#cancelReading();
    this.#advance();
    return isUnread;
  }

  /** What was written and not read yet is lost. */
  reset(): void {
    this.#end = "reset";
    this.#forget();
    this.#advance();
  }

  /** The writer is gone: a write that waits ends. */
  cancelWriting(): void {
    this.#writing?.promise.reject(new Deno.errors.Interrupted("operation canceled"));
    this.#writing = null;
  }

  #forget(): void {
    this.#held.clear();
    this.#start = this.#size = 0;
  }

  #cancelReading(): void {
    this.#reading?.promise.reject(new Deno.errors.Interrupted("operation canceled"));
    this.#reading = null;
  }

  #advance(): void {
    if (this.#writing !== null) this.#write(this.#writing);
    if (this.#reading !== null && this.#read(this.#reading) && this.#writing !== null) {
      this.#write(this.#writing);
    }
  }

  #write({ data, promise }: Writing): void {
    if (this.#end === "unread" || this.#end === "reset") {
      promise.reject(new Deno.errors.BrokenPipe("Broken pipe (os error 32)"));
    } else {
      const room = this.#capacity - this.#size;
      if (room <= 0) return;
      const part = data.slice(0, room);
      if (part.length > 0) this.#held.push(part);
      this.#size += part.length;
      promise.resolve(part.length);
    }
    this.#writing = null;
  }

  /** Serves a read if that is possible now. */
  #read({ into, promise }: Reading): boolean {
    const first = this.#held.at(0);
    if (first !== undefined) {
      const start = this.#start;
      const count = Math.min(into.length, first.length - start, this.#chunk);
      into.set(first.subarray(start, start + count));
      this.#start += count;
      this.#size -= count;
      if (this.#start === first.length) {
        this.#held.shift();
        this.#start = 0;
      }
      promise.resolve(count);
    } else if (this.#end === "reset") {
      promise.reject(
        new Deno.errors.ConnectionReset("Connection reset by peer (os error 104)"),
      );
    } else if (this.#end === "ended") {
      promise.resolve(null);
    } else {
      return false;
    }
    this.#reading = null;
    return true;
  }
}

/** An end of a connection in memory. Made by {@linkcode memoryStreamPair}. */
export class MemoryStream implements NativeStream {
  /** Where it is: nowhere. */
  readonly localAddr: Deno.UnixAddr = { transport: "unix", path: "" };
  /** Where the other end is: nowhere, too. */
  readonly remoteAddr: Deno.UnixAddr = { transport: "unix", path: "" };
  readonly #incoming: Direction;
  readonly #outgoing: Direction;
  #closed = false;

  /** Made by {@linkcode memoryStreamPair}. */
  constructor(incoming: Direction, outgoing: Direction) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  /** Reads into a part of `into`; `null` at the end. One read at a time. */
  async read(into: Uint8Array): Promise<number | null> {
    this.#check();
    checkBytes(into, "read into");
    return await this.#incoming.read(into);
  }

  /** Writes a part of `data`; gives its length. One write at a time. */
  async write(data: Uint8Array): Promise<number> {
    this.#check();
    checkBytes(data, "write");
    return await this.#outgoing.write(data);
  }

  /** Ends the writing direction. */
  async closeWrite(): Promise<void> {
    this.#check();
    await null;
    this.#outgoing.finish();
  }

  /** Closes this end; the other one reads what was written, and then the end. */
  close(): void {
    this.#check();
    this.#closed = true;
    this.#outgoing.cancelWriting();
    if (this.#incoming.leave()) this.#outgoing.reset();
    else this.#outgoing.finish();
  }

  #check(): void {
    if (this.#closed) throw new Deno.errors.BadResource("Bad resource ID");
  }
}

/**
 * Two connected ends in memory, to be read and written like a `Deno.Conn`. For sockets of weft see `socketPair`.
 *
 * A task that waits on one is not noticed by the deadlock check: it cannot tell who might write.
 *
 * @example Messages that come apart
 * ```ts
 * import { memoryStreamPair } from "@weft/weft/testing";
 * const [a, b] = memoryStreamPair({ chunk: 2 });
 * await a.write(new TextEncoder().encode("hello"));
 * const lengths: (number | null)[] = [];
 * for (let i = 0; i < 3; i++) lengths.push(await b.read(new Uint8Array(100)));
 * if (lengths.join() !== "2,2,1") throw new Error(lengths.join());
 * a.close();
 * b.close();
 * ```
 *
 * @param options How much each direction holds, and how much a read brings.
 * @returns The two ends.
 * @throws {RangeError} If an option is not a whole number of at least 1, or `Infinity`.
 */
export function memoryStreamPair(
  options: MemoryStreamOptions = {},
): [MemoryStream, MemoryStream] {
  checkOptions(options, "memoryStreamPair()");
  const capacity = checkWhole(options.capacity ?? 1 << 16, "hold", "bytes", BOUND);
  const chunk = checkWhole(options.chunk ?? Infinity, "read", "bytes at once", BOUND);
  const [there, back] = [new Direction(capacity, chunk), new Direction(capacity, chunk)];
  return [new MemoryStream(back, there), new MemoryStream(there, back)];
}

/**
 * A ring of bytes in shared memory that holds packets, one after another.
 *
 * Only one thread at a time may write, and only one may read; the owner of the ring sees to that. The two
 * do not disturb each other: the writer moves the tail, the reader the head, each after the bytes are
 * in place or copied out. So what is not complete is never seen, whenever its writer dies.
 *
 * A packet is a word with its length and tag, an empty one, and its bytes, filled up to eight: shared
 * memory is copied ten times as fast when it is aligned like that (measured). The words never wrap around
 * the end of the ring, the bytes may.
 *
 * A ring may be made to grow, by a thread that holds both sides of it. Each thread reads its size before use.
 * Rejected: what does not fit being kept by the thread that puts (as Python's feeder does), because a
 * thread that blocks feeds nothing, and one that ends takes it along.
 */
import { checkWhole } from "../../kernel/checks.ts";
import { decode, isSound, type Packet, room, TAGS } from "./codec.ts";
import { NOT_YET } from "./gate.ts";
import { damaged } from "./region.ts";

/** Where the next packet is read and written, in bytes; both count on and wrap around at 2^32. */
const HEAD = 0;
const TAIL = 1;
/** How many packets were ever read and written, modulo 2^32. */
const READ = 2;
const WRITTEN = 3;
/** How many bytes it has. */
export const SIZE = 4;
/** 1 if it may grow. */
export const GROWS = 5;

/** What comes before the bytes of a packet. */
const HEAD_BYTES = 8;

/** How many words it takes besides its bytes. */
export const RING_WORDS = 6;

/** A value's length and its tag share a word. */
const MOST_VALUE = 2 ** 28 - 1;

/** The largest ring. */
export const MOST_BYTES: number = 1 << 27;

/** A ring that grows begins with so many bytes, and goes no further than that. */
const FIRST_BYTES = 1 << 16;
const GROWN_BYTES = 1 << 30;

/** How large a ring is, and how large it may become. */
export interface RingSize {
  /** Its bytes: a power of two. */
  readonly size: number;
  /** How many more it may have. */
  readonly growth: number;
}

/** A ring that is to hold at least so many bytes and never more; without a number, one that grows. */
export function ringSize(bytes: number | undefined): RingSize {
  if (bytes === undefined) return { size: FIRST_BYTES, growth: GROWN_BYTES - FIRST_BYTES };
  checkWhole(bytes, "make a ring of", "bytes", { least: 64, most: MOST_BYTES });
  return { size: 2 ** Math.ceil(Math.log2(bytes)), growth: 0 };
}

/** How much of a ring a value of some length takes. */
function spaceFor(length: number): number {
  return HEAD_BYTES + ((length + 7) & ~7);
}

/** One thread's view of a ring. */
export class Ring {
  readonly #memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #byteOffset: number;
  #size = 0;
  #bytes!: Uint8Array;
  #cells!: Int32Array;

  /** The ring whose words begin at `at`, and whose bytes begin at `byteOffset`. */
  constructor(words: Int32Array, at: number, byteOffset: number) {
    this.#memory = words.buffer as SharedArrayBuffer;
    this.#words = words;
    this.#at = at;
    this.#byteOffset = byteOffset;
    this.#view();
  }

  /** How many packets it holds. */
  get length(): number {
    const read = Atomics.load(this.#words, this.#at + READ);
    return (Atomics.load(this.#words, this.#at + WRITTEN) - read) | 0;
  }

  /** Whether it was made to grow. */
  get growing(): boolean {
    return this.#words[this.#at + GROWS] === 1;
  }

  /** How many bytes it has. */
  get size(): number {
    return this.#size;
  }

  /** How many of them are free. */
  get free(): number {
    return this.#size - this.#used;
  }

  /** The most bytes a value may take. */
  get most(): number {
    const growth = this.#memory.maxByteLength - this.#memory.byteLength;
    return Math.min(MOST_VALUE, this.#size + growth - HEAD_BYTES);
  }

  /** For the writer: whether there is room for a packet now. */
  fits({ bytes }: Packet): boolean {
    this.#view();
    return spaceFor(bytes.length) <= this.#size - this.#used;
  }

  /**
   * For a thread that may both write and read: makes room for a packet. The bytes keep their places in the
   * endless row that head and tail count, and so get others in the ring. Returns `false` if it may not
   * become so large.
   */
  grow({ bytes }: Packet): boolean {
    this.#view();
    const needed = this.#used + spaceFor(bytes.length);
    const size = 2 ** Math.ceil(Math.log2(needed));
    const more = size - this.#size;
    const memory = this.#memory;
    if (more > memory.maxByteLength - memory.byteLength) return false;
    const head = Atomics.load(this.#words, this.#at + HEAD);
    const old = this.#bytes.slice();
    try {
      memory.grow(memory.byteLength + more);
    } catch {
      return false; // the machine has no more
    }
    Atomics.store(this.#words, this.#at + SIZE, size);
    this.#view();
    for (let done = 0; done < old.length;) {
      const from = (head + done) & (old.length - 1);
      const to = (head + done) & (size - 1);
      const count = Math.min(old.length - from, old.length - done);
      this.#bytes.set(old.subarray(from, from + count), to);
      done += count;
    }
    return true;
  }

  /** For the writer: writes a packet that fits. */
  write({ tag, bytes }: Packet): void {
    const words = this.#words;
    const tail = words[this.#at + TAIL]!;
    const mask = this.#size - 1;
    this.#cells[(tail & mask) >>> 2] = bytes.length * TAGS + tag;
    const start = (tail + HEAD_BYTES) & mask;
    const first = Math.min(bytes.length, this.#size - start);
    if (first === bytes.length) {
      this.#bytes.set(bytes, start);
    } else {
      this.#bytes.set(bytes.subarray(0, first), start);
      this.#bytes.set(bytes.subarray(first), 0);
    }
    Atomics.store(words, this.#at + TAIL, (tail + spaceFor(bytes.length)) | 0);
    Atomics.add(words, this.#at + WRITTEN, 1);
  }

  /**
   * For the reader: takes the next packet's value.
   *
   * @throws {Error} If what stands there was written by no writer.
   */
  read(): unknown {
    this.#view();
    const words = this.#words;
    const head = words[this.#at + HEAD]!;
    const used = this.#used;
    if (used === 0) return NOT_YET;
    const mask = this.#size - 1;
    const cell = this.#cells[(head & mask) >>> 2]! >>> 0;
    const tag = cell % TAGS;
    const length = (cell - tag) / TAGS;
    if (spaceFor(length) > used || !isSound(tag, length)) throw damaged();
    const bytes = room(tag, length);
    const start = (head + HEAD_BYTES) & mask;
    const first = Math.min(length, this.#size - start);
    bytes.set(this.#bytes.subarray(start, start + first));
    if (first < length) bytes.set(this.#bytes.subarray(0, length - first), first);
    // Decoded before it is given up: what cannot be read stays, and says so each time.
    const value = decode(tag, bytes);
    Atomics.add(words, this.#at + READ, 1);
    Atomics.store(words, this.#at + HEAD, (head + spaceFor(length)) | 0);
    return value;
  }

  /** How many bytes are taken. */
  get #used(): number {
    const head = Atomics.load(this.#words, this.#at + HEAD);
    const used = (Atomics.load(this.#words, this.#at + TAIL) - head) >>> 0;
    if (used > this.#size || used % 8 !== 0) throw damaged();
    return used;
  }

  /** Sees the whole ring; it may have grown since. */
  #view(): void {
    const size = Atomics.load(this.#words, this.#at + SIZE);
    if (size === this.#size) return;
    const isWhole = size >= 64 && (size & (size - 1)) === 0 &&
      this.#byteOffset + size <= this.#memory.byteLength;
    if (!isWhole) throw damaged();
    this.#size = size;
    this.#bytes = new Uint8Array(this.#memory, this.#byteOffset, size);
    this.#cells = new Int32Array(this.#memory, this.#byteOffset, size / 4);
  }
}

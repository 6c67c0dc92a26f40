/**
 * A ring of bytes in shared memory that holds packets, one after another.
 *
 * Only one thread at a time may write, and only one may read; whoever has the ring sees to that. The two
 * do not disturb each other: the writer moves the tail, the reader the head, each after the bytes are
 * in place or copied out. So what is not complete is never seen, whenever its writer dies.
 *
 * A packet is a word with its length and tag, an empty one, and its bytes, filled up to eight: shared
 * memory is copied ten times as fast when it is aligned like that (measured). The words never wrap around
 * the end of the ring, the bytes may.
 */
import { checkWhole } from "../../kernel/checks.ts";
import { decode, type Packet, room, TAGS } from "./shared_codec.ts";
import { NOT_YET } from "./shared_gate.ts";

/** Where the next packet is read and written, in bytes; both count on and wrap around at 2^32. */
const HEAD = 0;
const TAIL = 1;
/** How many packets were ever read and written, modulo 2^32. */
const READ = 2;
const WRITTEN = 3;

/** What comes before the bytes of a packet. */
const HEAD_BYTES = 8;

/** How many words it takes besides its bytes. */
export const RING_WORDS = 4;

/** The largest ring. */
export const MOST_BYTES: number = 1 << 27;

/** The size of a ring that is to hold at least so many bytes: a power of two. */
export function ringSize(bytes: number): number {
  checkWhole(bytes, "make a ring of", "bytes", { least: 64, most: MOST_BYTES });
  return 2 ** Math.ceil(Math.log2(bytes));
}

/** How much of a ring a value of some length takes. */
function spaceFor(length: number): number {
  return HEAD_BYTES + ((length + 7) & ~7);
}

/** One thread's view of a ring. */
export class Ring {
  /** How many bytes it has. */
  readonly size: number;
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #bytes: Uint8Array;
  readonly #cells: Int32Array;

  /** The ring whose words begin at `at`, and whose `size` bytes begin at `byteOffset`. */
  constructor(words: Int32Array, at: number, byteOffset: number, size: number) {
    this.#words = words;
    this.#at = at;
    this.size = size;
    this.#bytes = new Uint8Array(words.buffer, byteOffset, size);
    this.#cells = new Int32Array(words.buffer, byteOffset, size / 4);
  }

  /** How many packets it holds. */
  get length(): number {
    const read = Atomics.load(this.#words, this.#at + READ);
    return (Atomics.load(this.#words, this.#at + WRITTEN) - read) | 0;
  }

  /** The most bytes a value may take. */
  get most(): number {
    return this.size - HEAD_BYTES;
  }

  /** For the writer: whether there is room for a packet now. */
  fits({ bytes }: Packet): boolean {
    const head = Atomics.load(this.#words, this.#at + HEAD);
    const used = (this.#words[this.#at + TAIL]! - head) >>> 0;
    return spaceFor(bytes.length) <= this.size - used;
  }

  /** For the writer: writes a packet that fits. */
  write({ tag, bytes }: Packet): void {
    const words = this.#words;
    const tail = words[this.#at + TAIL]!;
    const mask = this.size - 1;
    this.#cells[(tail & mask) >>> 2] = bytes.length * TAGS + tag;
    const start = (tail + HEAD_BYTES) & mask;
    const first = Math.min(bytes.length, this.size - start);
    if (first === bytes.length) {
      this.#bytes.set(bytes, start);
    } else {
      this.#bytes.set(bytes.subarray(0, first), start);
      this.#bytes.set(bytes.subarray(first), 0);
    }
    Atomics.store(words, this.#at + TAIL, (tail + spaceFor(bytes.length)) | 0);
    Atomics.add(words, this.#at + WRITTEN, 1);
  }

  /** For the reader: takes the next packet's value. */
  read(): unknown {
    const words = this.#words;
    const head = words[this.#at + HEAD]!;
    if (Atomics.load(words, this.#at + TAIL) === head) return NOT_YET;
    const mask = this.size - 1;
    const cell = this.#cells[(head & mask) >>> 2]! >>> 0;
    const tag = cell % TAGS;
    const length = (cell - tag) / TAGS;
    const bytes = room(tag, length);
    const start = (head + HEAD_BYTES) & mask;
    const first = Math.min(length, this.size - start);
    bytes.set(this.#bytes.subarray(start, start + first));
    if (first < length) bytes.set(this.#bytes.subarray(0, length - first), first);
    // Decoded before it is given up: what cannot be read stays, and says so each time.
    const value = decode(tag, bytes);
    Atomics.add(words, this.#at + READ, 1);
    Atomics.store(words, this.#at + HEAD, (head + spaceFor(length)) | 0);
    return value;
  }
}

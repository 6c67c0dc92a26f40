/**
 * Memory for bytes on their way: chunks that writers copy into, pieces that readers begin with, and slabs from
 * which readers' copies are cut.
 *
 * Chunks are shared by all writers. A native write reads its buffer when it runs, which may be long after
 * `send` has returned, so the caller's bytes must be copied. A new buffer per message would cost 0.4 µs
 * (measured); one kept per connection would cost ten thousand idle connections their memory. So they are
 * lent: a writer has one only while something of it is on its way.
 *
 * Pieces are shared by all readers, too. A native read needs its buffer for as long as it is pending, on an idle
 * connection for ever. An array of its own for each costs 0.9 µs and 2.3 KB (measured); a piece of a common block
 * takes no memory before bytes come, and one that is given back is lent again. A reader whose first read has
 * brought little goes on with a small piece: ten thousand connections that have said hello then hold 5 MB of
 * buffers, and not 20.
 *
 * A slab gives copies of small messages, cut one after another from one piece of memory. An array of its
 * own for each message costs 0.4 µs and more work for the garbage collector, a piece of a larger one 0.06
 * µs (measured). What is cut off is never used again, so a copy belongs to the caller that gets it; only
 * its `buffer` is shared, among the messages of one handle. A handle that has given out little holds
 * little: its first messages get arrays of their own, and the parts of a slab grow with use.
 */

/** What most messages fit in, in bytes. */
const SMALL = 2 << 10;
/** What the others are cut into, in bytes. */
export const LARGE: number = 32 << 10;
/**
 * How many free chunks of each size are kept when none is lent: 2 MiB and 8 MiB in all. A poll that finds 512 readers
 * sends 512 times before one write is out; a hundred peers that do not read hold 200 large ones by turns.
 */
const KEEP_SMALL = 1024;
const KEEP_LARGE = 256;

/** A lent buffer, and the part of it that is in use. */
export class Chunk {
  readonly bytes: Uint8Array;
  /** Where the part begins that has not been written yet. */
  start = 0;
  stop = 0;
  /** The chunk behind it. */
  next: Chunk | null = null;
  #view: Uint8Array | null = null;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** How many bytes more it can hold. */
  get room(): number {
    return this.bytes.length - this.stop;
  }

  /** What is to be written. Messages of one length get the same view again: making one costs 40 ns. */
  get view(): Uint8Array {
    const { start, stop } = this;
    const view = this.#view;
    if (view !== null && start === 0 && view.length === stop) return view;
    const fresh = this.bytes.subarray(start, stop);
    if (start === 0) this.#view = fresh;
    return fresh;
  }
}

/**
 * The chunks of one size. As many free ones are kept as are lent: hundreds of busy writers give back and
 * take all the time, and what they dropped would pile up faster than it is collected.
 */
class FreeChunks {
  readonly #size: number;
  readonly #keep: number;
  readonly #free: Chunk[] = [];
  #lent = 0;

  constructor(size: number, keep: number) {
    this.#size = size;
    this.#keep = keep;
  }

  lend(): Chunk {
    this.#lent++;
    return this.#free.pop() ?? new Chunk(this.#size);
  }

  lose(): void {
    this.#lent--;
  }

  giveBack(chunk: Chunk): void {
    this.#lent--;
    chunk.start = chunk.stop = 0;
    chunk.next = null;
    const most = Math.max(this.#keep, this.#lent);
    if (this.#free.length < most) this.#free.push(chunk);
    else if (this.#free.length > most) this.#free.pop();
  }
}

const small = new FreeChunks(SMALL, KEEP_SMALL);
const large = new FreeChunks(LARGE, KEEP_LARGE);

/** Lends an empty chunk, with room for `bytes` if that is not more than {@linkcode LARGE}. */
export function lend(bytes: number): Chunk {
  return bytes <= SMALL ? small.lend() : large.lend();
}

/** Takes a chunk back that nothing uses any more. */
export function giveBack(chunk: Chunk): void {
  (chunk.bytes.length === SMALL ? small : large).giveBack(chunk);
}

/** Counts a chunk as lost that the host may still be reading: it is left to the garbage collector. */
export function abandon(chunk: Chunk): void {
  (chunk.bytes.length === SMALL ? small : large).lose();
}

/** How long a piece is, in bytes: what most messages fit in. */
export const PIECE: number = SMALL;
/** How long a small one is: for who has got so little that a page of the host's memory does for eight of them. */
export const SMALL_PIECE: number = 512;
/** How long a block of pieces is: the host gives so large a one page by page, as it is written to. */
const BLOCK = 512 << 10;
/** How many pieces of each size that nobody uses are kept. */
const KEEP_PIECES = 1024;

/** The pieces of one size that nobody uses. */
class FreePieces {
  readonly #size: number;
  readonly #free: Uint8Array[] = [];
  #block = new Uint8Array(0);
  #used = 0;

  constructor(size: number) {
    this.#size = size;
  }

  lend(): Uint8Array {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#used === this.#block.length) {
      this.#block = new Uint8Array(BLOCK);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += this.#size;
    return this.#block.subarray(start, this.#used);
  }

  giveBack(piece: Uint8Array): void {
    if (this.#free.length < KEEP_PIECES) this.#free.push(piece);
  }
}

const pieces = new FreePieces(PIECE);
const smallPieces = new FreePieces(SMALL_PIECE);

/** A buffer of `size` bytes for a reader: lent, if it is a piece, holding whatever it held before. */
export function lendBuffer(size: number): Uint8Array {
  if (size === PIECE) return pieces.lend();
  return size === SMALL_PIECE ? smallPieces.lend() : new Uint8Array(size);
}

/** Takes a reader's buffer back that nothing uses any more: no native read, and nobody who was handed a part of it. */
export function giveBackBuffer(buffer: Uint8Array): void {
  if (buffer.length === PIECE) pieces.giveBack(buffer);
  else if (buffer.length === SMALL_PIECE) smallPieces.giveBack(buffer);
}

/** So many messages of a handle get arrays of their own. */
const FIRST_COPIES = 2;
/** The first part of a handle's slab, in bytes. */
const SMALLEST = 1 << 10;
/** The later ones. */
const LARGEST = 8 << 10;
/** What is longer than this gets an array of its own. */
const LONGEST = LARGEST >> 2;

/** Where copies are cut from. */
export class Slab {
  #bytes: Uint8Array | null = null;
  #used = 0;
  #size = SMALLEST;
  #copies = 0;
  /** The view on the last source, which is often asked for again. */
  #view: Uint8Array | null = null;
  #source: Uint8Array | null = null;
  #start = 0;

  /** Copies `count` bytes of `source`, from `start` on. */
  copy(source: Uint8Array, start: number, count: number): Uint8Array {
    if (count > LONGEST) return source.slice(start, start + count);
    const bytes = this.#bytes;
    const used = this.#used + count;
    // A part whose memory somebody has transferred away has no length any more.
    if (bytes === null || used > bytes.length) return this.#next(source, start, count);
    const copy = bytes.subarray(this.#used, used);
    this.#used = used;
    copy.set(this.#viewOf(source, start, count));
    return copy;
  }

  #next(source: Uint8Array, start: number, count: number): Uint8Array {
    if (this.#copies < FIRST_COPIES) {
      this.#copies++;
      return source.slice(start, start + count);
    }
    this.#bytes = new Uint8Array(Math.max(this.#size, count));
    this.#used = 0;
    if (this.#size < LARGEST) this.#size <<= 1;
    return this.copy(source, start, count);
  }

  #viewOf(source: Uint8Array, start: number, count: number): Uint8Array {
    const view = this.#view;
    if (
      view !== null && view.length === count && this.#source === source && this.#start === start
    ) {
      return view;
    }
    this.#source = source;
    this.#start = start;
    return this.#view = source.subarray(start, start + count);
  }
}

/**
 * The buffers that writers copy into, shared by all of them.
 *
 * A native write reads its buffer when it runs, which may be long after `send` has returned, so the
 * caller's bytes must be copied. A new buffer per message would cost 0.4 µs (measured); one kept
 * per connection would cost ten thousand idle connections their memory. So they are lent: a writer
 * has one only while something of it is on its way.
 */

/** What most messages fit in, in bytes. */
const SMALL = 2 << 10;
/** What the others are cut into, in bytes. */
export const LARGE: number = 32 << 10;
/** How many free chunks of each size are kept when none is lent: 2 MiB and 4 MiB in all. A poll that finds 512 readers sends 512 times before one write is out. */
const KEEP_SMALL = 1024;
const KEEP_LARGE = 128;

/** A lent buffer, and the part of it that is in use. */
export class Chunk {
  /** The buffer. */
  readonly bytes: Uint8Array;
  /** Where the part begins that has not been written yet. */
  start = 0;
  /** Where it ends. */
  stop = 0;
  /** The chunk behind it. */
  next: Chunk | null = null;
  #view: Uint8Array | null = null;

  /** A chunk of `size` bytes. */
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
class Shelf {
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

const small = new Shelf(SMALL, KEEP_SMALL);
const large = new Shelf(LARGE, KEEP_LARGE);

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

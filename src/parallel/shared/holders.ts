/**
 * Which threads have how many of something, and which of these threads are alive.
 *
 * One cell for each thread, with its number and its count in one word of 64 bits, so that a cell is never
 * seen half changed. A thread claims a cell that nobody has, or whose thread holds none any more, and keeps
 * it. Others take from its count, too: a thread that receives what was on its way to it.
 */
import type { ThreadId } from "../thread/thread_id.ts";

const COUNT_BITS = 32n;
const COUNT = (1n << COUNT_BITS) - 1n;

/** How many words it takes for so many threads. */
export function holdersWords(threads: number): number {
  return 2 * threads;
}

/** Notes who holds what. */
export class Holders {
  readonly #cells: BigInt64Array;
  /** The same by halves: counts at even places, numbers at odd ones, as on every machine that Deno runs on. */
  readonly #halves: Int32Array;
  readonly #thread: ThreadId;
  /** Where a holder was seen last that was alive. */
  #seen = 0;
  /** The cell that this thread had last. */
  #mine = 0;

  /** The notes that begin at `at`, an even place, for so many threads. */
  constructor(words: Int32Array, at: number, threads: number, thread: ThreadId) {
    this.#cells = new BigInt64Array(words.buffer, words.byteOffset + 4 * at, threads);
    this.#halves = new Int32Array(words.buffer, words.byteOffset + 4 * at, 2 * threads);
    this.#thread = thread;
  }

  /** Whether a thread that is alive holds some. */
  get held(): boolean {
    if (this.#isAlive(this.#seen)) return true;
    for (const i of this.#used()) {
      if (!this.#isAlive(i)) continue;
      this.#seen = i;
      return true;
    }
    return false;
  }

  /** This thread holds one more. Returns `false` if there is no cell left to note it in. */
  add(): boolean {
    const { number } = this.#thread;
    for (;;) {
      const i = this.#find(number) ?? this.#claimable();
      if (i === undefined) return false;
      const cell = Atomics.load(this.#cells, i);
      const count = numberIn(cell) === number ? countIn(cell) : 0;
      if (this.#replace(i, cell, cellOf(number, count + 1))) return true;
    }
  }

  /** A thread holds one less. Returns `false` if it has none. */
  remove(number: number = this.#thread.number): boolean {
    for (let i = this.#find(number); i !== undefined; i = this.#find(number)) {
      const cell = Atomics.load(this.#cells, i);
      if (numberIn(cell) !== number) continue;
      if (countIn(cell) === 0) return false;
      if (this.#replace(i, cell, cell - 1n)) return true;
    }
    return false;
  }

  /** Some thread holds one less, whichever that is. */
  removeAny(): void {
    for (const i of this.#used()) {
      const number = numberIn(Atomics.load(this.#cells, i));
      if (this.remove(number)) return;
    }
  }

  /** The number of a thread that holds some and has died. */
  findDead(): number | undefined {
    for (const i of this.#used()) {
      const cell = Atomics.load(this.#cells, i);
      if (countIn(cell) > 0 && !this.#thread.isAlive(numberIn(cell))) return numberIn(cell);
    }
    return undefined;
  }

  #isAlive(i: number): boolean {
    return Atomics.load(this.#halves, 2 * i) !== 0 &&
      this.#thread.isAlive(Atomics.load(this.#halves, 2 * i + 1));
  }

  #find(number: number): number | undefined {
    if (Atomics.load(this.#halves, 2 * this.#mine + 1) === number) return this.#mine;
    for (const i of this.#used()) {
      if (Atomics.load(this.#halves, 2 * i + 1) !== number) continue;
      if (number === this.#thread.number) this.#mine = i;
      return i;
    }
    return undefined;
  }

  /** A cell of one that holds none; failing that, of one that has died holding some. */
  #claimable(): number | undefined {
    let dead: number | undefined;
    for (let i = 0; i < this.#cells.length; i++) {
      if (countIn(Atomics.load(this.#cells, i)) === 0) return i;
      if (dead === undefined && !this.#isAlive(i)) dead = i;
    }
    return dead;
  }

  /** The cells that were ever claimed: the first ones, because they are never cleared. */
  *#used(): Generator<number> {
    for (let i = 0; i < this.#cells.length; i++) {
      if (Atomics.load(this.#cells, i) === 0n) return;
      yield i;
    }
  }

  #replace(i: number, before: bigint, after: bigint): boolean {
    return Atomics.compareExchange(this.#cells, i, before, after) === before;
  }
}

function cellOf(number: number, count: number): bigint {
  return (BigInt(number) << COUNT_BITS) | BigInt(count);
}

function numberIn(cell: bigint): number {
  return Number(cell >> COUNT_BITS);
}

function countIn(cell: bigint): number {
  return Number(cell & COUNT);
}

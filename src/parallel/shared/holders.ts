/**
 * Which threads have how many of something, and which of these threads are alive.
 *
 * One cell for each thread, with its number and its count, which are claimed together, as one word of 64 bits.
 * A thread claims a cell that nobody has, or that of a dead one, and keeps it; only when there is no other, one
 * of a living thread that holds none. Others take from its count, too: a thread that receives what was on its
 * way to it.
 *
 * To count, 32 bits are changed, because big integers take five times as long. So a thread changes the count
 * and then looks whether the cell is still the one it meant; if another has claimed it in between, it takes
 * that back. Rejected: to change all 64 bits each time (a bounded semaphore cost twice as much).
 */
import type { ThreadId } from "../thread/table.ts";

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
    for (let i = this.#find(number); i !== undefined; i = this.#find(number)) {
      Atomics.add(this.#halves, 2 * i, 1);
      if (Atomics.load(this.#halves, 2 * i + 1) === number) return true;
      Atomics.sub(this.#halves, 2 * i, 1); // a thread that found no other cell has claimed it in between
    }
    return this.#claim(number);
  }

  /** A thread holds one less. Returns `false` if it has none. */
  remove(number: number = this.#thread.number): boolean {
    const halves = this.#halves;
    for (let i = this.#find(number); i !== undefined; i = this.#find(number)) {
      const count = Atomics.load(halves, 2 * i);
      if (count > 0 && Atomics.compareExchange(halves, 2 * i, count, count - 1) !== count) continue;
      if (Atomics.load(halves, 2 * i + 1) === number) return count > 0;
      if (count > 0) Atomics.add(halves, 2 * i, 1); // the same
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

  /** Notes the first that a thread holds, in a cell of its own. Returns `false` if there is none. */
  #claim(number: number): boolean {
    for (;;) {
      const i = this.#claimable();
      if (i === undefined) return false;
      const cell = Atomics.load(this.#cells, i);
      // One that a thread holds something in again is left to it.
      if (countIn(cell) > 0 && this.#thread.isAlive(numberIn(cell))) continue;
      const claimed = cellOf(number, 1);
      if (Atomics.compareExchange(this.#cells, i, cell, claimed) !== cell) continue;
      this.#mine = i;
      return true;
    }
  }

  /** The best cell there is: of no thread, or of a dead one; of a living one that holds none; of one that died holding some. */
  #claimable(): number | undefined {
    let idle: number | undefined;
    let dead: number | undefined;
    for (let i = 0; i < this.#cells.length; i++) {
      const cell = Atomics.load(this.#cells, i);
      if (cell === 0n) return i;
      const isAlive = this.#thread.isAlive(numberIn(cell));
      if (countIn(cell) > 0) {
        if (!isAlive) dead ??= i;
      } else if (isAlive) {
        idle ??= i;
      } else {
        return i;
      }
    }
    return idle ?? dead;
  }

  /** The cells that were ever claimed: the first ones, because they are never cleared. */
  *#used(): Generator<number> {
    for (let i = 0; i < this.#cells.length; i++) {
      if (Atomics.load(this.#cells, i) === 0n) return;
      yield i;
    }
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

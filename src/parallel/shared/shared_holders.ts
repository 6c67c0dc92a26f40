/**
 * Which threads hold how many of something.
 *
 * Entries of two words, a thread's number and a count. A thread claims an entry by writing its number
 * where there is none, and keeps it. When all are taken, a thread goes unnoted: then its death is not
 * noticed, and nothing worse happens.
 */
import type { Party } from "./shared_party.ts";

/** How many threads are noted at a time. */
const ENTRIES = 62;

/** How many words it takes. */
export const HOLDERS_WORDS: number = 2 * ENTRIES;

/** Notes who holds what. */
export class Holders {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #party: Party;

  /** The notes that begin at `at`. */
  constructor(words: Int32Array, at: number, party: Party) {
    this.#words = words;
    this.#at = at;
    this.#party = party;
  }

  /** This thread holds one more. */
  add(): void {
    const at = this.#find(this.#party.number) ?? this.#claim();
    if (at === undefined) return;
    Atomics.add(this.#words, at + 1, 1);
    this.#party.locks++;
  }

  /** One is given back: one of this thread's, or else of any. */
  remove(): void {
    const mine = this.#find(this.#party.number);
    if (mine !== undefined && this.#decrement(mine)) {
      this.#party.locks--;
      return;
    }
    for (let at = this.#any(); at !== undefined && !this.#decrement(at); at = this.#any());
  }

  /** The number of a thread that holds some and has died. */
  findDead(): number | undefined {
    for (let at = this.#at; at < this.#at + HOLDERS_WORDS; at += 2) {
      const number = Atomics.load(this.#words, at);
      if (number === 0 || Atomics.load(this.#words, at + 1) <= 0) continue;
      if (!this.#party.isAlive(number)) return number;
    }
    return undefined;
  }

  #find(number: number): number | undefined {
    for (let at = this.#at; at < this.#at + HOLDERS_WORDS; at += 2) {
      if (Atomics.load(this.#words, at) === number) return at;
    }
    return undefined;
  }

  /** An entry nobody has, or one of a thread that has died and held nothing. */
  #claim(): number | undefined {
    for (let at = this.#at; at < this.#at + HOLDERS_WORDS; at += 2) {
      const number = Atomics.load(this.#words, at);
      const taken = number !== 0 &&
        (Atomics.load(this.#words, at + 1) > 0 || this.#party.isAlive(number));
      if (taken) continue;
      const { number: mine } = this.#party;
      if (Atomics.compareExchange(this.#words, at, number, mine) === number) return at;
    }
    return undefined;
  }

  #any(): number | undefined {
    for (let at = this.#at; at < this.#at + HOLDERS_WORDS; at += 2) {
      if (Atomics.load(this.#words, at + 1) > 0) return at;
    }
    return undefined;
  }

  #decrement(at: number): boolean {
    const count = Atomics.load(this.#words, at + 1);
    if (count <= 0) return false;
    return Atomics.compareExchange(this.#words, at + 1, count, count - 1) === count;
  }
}

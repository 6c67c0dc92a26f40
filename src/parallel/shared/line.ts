/**
 * A line of those who wait to be notified, in shared memory.
 *
 * Each has a place with the number of its thread, and later a sign that it was notified; who came first
 * says a number that counts up. Rejected: a count of notifications to be taken, because a thread that comes
 * later may take what was meant for others; and a ring of places, because one who waits for long would
 * keep all behind it from being used again.
 */
import type { ThreadId } from "../thread/thread_id.ts";

/** How many can wait at a time. */
export const PLACES = 1024;

/** The number of the next stay; and how many places are looked at: those behind are empty. */
const TICKET = 0;
const USED = 1;
const FIRST = 2;

/** The words of a place: who is there, and the number of the stay, which tells who came first. */
const WHO = 0;
const STAY = 1;
const PLACE_WORDS = 2;

/** How many words the line takes. */
export const LINE_WORDS: number = FIRST + PLACES * PLACE_WORDS;

/** Who is there: nobody; or one that was notified and has not gone yet; or the number of a waiting thread. */
const EMPTY = 0;
const NOTIFIED = -1;

/** One stay in the line. */
export class Place {
  readonly #words: Int32Array;
  readonly #at: number;
  #left = false;

  /** The stay whose words begin at `at`. */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Leaves if it was notified. Returns whether it was. */
  pass(): boolean {
    return !this.#left && Atomics.load(this.#words, this.#at) === NOTIFIED && this.leave();
  }

  /** Leaves. Returns whether it had been notified; `false` if it had left before. */
  leave(): boolean {
    if (this.#left) return false;
    this.#left = true;
    return Atomics.exchange(this.#words, this.#at, EMPTY) === NOTIFIED;
  }
}

/** The line; only the holder of the lock enters it or notifies, but anybody leaves. */
export class Line {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;

  /** The line whose words begin at `at`. */
  constructor(words: Int32Array, at: number, thread: ThreadId) {
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
  }

  /** A place at the end of the line; `undefined` if all are taken. */
  enter(): Place | undefined {
    const words = this.#words;
    for (let i = 0; i < PLACES; i++) {
      const at = this.#at + FIRST + i * PLACE_WORDS;
      if (Atomics.load(words, at + WHO) !== EMPTY) continue;
      words[at + STAY] = words[this.#at + TICKET]!++;
      Atomics.store(words, at + WHO, this.#thread.number);
      words[this.#at + USED] = Math.max(words[this.#at + USED]!, i + 1);
      return new Place(words, at + WHO);
    }
    return undefined;
  }

  /** Notifies those who came first. Returns how many. */
  notify(count: number): number {
    const words = this.#words;
    let told = 0;
    for (const at of this.#waiting()) {
      if (told >= count) break;
      const who = Atomics.load(words, at);
      const sign = this.#thread.isAlive(who) ? NOTIFIED : EMPTY;
      const isStillThere = who > 0 && Atomics.compareExchange(words, at, who, sign) === who;
      if (isStillThere && sign === NOTIFIED) told++;
    }
    return told;
  }

  /** The places where somebody waits, in the order in which they came. */
  #waiting(): number[] {
    const words = this.#words;
    const places: number[] = [];
    let used = 0;
    const most = Math.min(words[this.#at + USED]!, PLACES);
    for (let i = 0; i < most; i++) {
      const at = this.#at + FIRST + i * PLACE_WORDS;
      const who = Atomics.load(words, at);
      if (who !== EMPTY) used = i + 1;
      if (who > 0) places.push(at);
    }
    words[this.#at + USED] = used;
    return places.sort((a, b) => (words[a + STAY]! - words[b + STAY]!) | 0);
  }
}

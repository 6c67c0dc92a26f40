/**
 * How many jobs a node holds: `concurrency` while jobs are slow, so that what it could not begin soon is
 * left for other nodes, and some 20 ms of work when they are tiny, so that it does not wait for the server
 * after each. The same depth bounds the pool and, for each class, the buffer.
 */

/** How much work a node takes ahead, in seconds. */
const AHEAD_S = 0.02;
/** It never holds more jobs of a class, nor has more in its pool. */
const MOST_HELD = 1024;
/** So often its rate is to be measured, in milliseconds. */
export const LOOK_MS = 100;
/** How much of the old rate is left after each look. */
const FADE = 0.7;

/** How fast a node gets jobs done, and how many it takes for that. */
export class Pace {
  /** How many slow jobs it takes at a time. */
  readonly concurrency: number;
  #rate = 0;
  #doneBefore = 0;

  /** Nothing is done yet. */
  constructor(concurrency: number) {
    this.concurrency = Math.min(concurrency, MOST_HELD);
  }

  /** Jobs done per second, lately. */
  get rate(): number {
    return Math.round(this.#rate * 10) / 10;
  }

  /** How many jobs of a class it may hold, and how many its pool may have. */
  get depth(): number {
    return Math.min(MOST_HELD, Math.max(this.concurrency, Math.ceil(this.#rate * AHEAD_S)));
  }

  /** Measures the rate: so many jobs are done by now. To be called every {@linkcode LOOK_MS}. */
  look(done: number): void {
    const now = (done - this.#doneBefore) * 1000 / LOOK_MS;
    this.#doneBefore = done;
    this.#rate = this.#rate * FADE + now * (1 - FADE);
  }
}

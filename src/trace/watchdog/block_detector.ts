/**
 * How a watchdog judges what it sees: a pure function of its looks, so that time can be played in tests.
 *
 * A step is blocking when look after look finds the same word in the shared memory. The time is counted from
 * look to look, and a look that comes late counts as two periods at most: when the whole process stood
 * still (a laptop's lid, a debugger, a machine with no time for us), that was no task's doing.
 *
 * Rejected: the time at which a step began, written by the main thread. It costs a clock reading a
 * step, two threads' clocks have to be compared, and a sleep of the machine looks like a block.
 */
import { NO_SLOT, slotOf } from "./watch_memory.ts";

/** Lines are counted per so many milliseconds. */
const WINDOW_MS = 60_000;

/** The result of a look. */
export type Verdict =
  /** Nothing to say. */
  | { readonly kind: "calm" }
  /** The same step for so long: to be flagged, and told if `tell`. */
  | { readonly kind: "blocked"; readonly ms: number; readonly tell: boolean }
  /** The block that was told of is over; it lasted so long. */
  | { readonly kind: "over"; readonly ms: number };

const calm: Verdict = { kind: "calm" };

/** The time between two looks for a threshold, in milliseconds: a quarter of it. */
export function lookEvery(threshold: number): number {
  return Math.min(Math.max(threshold / 4, 1), 250);
}

/** Watches one main thread. */
export class BlockDetector {
  readonly #threshold: number;
  readonly #period: number;
  #step: number = NO_SLOT;
  #ms = 0;
  #tellAt: number;
  #told = false;

  /** A watch that speaks up when a step takes `threshold` milliseconds. */
  constructor(threshold: number) {
    this.#threshold = threshold;
    this.#period = lookEvery(threshold);
    this.#tellAt = threshold;
  }

  /**
   * Takes a look.
   *
   * @param passed How long ago the last one was, in milliseconds.
   * @param step The word of what goes on.
   * @param away How many tasks are out in a foreign `await`. Their code runs outside of steps; for them
   *   the main thread's alarm keeps the word changing, once a period.
   */
  look(passed: number, step: number, away: number): Verdict {
    if (step !== this.#step) return this.#changed(step);
    const inStep = slotOf(step) !== NO_SLOT;
    if (!inStep && away === 0) return calm;
    this.#ms += Math.min(passed, 2 * this.#period);
    // Without a step, the word may have been as it is for a period before anything blocked.
    const ms = inStep ? this.#ms : this.#ms - this.#period;
    if (ms < this.#threshold) return calm;
    const tell = ms >= this.#tellAt;
    if (tell) {
      this.#told = true;
      while (this.#tellAt <= ms) this.#tellAt *= 2;
    }
    return { kind: "blocked", ms, tell };
  }

  #changed(step: number): Verdict {
    const ms = slotOf(this.#step) === NO_SLOT ? this.#ms - this.#period : this.#ms;
    const told = this.#told;
    this.#step = step;
    this.#ms = 0;
    this.#tellAt = this.#threshold;
    this.#told = false;
    return told ? { kind: "over", ms } : calm;
  }
}

/** So many lines a minute, and a count of those that were not let through. */
export class LineLimit {
  readonly #most: number;
  #left: number;
  #dropped = 0;
  #age = 0;

  /** Lets `most` lines through in a minute. */
  constructor(most: number) {
    this.#most = most;
    this.#left = most;
  }

  /** Lets time pass. Returns how many lines were dropped in a minute that has just ended, else 0. */
  pass(ms: number): number {
    this.#age += ms;
    if (this.#age < WINDOW_MS) return 0;
    const dropped = this.#dropped;
    this.#age = this.#dropped = 0;
    this.#left = this.#most;
    return dropped;
  }

  /** Whether another line may be written. */
  take(): boolean {
    if (this.#left === 0) {
      this.#dropped++;
      return false;
    }
    this.#left--;
    return true;
  }
}

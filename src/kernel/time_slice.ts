/**
 * The slice of time in which steps may keep the host waiting, and when to look at the clock for it.
 *
 * Reading the clock costs as much as three steps; so it is read every few steps, the fewer the longer they
 * take. In exact time the looks come after a fixed number of steps, whatever the machine's clock says.
 */
import type { Clock } from "./clock.ts";

/** How long a burst of steps may keep the host waiting, in milliseconds. */
const SLICE_MS = 2;
/** Between two looks at the clock there should pass about this long, in milliseconds. */
const LOOK_MS = 0.1;
/** And never more than this many steps. */
export const MOST_STEPS = 64;

/** One slice after the other. */
export class TimeSlice {
  /** How many steps there are until the next look. */
  stepsLeft = 0;
  readonly #clock: Clock;
  #stride: number;
  #lookedAt = 0;
  #end = 0;

  /** A slice that has not begun; with `eachStep`, every step is followed by a look. */
  constructor(clock: Clock, eachStep: boolean) {
    this.#clock = clock;
    this.#stride = eachStep ? 1 : MOST_STEPS;
  }

  /** Begins a slice. In exact time it goes on with the count of steps, which a pause must not shift. */
  begin(): void {
    this.#lookedAt = this.#clock.wall();
    this.#end = this.#lookedAt + SLICE_MS;
    if (!this.#clock.exact) this.stepsLeft = this.#stride;
  }

  /** Reads the clock, sets how many steps there are until the next look, and says if the slice is over. */
  look(): boolean {
    const now = this.#clock.wall();
    if (!this.#clock.exact) {
      const passed = Math.max(now - this.#lookedAt, 1e-3);
      this.#stride = Math.min(MOST_STEPS, Math.max(1, Math.floor(this.#stride * LOOK_MS / passed)));
      this.#lookedAt = now;
    }
    this.stepsLeft = this.#stride;
    return now >= this.#end;
  }

  /** Whether it still lasts, asked within a step; if not, a look is due after it. In exact time it does. */
  lasts(): boolean {
    if (this.#clock.exact || this.#clock.wall() < this.#end) return true;
    this.stepsLeft = 0;
    return false;
  }
}

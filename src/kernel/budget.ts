/**
 * What keeps a run from starving others: the budget of a step, and the slice of time of a burst of steps.
 *
 * The budget: how many operations that need not wait a task may do before others have a turn.
 * To go to the back of the ready queue for a lock that is free costs more than the lock, and lets others in
 * who gain nothing by it. But a loop over such operations would starve everybody. So a step has a budget, as
 * in tokio: so many operations, and no longer than the slice lasts. Whatever does wait begins anew.
 *
 * The clock is read after 16 operations, and not after 32, when the budget is used up anyway: that costs as much as
 * an operation. Once a task was found to overdraw its slice, because it computes for long between two of them, it
 * is read after each of the next ones: so the second time it overdraws by one.
 *
 * A run whose interleavings are to be seen or replayed (a seed, a policy, steps by hand) has no budget: there
 * every operation is a schedule point.
 *
 * The slice: how long steps may keep the host waiting. Reading the clock costs as much as three steps; so it
 * is read every few steps, the fewer the longer they take. In exact time the looks come after a fixed number
 * of steps, whatever the machine's clock says.
 */
import type { Clock } from "./clock.ts";
import type { CancelScope } from "./scope.ts";

/** How many operations a step may do at once. */
export const BUDGET = 32;

/** The step that runs just now; there is only one at a time, whatever run it belongs to. */
export const spent: {
  /** How much of {@linkcode BUDGET} is gone. */
  operations: number;
  /** After how many operations to come the clock is read each time. */
  closely: number;
} = { operations: BUDGET, closely: 0 };

/** A run, as a step asks it for more. */
export interface BudgetHost {
  /** Whether steps of this run have a budget at all. */
  readonly hasBudget: boolean;
  /** Whether the slice still lasts. */
  inSlice(): boolean;
}

/** Whether code that runs in `scope` may do one more operation without a turn, if that need not wait. */
export function mayGoOn(scope: CancelScope): boolean {
  const operations = ++spent.operations;
  if (operations > BUDGET) return false;
  if (((operations & 15) !== 0 || operations === BUDGET) && spent.closely === 0) return true;
  const inSlice = scope.task.host.inSlice();
  if (!inSlice) spent.closely = BUDGET;
  else if (spent.closely > 0) spent.closely--;
  return inSlice;
}

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

  /** Counts one more step, unless a look is due after this one. */
  goesOn(): boolean {
    if (this.stepsLeft <= 1) return false;
    this.stepsLeft--;
    return true;
  }

  /** Whether it still lasts, asked within a step; if not, a look is due after it. In exact time it does. */
  lasts(): boolean {
    if (this.#clock.exact || this.#clock.wall() < this.#end) return true;
    this.stepsLeft = 0;
    return false;
  }
}

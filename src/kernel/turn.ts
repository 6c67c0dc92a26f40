/**
 * How long a turn lasts: the budget of a step, the slice of time of a burst of steps, and the turn that is lent to
 * async code. Each of them keeps a run from starving others.
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
 *
 * The lent turn: async code goes on in microtasks, and gives the turn back at its next checkpoint. Should it go off
 * into a foreign `await`, no checkpoint comes. So after a few microtasks the host loop is asked to turn once: then no
 * microtask is left, a task that still has the turn is in a foreign `await`, and the turn is taken back.
 */
import type { Clock } from "./clock.ts";
import type { CancelScope } from "./scope.ts";
import type { Task } from "./task.ts";

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
  /** 0 until the clock has been read. */
  #end = 0;

  /** A slice that has not begun; with `eachStep`, every step is followed by a look. */
  constructor(clock: Clock, eachStep: boolean) {
    this.#clock = clock;
    this.#stride = eachStep ? 1 : MOST_STEPS;
  }

  /**
   * Begins a slice. In exact time it goes on with the count of steps, which a pause must not shift. The clock is
   * read at the first look only: a server sleeps after a few steps, and need not know the time for each message.
   */
  begin(): void {
    this.#end = 0;
    if (!this.#clock.exact) this.stepsLeft = this.#stride;
  }

  /** Reads the clock, sets how many steps there are until the next look, and says if the slice is over. */
  look(): boolean {
    const now = this.#clock.wall();
    if (this.#end === 0) {
      this.#end = now + SLICE_MS;
      this.#lookedAt = now;
      // How long steps take now is to be found out soon.
      this.stepsLeft = this.#clock.exact ? this.#stride : this.#stride = 1;
      return false;
    }
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
    if (this.#clock.exact) return true;
    const now = this.#clock.wall();
    if (this.#end === 0) {
      this.#end = now + SLICE_MS;
      this.#lookedAt = now;
    }
    if (now < this.#end) return true;
    this.stepsLeft = 0;
    return false;
  }
}

/**
 * How many waits of a run the host may end: those that may never end, and those that are bound to. A task
 * in a foreign `await` is one of the latter.
 */
export interface HostWaits {
  /** Accepts, reads, signals: they may stay for ever. */
  readonly open: number;
  /** Writes, connects, promises, jobs: something will come of them. */
  readonly bound: number;
}

/** Async code that has not reached a checkpoint after this many microtasks is watched for leaving. */
const MICROTASKS_TO_WATCH = 6;

/** A turn that is handed on from task to task is looked after so often: each look is a microtask more. */
const MOST_HANDED_ON = 8;

/** Waiting for the turn of one run to come back, and which tasks are in a foreign `await`. */
export class LentTurn {
  /** How many tasks are in a foreign `await`. */
  foreignAwaits = 0;
  /** How many waits the host may end; those tasks are counted among the bound ones. */
  readonly hostWaits: { -readonly [K in keyof HostWaits]: number } = { open: 0, bound: 0 };
  readonly #clock: Clock;
  readonly #holder: () => Task | null;
  readonly #takeFrom: (task: Task) => void;
  /** Whether the host loop has been asked to turn: one such request serves all who have the turn until then. */
  #isWatched = false;
  /** Ends the loop's wait for the turn. */
  #returned: (() => void) | null = null;

  /**
   * A turn that nobody has.
   *
   * @param clock Lets the host loop turn.
   * @param holder Tells which task has the turn: the scheduler's loop asks for that at each step, and keeps it.
   * @param takeFrom Takes the turn from a task, whose step is over.
   */
  constructor(clock: Clock, holder: () => Task | null, takeFrom: (task: Task) => void) {
    this.#clock = clock;
    this.#holder = holder;
    this.#takeFrom = takeFrom;
  }

  /** Waits until the turn was given back, or could be taken back. */
  async back(): Promise<void> {
    let watched = this.#holder();
    let handedOn = 0;
    for (let hops = 0; hops < MICROTASKS_TO_WATCH && !this.#isWatched; hops++) {
      await null;
      const holder = this.#holder();
      if (holder === null) return;
      if (holder !== watched && ++handedOn < MOST_HANDED_ON) hops = 0;
      watched = holder;
    }
    const returned = new Promise<void>((resolve) => {
      this.#returned = resolve;
    });
    if (!this.#isWatched) {
      this.#isWatched = true;
      this.#clock.hop(false).then(() => this.#takeBack());
    }
    await returned;
  }

  /** Lets the loop go on. */
  giveBack(): void {
    const returned = this.#returned;
    this.#returned = null;
    returned?.();
  }

  /**
   * Notes whether async code of a task is in a foreign `await`. It counts as the host's, which is bound to let
   * it go on, unless the task has waits of its own beside: then it may be in a `Promise.all` of just these.
   */
  noteForeignAwait(task: Task, isIn: boolean): void {
    const asyncSide = task.asyncSide!;
    if (asyncSide.inForeignAwait !== isIn) this.foreignAwaits += isIn ? 1 : -1;
    const isBound = isIn && !task.isBystander && !task.waits.some((wait) => wait.isLeaf);
    if (asyncSide.isBound !== isBound) this.hostWaits.bound += isBound ? 1 : -1;
    asyncSide.inForeignAwait = isIn;
    asyncSide.isBound = isBound;
  }

  #takeBack(): void {
    this.#isWatched = false;
    const task = this.#holder();
    if (task === null) return; // it reached a checkpoint before the host loop had turned
    this.noteForeignAwait(task, true);
    this.#takeFrom(task);
    this.giveBack();
  }
}

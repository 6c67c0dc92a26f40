/**
 * The turn of a run, while it is lent to async code of a task.
 *
 * The code goes on in microtasks, and gives the turn back at its next checkpoint. Should it go off into a
 * foreign `await`, no checkpoint comes. So after a few microtasks the host loop is asked to turn once: then no
 * microtask is left, a task that still has the turn is in a foreign `await`, and the turn is taken back.
 */
import type { Clock, HostWaits } from "./clock.ts";
import { leafWaits } from "./report.ts";
import type { Task } from "./task.ts";

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
    const { asyncSide } = task;
    if (asyncSide.inForeignAwait !== isIn) this.foreignAwaits += isIn ? 1 : -1;
    const isBound = isIn && !task.isBystander && leafWaits(task).length === 0;
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

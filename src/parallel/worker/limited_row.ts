/**
 * A row of short jobs that are called under one time limit.
 *
 * The host starts a thread for each script with a limit, which costs as much as a hundred tiny jobs. So jobs
 * that have been short so far share a script for half a millisecond. Its limit is longer than theirs by as much:
 * one that begins last in the row still has all its time, and one that begins first has a little more.
 *
 * The script may be interrupted between any two calls of this code, too, should the system have stopped the
 * thread for so long. So each step leaves behind what tells how far the row has come. What a job returned is
 * only put aside: to look at it might run code of its own, and a send that is cut off cannot be resumed.
 */
import { threadLocks } from "../thread/table.ts";
import { callWord, claimWord } from "../thread/wire.ts";
import { enterJob } from "./current_job.ts";

/** For so long a row goes on, in milliseconds. */
export const ROW_MS = 0.5;

/** The batch that a row is part of. */
export interface RowBatch {
  /** The words shared with the pool. */
  readonly words: Int32Array;
  /** Its number. */
  readonly slot: number;
  /** How many jobs it has. */
  readonly count: number;
  /** Calls the job at some index. */
  readonly call: (index: number) => unknown;
}

/** Where the last job of a row stands: claimed, called, or what became of it. */
export type RowState = "claimed" | "called" | "returned" | "threw";

/** Calls one job after another. */
export class LimitedRow {
  /** What jobs returned, in order: primitive values. That of the last may be missing. */
  readonly values: unknown[] = [];
  /** The last job that was claimed. */
  index: number;
  /** How far that has come. */
  state: RowState = "claimed";
  /** What it returned or threw. */
  result: unknown = undefined;
  /** When it was called. */
  began = 0;
  /** How many shared locks this thread had then. */
  locks = 0;
  readonly #batch: RowBatch;

  /** A row that begins with the job at `index`, which has been claimed. */
  constructor(batch: RowBatch, index: number) {
    this.#batch = batch;
    this.index = index;
  }

  /** Goes on until its time is over, nothing is left, or a job comes to what has to be looked at. */
  run(): void {
    const { words, slot, count, call } = this.#batch;
    const claim = claimWord(slot);
    const called = callWord(slot);
    const end = (this.began = performance.now()) + ROW_MS;
    for (;;) {
      const { index } = this;
      enterJob(words, slot, index);
      this.locks = threadLocks.held;
      // From now on its time runs, and the pool is its judge if this thread cannot be.
      Atomics.store(words, called, index + 1);
      this.state = "called";
      try {
        this.result = call(index);
        this.state = "returned";
      } catch (error) {
        this.result = error;
        this.state = "threw";
      }
      if (this.state === "threw" || (typeof this.result === "object" && this.result !== null)) {
        return;
      }
      const now = performance.now();
      if (now >= end) return;
      // Nothing is called from here to the next state, so nothing is interrupted.
      const next = Atomics.add(words, claim, 1);
      if (next >= count) return;
      this.values[this.values.length] = this.result;
      this.index = next;
      this.state = "claimed";
      this.began = now;
    }
  }
}

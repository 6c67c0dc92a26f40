/**
 * How long a worker gets to answer for a job that should be over.
 *
 * One that does not answer in time is given up. A task is no reason for that as long as its worker hears:
 * then it cleans up, or is stubborn, and its neighbours go on; its future is settled all the same.
 */
import { TimeoutError } from "../../kernel/errors.ts";
import type { Batch, BatchCarrier } from "./batch.ts";
import type { Watch } from "./watch.ts";
import { at } from "./wire.ts";

/** An answer may have come and not been read, if this thread was busy when the time was up. */
const READ_MS = 1;

/** Waits for answers. */
export class Patience {
  readonly #grace: number;
  readonly #watch: Watch;
  readonly #giveUp: (carrier: BatchCarrier, cause: Error) => void;

  /** Waits for `grace` beyond the time that a job has; `giveUp` is called for a worker that is late. */
  constructor(
    grace: number,
    watch: Watch,
    giveUp: (carrier: BatchCarrier, cause: Error) => void,
  ) {
    this.#grace = grace;
    this.#watch = watch;
    this.#giveUp = giveUp;
  }

  /** The job was told to stop: its worker is given up if it does not. */
  toldToStop(batch: Batch, index: number): void {
    this.#after(this.#grace, batch, index, () => {
      if (!batch.heard) this.#late(batch, index);
    });
  }

  /** A job with a time limit waits for something. Should it compute on after that, only we can tell. */
  isWaiting(batch: Batch, index: number): void {
    const limit = at(batch.content.limits, index);
    const late = new TimeoutError(limit, `job "${batch.kindAt(index).name}"`);
    this.#after(limit + this.#grace, batch, index, () => {
      batch.failAt(index, late);
      if (!batch.isTask) return this.#late(batch, index);
      batch.signal(index, late);
      this.toldToStop(batch, index);
    });
  }

  #late(batch: Batch, index: number): void {
    const { name } = batch.kindAt(index);
    this.#giveUp(
      batch.carrier!,
      new Error(`job "${name}" did not stop in time, so it was given up`),
    );
  }

  #after(ms: number, batch: Batch, index: number, act: () => void): void {
    const { carrier } = batch;
    this.#watch.in(ms, () =>
      this.#watch.in(READ_MS, () => {
        if (batch.carrier === carrier && batch.answered <= index && batch.owed > 0) act();
      }));
  }
}

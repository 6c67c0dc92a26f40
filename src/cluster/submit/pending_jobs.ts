/**
 * Jobs that wait on this side: a line for each class, and one for each order; and the bound on them, which
 * those who ask keep, since `submit` never waits.
 *
 * A job that is cancelled in a line is only marked, and passed over when its turn comes.
 */
import { Deque } from "../../internal/deque.ts";
import { WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import type { JobClass } from "../wire/names.ts";
import type { ClusterJob } from "./cluster_job.ts";

/** Jobs of one submitter that wait. */
export class PendingJobs {
  readonly #name: string;
  readonly #bound: number;
  readonly #classes: Record<JobClass, Deque<ClusterJob>> = {
    high: new Deque(),
    normal: new Deque(),
    low: new Deque(),
  };
  /** For each word, those behind the one that is under way. */
  readonly #orders = new Map<string, Deque<ClusterJob>>();
  /** Those who wait for room. */
  readonly #waits: WaitQueue<void>;
  #waiting = 0;
  /** Why there will never be room; `null` as long as there may be. */
  #end: Error | null = null;

  /** None yet, for the submitter of this name; so many should wait at most. */
  constructor(name: string, bound: number) {
    this.#name = name;
    this.#bound = bound;
    this.#waits = new WaitQueue({ toString: () => name }, "ready", "bound");
  }

  /** How many jobs wait, in either kind of line. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Puts a job at the back, or behind the one before it in its order. */
  add(job: ClusterJob): void {
    this.#waiting++;
    const { order } = job.terms;
    const before = order === null ? undefined : this.#orders.get(order);
    if (before !== undefined) {
      job.stage = "held";
      before.push(job);
      return;
    }
    if (order !== null) this.#orders.set(order, new Deque());
    this.#classes[job.jobClass].push(job);
  }

  /** Takes the first of the most urgent class that is not over. */
  take(): ClusterJob | null {
    for (const line of [this.#classes.high, this.#classes.normal, this.#classes.low]) {
      while (line.size > 0) {
        const job = line.shift()!;
        if (!job.done) {
          this.#waiting--;
          return job;
        }
      }
    }
    return null;
  }

  /** A waiting job was cancelled. */
  forget(): void {
    this.#waiting--;
  }

  /** A job that was not held has ended: the next of its order may go. */
  ended(job: ClusterJob): void {
    const { order } = job.terms;
    const behind = order === null ? undefined : this.#orders.get(order);
    if (behind === undefined) return;
    while (behind.size > 0) {
      const next = behind.shift()!;
      if (next.done) continue;
      next.stage = "waiting";
      this.#classes[next.jobClass].push(next);
      return;
    }
    this.#orders.delete(order!);
  }

  /** Every job that waits. */
  *all(): Iterable<ClusterJob> {
    for (const line of [...Object.values(this.#classes), ...this.#orders.values()]) {
      for (let left = line.size; left > 0; left--) {
        const job = line.shift()!;
        line.push(job);
        if (!job.done) yield job;
      }
    }
  }

  // -- The bound --

  /** Whether as many jobs wait as should. */
  get full(): boolean {
    return this.#waiting >= this.#bound;
  }

  /**
   * Does nothing if there is room.
   *
   * @throws {WouldBlock} If not.
   */
  refuseIfFull(): void {
    if (!this.full) return;
    throw new WouldBlock(
      `Cannot submit to ${this.#name} now: ${this.#waiting} jobs wait, and ${this.#bound} may`,
    );
  }

  /** Waits until there is room, or never will be. */
  ready(begin: () => void): Operation<void> {
    return operation(this.#waits, (wait: Wait<void>) => {
      if (this.#end !== null) throw this.#end;
      begin();
      if (this.full) this.#waits.park(wait);
      else wait.settle();
    });
  }

  /** Jobs have gone: those who wait for room go on, one for each place. */
  madeRoom(): void {
    for (let room = this.#bound - this.#waiting; room > 0 && this.#waits.wake(); room--);
  }

  /** There will never be room. */
  shut(error: Error): void {
    this.#end ??= error;
    this.#waits.failAll(error);
  }
}

/**
 * Jobs that wait on this side: a line for each class, and one for each order.
 *
 * A job that is cancelled in a line is only marked, and passed over when its turn comes.
 */
import { Deque } from "../../internal/deque.ts";
import type { JobClass } from "../wire/names.ts";
import type { ClusterJob } from "./cluster_job.ts";

/** Jobs of one submitter that wait. */
export class PendingJobs {
  readonly #classes: Record<JobClass, Deque<ClusterJob>> = {
    high: new Deque(),
    normal: new Deque(),
    low: new Deque(),
  };
  /** For each word, those behind the one that is under way. */
  readonly #orders = new Map<string, Deque<ClusterJob>>();
  #waiting = 0;

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

  /** A job that was not held has come to its end: the next of its order may go. */
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
}

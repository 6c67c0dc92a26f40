/**
 * The disciplines that are an order: shortest job first, shortest remaining time first, priorities,
 * earliest deadline first. They differ in the key and in whether a better job displaces. The key of a
 * waiting job does not change, so a heap holds it in O(log n).
 *
 * And those under which a waiting job gets better with time: highest response ratio next, and priorities
 * that age. Since every key moves, each pick looks at every ready job: O(n), as in the textbooks, and no
 * job starves.
 */
import { Heap, type HeapItem } from "../internal/heap.ts";
import { type Discipline, earlier, type ReadyJob } from "./discipline.ts";

/** What the order goes by; the least goes first. */
export type SortKey = (job: ReadyJob) => number;

/** The length of the present CPU burst. */
export const byLength: SortKey = (job) => job.length;
/** What is left of the present CPU burst. */
export const byLeft: SortKey = (job) => job.left;
/** The priority number. */
export const byPriority: SortKey = (job) => job.priority;
/** The deadline on the clock: the nearest first. */
export const byDeadline: SortKey = (job) => job.deadline;

interface WaitingJob extends HeapItem {
  readonly job: ReadyJob;
  readonly key: number;
}

/** The least key first; ties by arrival, then by place in the list. */
export class Ordered implements Discipline {
  readonly #key: SortKey;
  readonly #isPreemptive: boolean;
  readonly #ready = new Heap<WaitingJob>((a, b) =>
    a.key < b.key || (a.key === b.key && earlier(a.job, b.job))
  );

  /** An order by `key`; with `isPreemptive`, a strictly lesser key takes the processor at once. */
  constructor(key: SortKey, isPreemptive: boolean) {
    this.#key = key;
    this.#isPreemptive = isPreemptive;
  }

  /** How many jobs are ready. */
  get size(): number {
    return this.#ready.size;
  }

  /** Takes in a job, by its key of this moment. */
  enter(job: ReadyJob): void {
    this.#ready.push({ place: -1, job, key: this.#key(job) });
  }

  /** Takes out the first. */
  pick(): ReadyJob | undefined {
    return this.#ready.pop()?.job;
  }

  /** A turn has no quantum. */
  allowance(): number {
    return Infinity;
  }

  /** Nothing depends on what was used but `left`, which the driver keeps. */
  charge(): void {}

  /** Whether the first of the ready jobs has a strictly lesser key. */
  displaces(running: ReadyJob): boolean {
    if (!this.#isPreemptive) return false;
    const first = this.#ready.peek();
    return first !== undefined && first.key < this.#key(running);
  }
}

/** How urgent a job is at a moment; the greatest goes first. */
export type Urgency = (job: ReadyJob, now: number) => number;

/** The response ratio (waited + length) / length, since the job last became ready. */
export const responseRatio: Urgency = (job, now) =>
  (now - job.readySince + job.length) / job.length;

/** A priority that gets better by `rate` for each unit of time spent waiting. */
export function agedPriority(rate: number): Urgency {
  return (job, now) => rate * (now - job.readySince) - job.priority;
}

/** The greatest urgency first; ties by arrival, then by place in the list. */
export class Aging implements Discipline {
  readonly #urgency: Urgency;
  readonly #isPreemptive: boolean;
  readonly #ready: ReadyJob[] = [];

  /** An order by `urgency`; with `isPreemptive`, a strictly greater one takes the processor. */
  constructor(urgency: Urgency, isPreemptive: boolean) {
    this.#urgency = urgency;
    this.#isPreemptive = isPreemptive;
  }

  /** How many jobs are ready. */
  get size(): number {
    return this.#ready.length;
  }

  /** Takes in a job. */
  enter(job: ReadyJob): void {
    this.#ready.push(job);
  }

  /** Takes out the most urgent. */
  pick(now: number): ReadyJob | undefined {
    const ready = this.#ready;
    const at = this.#best(now);
    if (at < 0) return undefined;
    const job = ready[at]!;
    const last = ready.pop()!;
    if (last !== job) ready[at] = last;
    return job;
  }

  /** A turn has no quantum. */
  allowance(): number {
    return Infinity;
  }

  /** Waiting counts, not running. */
  charge(): void {}

  /** Whether a ready job is strictly more urgent than the one that runs, which does not age. */
  displaces(running: ReadyJob, now: number): boolean {
    if (!this.#isPreemptive) return false;
    const at = this.#best(now);
    if (at < 0) return false;
    return this.#urgency(this.#ready[at]!, now) > -running.priority;
  }

  #best(now: number): number {
    const ready = this.#ready;
    let best = -1;
    let most = -Infinity;
    for (let at = 0; at < ready.length; at++) {
      const urgency = this.#urgency(ready[at]!, now);
      if (
        best >= 0 && (urgency < most || (urgency === most && !earlier(ready[at]!, ready[best]!)))
      ) {
        continue;
      }
      best = at;
      most = urgency;
    }
    return best;
  }
}

/**
 * The disciplines that are an order: shortest job first, shortest remaining time first, priorities,
 * earliest deadline first. They differ in the key and in whether a better job displaces.
 *
 * The key of a waiting job must not change, so that a heap can hold it in O(log n). What ages has a
 * file of its own.
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
/** The deadline. */
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

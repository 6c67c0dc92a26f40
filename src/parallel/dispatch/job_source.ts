/** Where a dispatcher gets its batches from: the queue of single jobs, and each map under way. */
import type { Batch } from "./batch.ts";

/** How much a worker has room for. */
export interface Allowance {
  /** The most jobs, by any reckoning. */
  readonly most: number;
  /** A fair share of what waits. */
  readonly jobs: number;
  /** About how much work, in milliseconds; one job always fits. */
  readonly ms: number;
  /** Whether the worker has nothing else to do, so that a job of unknown length may go to it. */
  readonly idle: boolean;
}

/** Somewhere jobs wait. */
export interface JobSource {
  /** How many jobs could be taken now. */
  readonly waiting: number;
  /** About how much work that is, in milliseconds. */
  readonly work: number;
  /** How urgent the first of them is; higher goes first. */
  readonly priority: number;
  /** Takes jobs off the front; `null` if the first may not go to such a worker. */
  take(allowance: Allowance): Batch | null;
}

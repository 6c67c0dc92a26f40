/** What a pool can be told, and what it tells. */
import type { Future } from "./future.ts";
import type { Addressed, AnyFunction } from "./jobs.ts";

/** How a pool is to be. */
export interface WorkerPoolOptions {
  /** How many jobs may wait before `trySubmit` refuses and `ready` waits. @default {Infinity} */
  queue?: number;
  /** How many milliseconds each job may take, unless it says otherwise. @default any time */
  timeout?: number;
  /** How many jobs a worker does before a fresh one takes its place. @default {Infinity} */
  recycle?: number;
  /**
   * How many milliseconds a job may go on after it was cancelled, or has outrun its time, before its
   * worker is given up and replaced. @default {100}
   */
  grace?: number;
  /** Names the pool in reports. @default `WorkerPool#1` and so on */
  name?: string;
  /** Hears of errors that no job can be blamed for, such as a late throw in a timer. @default `console.warn` */
  warn?: (message: string, error: unknown) => void;
}

/** How single jobs are to be treated. */
export interface JobOptions {
  /** How many milliseconds the job may take, counted from when it begins. @default the pool's */
  timeout?: number;
  /** Cancels the job when it aborts. */
  signal?: AbortSignal;
}

/** How a map is to be treated. */
export interface MapOptions {
  /** How many milliseconds each job may take, counted from when it begins. @default the pool's */
  timeout?: number;
  /** The most items that may be with workers at a time. @default {4096} per worker */
  window?: number;
}

/** What a pool is doing, and has done. */
export interface WorkerPoolStatistics {
  /** Whether it takes jobs, only finishes them, or is through. */
  readonly state: PoolState;
  /** Workers that are alive. */
  readonly workers: number;
  /** Jobs that wait. */
  readonly queued: number;
  /** Jobs that are with workers. */
  readonly running: number;
  /** Jobs that were ever submitted, items of maps not counted. */
  readonly submitted: number;
  /** Workers that were ever started. */
  readonly started: number;
  /** Workers that crashed or had to be given up. */
  readonly lost: number;
}

/** Where a pool stands: it takes jobs; it finishes those it has; its workers go; they are gone. */
export type PoolState = "open" | "closing" | "ending" | "ended";

/** Sends jobs: a pool, or a pool with options set by {@linkcode WorkerPool.with}. */
export interface JobSender {
  /** See {@linkcode WorkerPool.submit}. */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: Parameters<F>
  ): Future<Awaited<ReturnType<F>>>;
  /** See {@linkcode WorkerPool.trySubmit}. */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: Parameters<F>
  ): Future<Awaited<ReturnType<F>>>;
}

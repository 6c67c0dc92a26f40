/** What a task pool is told and what it tells. */
import type { OnItemError } from "./task_pool_imap.ts";

/** How a map is to go. */
export interface TaskMapOptions {
  /** How many milliseconds it may take. @default no limit */
  readonly timeout?: number;
}

/** How an `imap` is to go. */
export interface TaskImapOptions extends TaskMapOptions {
  /** What becomes of an item whose task fails. @default {"raise"} */
  readonly onError?: OnItemError;
}

/** How a pool is to be shut down. */
export interface TaskPoolShutdownOptions {
  /** Whether submitted tasks that still wait for a place are cancelled. @default {false} */
  readonly cancelQueued?: boolean;
}

/** What a task pool is doing. */
export interface TaskPoolStatistics {
  /** How many tasks may run at a time. */
  readonly size: number;
  /** How many run. */
  readonly running: number;
  /** How many places are free. */
  readonly free: number;
  /** How many wait for a place: callers of `spawn`, submitted tasks, maps. */
  readonly waiting: number;
}

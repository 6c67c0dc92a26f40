/** What a pool can be told, and what it tells; what it was told is checked here. */
import { checkFinite, checkMs, checkWhole } from "../../kernel/checks.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { CancelPolicy, Future } from "./future.ts";
import {
  type Addressed,
  addressOf,
  type AnyFunction,
  type JobArguments,
  type JobResult,
} from "../jobs.ts";
import { packShared } from "../shared/pack.ts";
import type { SetUp } from "../thread/wire.ts";

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
  /** What a cancel does to a job that runs, unless the job says otherwise. @default {"kill"} */
  onCancel?: CancelPolicy;
  /**
   * A job function that each worker calls before its first job, also one that takes the place of
   * another: to open what its jobs share. What it sets up lives in the variables of its module. If it
   * throws, or its worker ends meanwhile, the pool is broken: every job fails with a `BrokenPoolError`,
   * and no further worker is tried.
   */
  initializer?: Addressed<AnyFunction>;
  /** The arguments of `initializer`; they are cloned for each worker. @default {[]} */
  initArgs?: readonly unknown[];
  /** How many workers stay although there is nothing to do. @default {0} */
  min?: number;
  /** After how many milliseconds without work a worker goes, down to `min`. @default {Infinity} */
  idle?: number;
  /**
   * How many jobs that are task bodies one worker may have at a time; those beyond wait in the queue.
   * @default {64}
   */
  tasks?: number;
  /**
   * What the workers may do, as in `{ read: true, net: ["localhost"] }` or `"none"`: no more than this
   * thread may. Deno wants `"unstable": ["worker-options"]` in `deno.json`, or the flag
   * `--unstable-worker-options`, for it; without, it ends the process with code 70 as the first worker
   * starts, and says so. @default all that this thread may
   */
  permissions?: Deno.PermissionOptions;
  /** Names the pool in reports. @default `WorkerPool#1` and so on */
  name?: string;
  /** Hears of errors that no job can be blamed for, such as a late throw in a timer. @default `console.warn` */
  warn?: (message: string, error: unknown) => void;
  /**
   * Hears what workers write to the console by `debug`, `log`, `info`, `warn` and `error`, each line with
   * its job and worker, in place of the console. All that a job writes is heard before its future settles.
   *
   * @example Lines with their jobs
   * ```ts
   * import { jobs, WorkerPool } from "@weft/weft";
   * const { square } = jobs(import.meta, {
   *   square(n: number): number {
   *     console.info("%d squared", n);
   *     return n * n;
   *   },
   * });
   * if (import.meta.main) {
   *   const lines: string[] = [];
   *   await using pool = new WorkerPool(1, { onLog: ({ job, text }) => lines.push(`${job}: ${text}`) });
   *   await pool.submit(square, 3);
   *   if (lines.join() !== "square: 3 squared") throw new Error(lines.join());
   * }
   * ```
   *
   * @default the console of each worker, which is this process's
   */
  onLog?: (line: JobLogLine) => void;
}

/** What a worker wrote to the console. */
export interface JobLogLine {
  /**
   * The name of the job whose code wrote it; `null` where none ran. What a job left behind, as in a timer,
   * counts as the next one's, and what a task body does outside of its tasks, as the plain job's beside it.
   */
  readonly job: string | null;
  /** The name of its worker, as in `WorkerPool#1 worker 2`. */
  readonly worker: string;
  /** The method of `console`. */
  readonly level: "debug" | "log" | "info" | "warn" | "error";
  /** The line, as the console would have written it. */
  readonly text: string;
}

/** How single jobs are to be treated. */
export interface JobOptions {
  /** How many milliseconds the job may take, counted from when it begins. @default the pool's */
  timeout?: number;
  /** Cancels the job when it aborts. */
  signal?: AbortSignal;
  /** What a cancel does to the job if it runs. @default the pool's */
  onCancel?: CancelPolicy;
  /**
   * How urgent the job is: any number, higher goes first. Of equally urgent jobs the first come goes
   * first. No running job is interrupted, but what a worker was given ahead, and has not begun, is
   * taken back for a more urgent job, unless it was moved. Urgent jobs without end keep the others
   * waiting for ever. @default {0}
   */
  priority?: number;
}

/** How a map is to be treated. */
export interface MapOptions {
  /** How many milliseconds each job may take, counted from when it begins. @default the pool's */
  timeout?: number;
  /**
   * The most items that may be under way at a time, exactly: drawn, but without a result; in an `imap`,
   * drawn, but not yet read. @default {4096} per worker
   */
  window?: number;
  /** How many items travel together. @default as many as make up about 2 ms of work */
  chunk?: number;
  /** How urgent its jobs are; see {@linkcode JobOptions.priority}. @default {0} */
  priority?: number;
  /**
   * Hears what the jobs report by `progress`: the value, and the place of the item among the items. What it
   * throws ends the map. @default nobody hears
   */
  onProgress?: (value: unknown, index: number) => void;
}

/** What a pool is doing, and has done. */
export interface WorkerPoolStatistics {
  /** Whether it takes jobs, only finishes them, or has ended. */
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

/**
 * Where a pool stands: it takes jobs; it finishes those it has; its workers go; they are gone. Or it is
 * broken: its `initializer` has failed, and so does every job.
 */
export type PoolState = "open" | "broken" | "closing" | "ending" | "ended";

/** Sends jobs: a pool, or a pool with options set by {@linkcode WorkerPool.with}. */
export interface JobSender {
  /** See {@linkcode WorkerPool.submit}. */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Future<JobResult<F>>;
  /** See {@linkcode WorkerPool.trySubmit}. */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Future<JobResult<F>>;
  /** See {@linkcode WorkerPool.apply}. */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>>;
}

/**
 * A time limit as it travels: 0 stands for none.
 *
 * @throws {RangeError} If it is no time.
 */
export function checkLimit(ms: number | undefined): number {
  if (ms === undefined) return 0;
  checkMs(ms, "a time limit");
  return ms === Infinity ? 0 : Math.max(1, Math.ceil(ms));
}

/**
 * A priority: any finite number.
 *
 * @throws {RangeError} If it is none.
 */
export function checkPriority(priority: number): number {
  return checkFinite(priority, "a priority");
}

/** So many task bodies may run in one worker at a time, unless said otherwise. */
const TASKS = 64;

/** The most that can be asked for: each costs its worker eight bytes, always. */
const MOST_TASKS = 1 << 16;

/** What every worker of a pool is started with. */
export interface WorkerTerms {
  /** What is to be called before the first job. */
  readonly setUp: SetUp | null;
  /** Whether what it writes to the console is sent here. */
  readonly log: boolean;
  /** What it may do; `null` for all that this thread may. */
  readonly permissions: Deno.PermissionOptions | null;
  /** How many tasks it may have at a time. */
  readonly tasks: number;
}

/** How many workers stay, and how long the others idle. */
export interface IdleTerms {
  /** So many stay although there is nothing to do. */
  readonly min: number;
  /** After so many milliseconds without work the others go. */
  readonly idle: number;
}

/** What each worker is started with. */
export function workerTermsOf(options: WorkerPoolOptions): WorkerTerms {
  const { permissions = null, tasks = TASKS } = options;
  checkWhole(tasks, "use", "as the number of tasks per worker", { least: 1, most: MOST_TASKS });
  // Said outright, "inherit" would need the unstable feature, too.
  return {
    setUp: setUpOf(options),
    log: options.onLog !== undefined,
    permissions: permissions === "inherit" ? null : permissions,
    tasks,
  };
}

/** When idle workers go. */
export function idleTermsOf(
  { min = 0, idle = Infinity }: WorkerPoolOptions,
  most: number,
): IdleTerms {
  checkWhole(min, "use", "as the least number of workers", { least: 0, most });
  return { min, idle: checkMs(idle, "a time without work") };
}

function setUpOf({ initializer, initArgs = [] }: WorkerPoolOptions): SetUp | null {
  if (initializer === undefined) return null;
  const { url, name } = addressOf(initializer);
  const args = packShared(initArgs) as readonly unknown[];
  try {
    structuredClone(args);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot send the arguments of initializer "${name}": ${why}`, { cause });
  }
  return { url, name, args };
}

/**
 * Tasks on their way to workers: the jobs of a pool that are task bodies.
 *
 * They have a queue of their own, because they need not wait for the jobs in the other, nor those for
 * them: a worker takes tasks beside its jobs, as many as the pool allows.
 *
 * A task is a job that waits, most of the time, beside others of its worker. How long it will take says
 * nothing about how much a worker can bear; so tasks are dealt out by number. A worker that has plain
 * jobs to do would let a task wait for its turn, so it counts as if it had some more; and should tasks
 * be stuck behind something that computes, those that have not begun go to another worker.
 */
import type { ItemRun } from "./item_run.ts";
import { JobQueue } from "./job_queue.ts";
import type { Allowance, JobSource, Relief } from "./placement.ts";
import type { WorkerSet } from "./worker_set.ts";
import type { Batch } from "./batch.ts";
import type { Timers } from "./timers.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import { unsendable } from "../worker_error.ts";

/** A task takes no worker's time, or none that could be foreseen; it goes by itself. */
const oneTask: Allowance = { most: 1, jobs: 1, ms: Infinity, idle: true };

/** What a lane belongs to. */
export interface TaskLaneHost {
  /** There is something to deal out again. */
  deal(): void;
  /** A task has been sent. */
  sent(batch: Batch): void;
  /** Picks a worker; `null` if none can be hired. */
  pick(pick: () => WorkerHandle | null): WorkerHandle | null;
}

/** Deals tasks to workers. */
export class TaskLane {
  /** Tasks nobody has. */
  readonly queue: JobQueue = new JobQueue();
  readonly #workerSet: WorkerSet;
  readonly #timers: Timers;
  readonly #host: TaskLaneHost;
  #looking = false;

  /** An empty lane. */
  constructor(workerSet: WorkerSet, watch: Timers, host: TaskLaneHost) {
    this.#workerSet = workerSet;
    this.#timers = watch;
    this.#host = host;
  }

  /** Sends one task, of the queue or of a map, to the worker that has fewest. Returns whether it did. */
  dealOne(runs: Iterable<ItemRun>): boolean {
    const source = this.#source(runs);
    const handle = source === null ? null : this.#host.pick(() => pickForTask(this.#workerSet));
    const batch = handle === null ? null : source!.take(oneTask);
    if (batch === null) return false;
    try {
      handle!.sendTask(batch);
      this.#host.sent(batch);
    } catch (error) {
      batch.fail(() => unsendable(batch.kindAt(0).name, "arguments", error));
    }
    this.#relieveLater();
    return true;
  }

  /** Looks after tasks that have been sent until they have begun. */
  #relieveLater(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#timers.in(STUCK_MS, () => {
      this.#looking = false;
      const relief = relieveTasks(this.#workerSet);
      if (relief === "took") this.#host.deal();
      if (relief !== "none") this.#relieveLater();
    });
  }

  #source(runs: Iterable<ItemRun>): JobSource | null {
    if (this.queue.waiting > 0) return this.queue;
    for (const run of runs) if (run.kind.isTaskBody && run.waiting > 0) return run;
    return null;
  }
}

/** Plain jobs keep tasks waiting as much as so many other tasks do. */
const COMPUTING = 16;
/** Tasks that have not begun after this long are stuck behind something that computes. */
export const STUCK_MS = 10;

/** The worker with fewest tasks; a new one if each has some; `null` if all have as many as they may. */
export function pickForTask(workerSet: WorkerSet): WorkerHandle | null {
  let best: WorkerHandle | null = null;
  let least = Infinity;
  for (const handle of workerSet.active) {
    if (!hasRoom(handle, workerSet) || handle.stuck) continue;
    const load = handle.tasks + (handle.owed > 0 ? COMPUTING : 0);
    if (load >= least) continue;
    best = handle;
    least = load;
  }
  return least > 0 && workerSet.short ? workerSet.startWorker() : best;
}

/** Takes back tasks that should have begun by now, if another worker could begin them. */
export function relieveTasks(workerSet: WorkerSet): Relief {
  let relief: Relief = "none";
  for (const handle of workerSet.active) {
    const { taskDelay } = handle;
    if (taskDelay === -1) continue;
    const helps = (other: WorkerHandle): boolean =>
      other !== handle && !other.stuck && other.owed === 0 && hasRoom(other, workerSet);
    if (
      taskDelay < STUCK_MS || !handle.atWork || !(workerSet.short || workerSet.active.some(helps))
    ) {
      if (relief === "none") relief = "later";
    } else if (handle.takeTasksBack()) {
      relief = "took";
    }
  }
  return relief;
}

function hasRoom(handle: WorkerHandle, workerSet: WorkerSet): boolean {
  return handle.hasTaskSlot && workerSet.left(handle) > 0;
}

/**
 * Tasks on their way to workers: the jobs of a pool that are task bodies.
 *
 * They have a queue of their own, because they need not wait for the jobs in the other, nor those for
 * them: a worker takes tasks beside its jobs, as many as the pool allows.
 */
import type { ItemRun } from "../pool/item_run.ts";
import { JobQueue } from "./job_queue.ts";
import type { Allowance, JobSource } from "./job_source.ts";
import type { Staff } from "./staff.ts";
import { pickForTask, relieveTasks, STUCK_MS } from "./task_placement.ts";
import type { Batch } from "./batch.ts";
import type { Watch } from "./watch.ts";
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
  readonly #staff: Staff;
  readonly #watch: Watch;
  readonly #host: TaskLaneHost;
  #looking = false;

  /** An empty lane. */
  constructor(staff: Staff, watch: Watch, host: TaskLaneHost) {
    this.#staff = staff;
    this.#watch = watch;
    this.#host = host;
  }

  /** Sends one task, of the queue or of a map, to the worker that has fewest. Returns whether it did. */
  dealOne(runs: Iterable<ItemRun>): boolean {
    const source = this.#source(runs);
    const handle = source === null ? null : this.#host.pick(() => pickForTask(this.#staff));
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
    this.#watch.in(STUCK_MS, () => {
      this.#looking = false;
      const relief = relieveTasks(this.#staff);
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

/**
 * The jobs that `worker` and `hybrid` send to a `WorkerPool`: an `async` function, of which a worker
 * does one at a time, and a task body, which is a run inside the worker.
 */
import { jobs } from "@weft/weft";
import type { Outcome } from "./engine.ts";
import { plainTasks } from "./plain_tasks.ts";
import type { Site, Workload } from "./plan.ts";
import { performCoroutines } from "./task_engines.ts";

export const { single, share } = jobs(import.meta, {
  /** One task, in plain Deno. */
  async single(workload: Workload, id: number, site: Site): Promise<Outcome> {
    const laps: number[] = [];
    return { checksum: await plainTasks[workload](id, site, laps), laps };
  },

  /** A worker's share of the tasks, as coroutines. */
  async *share(workload: Workload, ids: readonly number[], site: Site) {
    return yield* performCoroutines(workload, ids, site);
  },
});

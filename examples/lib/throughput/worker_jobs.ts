/**
 * The jobs that `worker` and `hybrid` send to a `WorkerPool`.
 */
import { jobs } from "@weft/weft";
import type { Outcome } from "./engine.ts";
import { plainTasks } from "./plain_tasks.ts";
import type { Site, Workload } from "./plan.ts";
import { coroutine } from "./task_engines.ts";

export const { single, share } = jobs(import.meta, {
  /** One task, in plain Deno. */
  async single(workload: Workload, id: number, site: Site): Promise<Outcome> {
    const laps: number[] = [];
    return { checksum: await plainTasks[workload](id, site, laps), laps };
  },

  /** A worker's share of the tasks, as coroutines of a run inside the worker. */
  share(workload: Workload, ids: readonly number[], site: Site): Promise<Outcome> {
    return coroutine.perform(workload, ids, site);
  },
});

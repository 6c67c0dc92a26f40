/**
 * The jobs that `worker` and `hybrid` send to a `WorkerPool`: the same task twice, as an `async`
 * function and as a task body. The pool tells them apart: a worker does one plain job at a time, and
 * many task bodies at once.
 */
import { jobs } from "@weft/weft";
import { coroutineTasks } from "./coroutine_tasks.ts";
import type { Outcome } from "./engine.ts";
import { plainTasks } from "./plain_tasks.ts";
import type { Site, Workload } from "./plan.ts";

export const { plain, coroutine } = jobs(import.meta, {
  /** A task in plain Deno. */
  async plain(workload: Workload, id: number, site: Site): Promise<Outcome> {
    const laps: number[] = [];
    return { checksum: await plainTasks[workload](id, site, laps), laps };
  },

  /** A task as a coroutine. */
  async *coroutine(workload: Workload, id: number, site: Site) {
    const laps: number[] = [];
    const outcome: Outcome = { checksum: yield* coroutineTasks[workload](id, site, laps), laps };
    return outcome;
  },
});

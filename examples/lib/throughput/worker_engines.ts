/**
 * The engines on several threads. `worker` makes a job of each task; `hybrid` sends each worker its
 * share of the tasks in one job, and there they are coroutines.
 *
 * Rejected for `hybrid`: a job for each coroutine, as a pool's jobs may be. It reads better still,
 * but the messages there and back cost more than tasks as small as these do: in `io` it did two thirds.
 */
import { WorkerPool } from "@weft/weft";
import { type Engine, type Outcome, total } from "./engine.ts";
import { share, single } from "./worker_jobs.ts";

async function gather(futures: readonly PromiseLike<Outcome>[]): Promise<Outcome> {
  const outcomes = await Promise.all(futures);
  return {
    checksum: total(outcomes.map((outcome) => outcome.checksum)),
    laps: outcomes.flatMap((outcome) => outcome.laps),
  };
}

/** Starts the workers. */
export function openPool(name: "worker" | "hybrid", workers: number): Engine {
  const pool = new WorkerPool(workers);
  return {
    perform(workload, ids, site) {
      if (name === "worker") {
        return gather(ids.map((id) => pool.submit(single, workload, id, site)));
      }
      const shares = Array.from(
        { length: workers },
        (_, at) => ids.filter((id) => id % workers === at),
      );
      return gather(shares.map((some) => pool.submit(share, workload, some, site)));
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/**
 * The engines on several threads. Both make a job of each task; the pool deals the jobs out. `hybrid`
 * differs in that its job is a coroutine, of which a worker has many under way.
 */
import { WorkerPool } from "@weft/weft";
import { type Engine, total } from "./engine.ts";
import { coroutine, plain } from "./worker_jobs.ts";

/** Starts the workers. */
export function openPool(name: "worker" | "hybrid", workers: number): Engine {
  const pool = new WorkerPool(workers, { tasks: 10_000 });
  const job = name === "worker" ? plain : coroutine;
  return {
    async perform(workload, ids, site) {
      const outcomes = await Promise.all(ids.map((id) => pool.submit(job, workload, id, site)));
      return {
        checksum: total(outcomes.map((outcome) => outcome.checksum)),
        laps: outcomes.flatMap((outcome) => outcome.laps),
      };
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** Waiting for a job to begin, however busy the machine is. */
import type { Future } from "@weft/weft";

/** Resolves once a worker has begun the job, or has already ended it. */
export async function begun(job: Future<unknown>): Promise<void> {
  while (!job.running && !job.done) await new Promise((resolve) => setTimeout(resolve, 1));
}

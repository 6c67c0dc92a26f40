/** Waiting for a job to begin, however busy the machine is. */
import type { Future } from "@weft/weft";

/** Resolves once a worker has begun the job. */
export async function begun(job: Future<unknown>): Promise<void> {
  while (!job.running) await new Promise((resolve) => setTimeout(resolve, 1));
}

/**
 * Picking up a job that somebody else has submitted: its result, if that is there; else the job is looked
 * after until it is. A plain subscription says when to look; what it brings is not believed, because it
 * hears of results that are refused, too.
 */
import { clusterError } from "../link/errors.ts";
import type { ResultDispatcher } from "./result_dispatcher.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { JobPublisher } from "./job_publisher.ts";
import { lookAfter } from "./reconcile.ts";
import type { ServerConnection } from "./server_connection.ts";

/** Between two tries, where the server does not answer, in milliseconds. */
const AGAIN_MS = 500;

/** Finds a job, or its result; fails its future if there is neither. */
export async function attachTo(
  job: ClusterJob,
  connection: ServerConnection,
  dispatcher: ResultDispatcher,
  publisher: JobPublisher,
): Promise<void> {
  const { nc, names } = connection.link;
  const look = (): Promise<boolean> => lookAfter(job, connection, dispatcher, publisher);
  const hints = nc.subscribe(names.result(job.parts), {
    callback: () => void look().catch(() => {}),
  });
  job.watch(() => nc.isClosed() || hints.unsubscribe());
  while (!job.done && connection.link.ended === null) {
    try {
      // In this order: a job that is done goes when its result is there.
      const isThere = await publisher.locate(job);
      await look();
      if (job.done || isThere) return;
      return job.fail(
        clusterError(
          `Cannot attach to job ${job.key}: there is neither a job nor a result of that key`,
        ),
      );
    } catch {
      await connection.link.pause(AGAIN_MS);
    }
  }
}

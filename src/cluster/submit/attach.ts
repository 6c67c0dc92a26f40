/**
 * Picking up a job that somebody else has submitted: its result, if that is there; else the job is looked
 * after until it is. A plain subscription says when to look; what it brings is not believed, because it
 * hears of results that are refused, too.
 */
import { clusterError } from "../link/errors.ts";
import type { Arrivals } from "./arrivals.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { Outlet } from "./outlet.ts";
import { lookAfter } from "./patrol.ts";
import type { Station } from "./station.ts";

/** Between two tries, where the server does not answer, in milliseconds. */
const AGAIN_MS = 500;

/** Finds a job, or its result; fails its future if there is neither. */
export async function attachTo(
  job: ClusterJob,
  station: Station,
  arrivals: Arrivals,
  outlet: Outlet,
): Promise<void> {
  const { nc, names } = station.link;
  const look = (): Promise<boolean> => lookAfter(job, station, arrivals, outlet);
  const hints = nc.subscribe(names.result(job.parts), {
    callback: () => void look().catch(() => {}),
  });
  job.watch(() => nc.isClosed() || hints.unsubscribe());
  while (!job.done && station.link.ended === null) {
    try {
      // In this order: a job that is done goes when its result is there.
      const isThere = await outlet.locate(job);
      await look();
      if (job.done || isThere) return;
      return job.fail(
        clusterError(
          `Cannot attach to job ${job.key}: there is neither a job nor a result of that key`,
        ),
      );
    } catch {
      await station.link.pause(AGAIN_MS);
    }
  }
}

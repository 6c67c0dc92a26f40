/**
 * Looking after what is outstanding, so that nothing depends on a message that was pushed.
 *
 * A few jobs at a time: is there a result? Is the job still stored? Neither means that the server has lost it,
 * and it is stored anew. Was it delivered, and nobody says that he has it? Then its node is gone, or the
 * consumer has forgotten it, and it is stored once more in place of what is there: see claims.ts.
 */
import { type ClusterError, clusterError } from "../link/errors.ts";
import type { JobPublisher } from "./job_publisher.ts";
import type { Claims } from "./claims.ts";
import type { ResultDispatcher } from "./result_dispatcher.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { ServerConnection } from "./server_connection.ts";

/** Jobs are looked after in this interval. */
export const RECONCILE_MS = 1000;
/** A job is left alone for so long after it was stored or looked after, in milliseconds. */
const ALONE_MS = 3000;
/** So many are looked after at a time. */
const AT_A_TIME = 256;

/** Looks after the jobs of one submitter once. Rejects if the server does not answer. */
export async function reconcile(
  jobs: Iterable<ClusterJob>,
  connection: ServerConnection,
  dispatcher: ResultDispatcher,
  publisher: JobPublisher,
  claims: Claims,
): Promise<void> {
  const now = performance.now();
  const due: ClusterJob[] = [];
  for (const job of jobs) {
    const alone = job.stage === "foreign" ? RECONCILE_MS : ALONE_MS;
    if (now - job.seenAt < alone || !job.running) continue;
    if (due.push(job) === AT_A_TIME) break;
  }
  let missed = false;
  await Promise.all(due.map(async (job) => {
    job.seenAt = now;
    missed = await lookAfter(job, connection, dispatcher, publisher) || missed;
  }));
  // The consumer should have brought them.
  if (missed) await connection.results.reopen();
  await claims.check(due.filter((job) => !job.done && job.running), publisher);
}

/** Looks after one job. Returns whether there was a result that the consumer should have brought. */
export async function lookAfter(
  job: ClusterJob,
  { reader }: ServerConnection,
  dispatcher: ResultDispatcher,
  publisher: JobPublisher,
): Promise<boolean> {
  const give = async (): Promise<boolean> => {
    const result = await reader.stored(job.parts);
    return result !== null && !job.done && dispatcher.give(job, result);
  };
  if (await give()) return job.stage !== "foreign";
  if (job.done || job.stage !== "stored" || await publisher.isStored(job)) return false;
  // It may have been done between the two looks.
  if (await give()) return true;
  if (!job.done && job.stage === "stored") publisher.restore(job);
  return false;
}

/** The jobs that have waited to be stored for longer than they may. */
export function tooLate(jobs: Iterable<ClusterJob>, ms: number): ClusterJob[] {
  if (ms === Infinity) return [];
  const now = performance.now();
  return [...jobs].filter((job) =>
    !job.running && !job.done && job.stage !== "held" && now - job.seenAt >= ms
  );
}

/** The error of such a job. */
export function lateError(job: ClusterJob, ms: number, refusal: string | null): ClusterError {
  const why = refusal ?? "the server is away, or the window is full";
  return clusterError(`Cannot store job "${job}" within ${ms} ms`, new Error(why));
}

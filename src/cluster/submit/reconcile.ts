/**
 * Looking after what is outstanding, so that nothing depends on a message that was pushed.
 *
 * A few jobs at a time: is there a result? Is the job still stored? Neither means that the server has lost it,
 * and it is stored anew. Was it delivered, and nobody says that he has it? Then its node is gone, or the
 * consumer has forgotten it, and it is stored once more in place of what is there: see claims.ts.
 *
 * A job that somebody else has submitted is picked up in the same way: its result, if that is there; else the
 * job is looked after until it is. A plain subscription says when to look; what it brings is not believed,
 * because it hears of results that are refused, too.
 */
import { type ClusterError, clusterError } from "../link/errors.ts";
import type { JobPublisher } from "./job_publisher.ts";
import { Claims } from "./claims.ts";
import type { ResultDispatcher } from "./result_dispatcher.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { ServerConnection } from "./server_connection.ts";

/** Jobs are looked after in this interval. */
export const RECONCILE_MS = 1000;
/** A job is left alone for so long after it was stored or looked after, in milliseconds. */
const ALONE_MS = 3000;
/** So many are looked after at a time. */
const AT_A_TIME = 256;
/** Between two tries to attach, where the server does not answer, in milliseconds. */
const AGAIN_MS = 500;

/** Looks after the jobs of one submitter. */
export class Reconciler {
  readonly #connection: ServerConnection;
  readonly #dispatcher: ResultDispatcher;
  readonly #publisher: JobPublisher;
  readonly #claims: Claims;

  /** Has looked at nothing yet. */
  constructor(
    connection: ServerConnection,
    dispatcher: ResultDispatcher,
    publisher: JobPublisher,
  ) {
    this.#connection = connection;
    this.#dispatcher = dispatcher;
    this.#publisher = publisher;
    this.#claims = new Claims(connection.link);
  }

  /** Looks after those jobs that are due. Rejects if the server does not answer. */
  async check(jobs: Iterable<ClusterJob>): Promise<void> {
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
      missed = await this.#lookAfter(job) || missed;
    }));
    // The consumer should have brought them.
    if (missed) await this.#connection.results.reopen();
    await this.#claims.check(due.filter((job) => !job.done && job.running), this.#publisher);
  }

  /** Finds a job of somebody else, or its result; fails its future if there is neither. */
  async attach(job: ClusterJob): Promise<void> {
    const { link } = this.#connection;
    const hints = link.nc.subscribe(link.names.result(job.parts), {
      callback: () => void this.#lookAfter(job).catch(() => {}),
    });
    job.watch(() => link.nc.isClosed() || hints.unsubscribe());
    while (!job.done && link.ended === null) {
      try {
        // In this order: a job that is done goes when its result is there.
        const isThere = await this.#publisher.locate(job);
        await this.#lookAfter(job);
        if (job.done || isThere) return;
        return job.fail(
          clusterError(
            `Cannot attach to job ${job.key}: there is neither a job nor a result of that key`,
          ),
        );
      } catch {
        await link.pause(AGAIN_MS);
      }
    }
  }

  /** Looks after one job. Returns whether there was a result that the consumer should have brought. */
  async #lookAfter(job: ClusterJob): Promise<boolean> {
    const give = async (): Promise<boolean> => {
      const result = await this.#connection.reader.stored(job.parts);
      return result !== null && !job.done && this.#dispatcher.give(job, result);
    };
    if (await give()) return job.stage !== "foreign";
    if (job.done || job.stage !== "stored" || await this.#publisher.isStored(job)) return false;
    // It may have been done between the two looks.
    if (await give()) return true;
    if (!job.done && job.stage === "stored") this.#publisher.restore(job);
    return false;
  }
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

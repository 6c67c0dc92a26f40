/**
 * What comes in on the subjects of results: looked at, and given to the job it belongs to.
 *
 * The first result of a job that was stored is the one that counts, and a job settles once; so whatever
 * way a result comes by (the consumer, or a look at what is stored), it is given out exactly once.
 * What is no result is deleted from the place of one, so that the true one can be stored there.
 */
import type { Msg } from "@nats-io/transport-node";
import { decode } from "../codec/decode.ts";
import { clusterError, JobFailedError } from "../link/errors.ts";
import type { GenuineResult, ResultReader } from "../link/result_reader.ts";
import { FAILURES } from "../wire/protocol.ts";
import type { ClusterJob } from "./cluster_job.ts";
import { sequenceOf } from "./result_consumer.ts";

/** What the submitter does with what comes in. */
export interface ResultDispatcherOwner {
  /** The job of this submitter that has this name and has not ended. */
  jobOf(id: string): ClusterJob | undefined;
  /** A job has got its result, which was in this object if it is not `null`. */
  arrived(job: ClusterJob, object: string | null): void;
}

/** Gives results to the jobs of one submitter. */
export class ResultDispatcher {
  /** What came and was no result. */
  refused = 0;
  readonly #signed: boolean;
  readonly #owner: ResultDispatcherOwner;

  /** Nothing has come; `signed` says whether results are. */
  constructor(signed: boolean, owner: ResultDispatcherOwner) {
    this.#signed = signed;
    this.#owner = owner;
  }

  /** Something was stored under a name among the results of this submitter. */
  take(reader: ResultReader, id: string, msg: Msg): void {
    const job = this.#owner.jobOf(id);
    if (job === undefined) return; // a second look at what is known, or a late cancel of our own
    let read: ReturnType<ResultReader["read"]>;
    try {
      read = reader.read(msg);
    } catch {
      read = null;
    }
    if (read === null || !(read instanceof Promise)) return this.#give(reader, job, read, msg);
    // What cannot be read at the moment is found by the next look.
    read.then((result) => this.#give(reader, job, result, msg), () => {});
  }

  /** Gives a stored result to its job. Returns `false` if it turned out to be none. */
  give(job: ClusterJob, { head, body }: GenuineResult): boolean {
    if (job.done) return true;
    let settle: () => void;
    try {
      settle = settling(job, head.status, decode(body));
    } catch (error) {
      this.refused++;
      // One that is signed was meant; one that is not may be anybody's, and the true one may follow.
      if (!this.#signed) return false;
      settle = () => job.fail(clusterError(`Cannot read the result of job "${job}"`, error));
    }
    settle();
    this.#owner.arrived(job, head.object);
    return true;
  }

  #give(reader: ResultReader, job: ClusterJob, result: GenuineResult | null, msg: Msg): void {
    if (result !== null && this.give(job, result)) return;
    if (result === null) this.refused++;
    void reader.remove(sequenceOf(msg));
  }
}

/** How a job ends, by what its result says. Throws if that makes no sense. */
function settling(job: ClusterJob, status: string, content: unknown): () => void {
  switch (status) {
    case "value":
      return () => job.succeed(content);
    case "error":
      return () => job.fail(content);
    case "cancelled":
      return () => job.end("explicit", content);
    default: {
      const [code, message, history] = content as unknown[];
      const known = FAILURES.find((one) => one === code);
      const texts = Array.isArray(history) ? history.map(String) : [];
      if (known === undefined || typeof message !== "string") {
        throw new TypeError("a failure has no code");
      }
      return () => job.fail(new JobFailedError(known, message, texts));
    }
  }
}

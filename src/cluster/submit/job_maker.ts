/**
 * Making jobs: what can be wrong with a call is found here, before anything happens.
 *
 * Arguments become bytes at once, as a message to a worker would copy them at once: so what the caller
 * changes later does not change the job, and what cannot travel makes the future fail, with a sentence,
 * before anybody is asked for anything.
 */
import type { Scheduler } from "../../kernel/scheduler.ts";
import {
  type Addressed,
  addressOf,
  type AnyFunction,
  type JobAddress,
} from "../../parallel/jobs.ts";
import { currentRun, FailureLog } from "../../parallel/pool/failure_log.ts";
import type { CancelMeans, CancelPolicy } from "../../parallel/pool/future.ts";
import { JobKind, JobKinds } from "../../parallel/pool/job_kinds.ts";
import { isLoading, loadingError } from "../../parallel/jobs.ts";
import { movablesOf } from "../../parallel/transfer.ts";
import { unsendable } from "../../parallel/worker_error.ts";
import { encode, UnsendableError } from "../codec/encode.ts";
import { moduleHash } from "../wire/job_hash.ts";
import { freshName, type JobKey, keyText, type Names } from "../wire/names.ts";
import type { Signer } from "../wire/signing.ts";
import { ClusterJob, type ClusterTerms } from "./cluster_job.ts";
import type { ClusterDemand } from "./options.ts";

/** What the engine does for the jobs that are made. */
export interface JobHost {
  /** Sees to it that a job does not begin, or is told to stop. */
  withdraw(job: ClusterJob, reason: unknown, policy: CancelPolicy): CancelMeans;
  /** A job has ended. */
  over(job: ClusterJob): void;
  /** Somebody wants to read what a job reports. */
  wanted(job: ClusterJob): void;
  /** The run that gets failures which nobody observed, if the caller is in none. */
  readonly run: Scheduler | null;
}

/** Makes the jobs of one submitter. */
export class JobMaker {
  /** The names of the cluster. */
  readonly names: Names;
  /** Who submits. */
  readonly submitter: string;
  /** Signs results, if they are signed. */
  readonly signer: Signer | null;
  /** How jobs are treated that demand nothing else. */
  readonly usual: ClusterDemand;
  /** The engine that has the jobs; set once, before the first is made. */
  host: JobHost | null = null;
  /** Jobs of a submitter of this name that lived before must not be mistaken for ours. */
  readonly #life = freshName().slice(0, 8);
  readonly #kinds = new JobKinds();
  #made = 0;
  #terms: ClusterTerms | null = null;
  #demand: ClusterDemand | null = null;

  /** A maker for a submitter. */
  constructor(names: Names, submitter: string, signer: Signer | null, usual: ClusterDemand) {
    this.names = names;
    this.submitter = submitter;
    this.signer = signer;
    this.usual = usual;
  }

  /** What is known of a function. */
  kindOf(address: JobAddress): JobKind {
    return this.#kinds.at(address);
  }

  /**
   * Makes a job; one whose arguments cannot travel has failed when it comes.
   *
   * @throws {TypeError} If the function is no job, or the file of its module cannot be read.
   */
  make(
    job: Addressed<AnyFunction>,
    args: readonly unknown[],
    demand: ClusterDemand,
  ): ClusterJob {
    if (isLoading()) throw loadingError("submit to a cluster");
    const address = addressOf(job);
    moduleHash(address.url);
    const kind = this.kindOf(address);
    const parts = this.#nextKey();
    try {
      return new ClusterJob(kind, this.#termsFor(demand), parts, bytesOf(args));
    } catch (error) {
      const made = new ClusterJob(kind, this.#termsFor(demand), parts, null);
      made.stage = "held"; // in no line, and before none
      made.fail(unsendable(address.name, "arguments", error));
      return made;
    }
  }

  /** Makes a job for a worker of this machine, whose arguments stay as they are. */
  local(job: Addressed<AnyFunction>, args: readonly unknown[], demand: ClusterDemand): ClusterJob {
    if (isLoading()) throw loadingError("submit to a cluster");
    const kind = this.kindOf(addressOf(job));
    const made = new ClusterJob(kind, this.#termsFor(demand), this.#nextKey(), null);
    made.args = args;
    return made;
  }

  /** A job that somebody else has submitted. */
  foreign(parts: JobKey): ClusterJob {
    const kind = new JobKind(-1, { url: "about:blank", name: `attach ${keyText(parts)}` });
    const job = new ClusterJob(kind, this.#termsFor(this.usual), parts, null);
    job.stage = "foreign";
    return job;
  }

  #nextKey(): JobKey {
    return { submitter: this.submitter, id: `${this.#life}_${(this.#made++).toString(36)}` };
  }

  /** The terms for a job made here and now; as a rule the same as for the last one. */
  #termsFor(demand: ClusterDemand): ClusterTerms {
    const host = this.host!;
    const run = currentRun() ?? host.run;
    const log = run === null ? null : FailureLog.of(run);
    const last = this.#terms;
    if (last !== null && this.#demand === demand && last.log === log) return last;
    this.#demand = demand;
    return this.#terms = {
      ...demand,
      log,
      withdraw: (job, reason, policy) => host.withdraw(job as ClusterJob, reason, policy),
      over: (job) => host.over(job),
      wanted: (job) => host.wanted(job),
    };
  }
}

function bytesOf(args: readonly unknown[]): Uint8Array {
  if (movablesOf(args) !== null) {
    throw new UnsendableError(
      "nothing can be moved to another machine; send it without transfer()",
    );
  }
  return encode(args);
}

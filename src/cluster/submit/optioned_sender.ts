/** Handing in jobs with options of their own: what `cluster.with(…)` gives. */
import { checkSignal } from "../../kernel/checks.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { Addressed, AnyFunction, JobArguments, JobResult } from "../../parallel/jobs.ts";
import type { Job } from "../../parallel/pool/job.ts";
import { application, cancelOnAbort } from "../../parallel/pool/job_sender.ts";
import type { Engine } from "./engine.ts";
import {
  type ClusterDemand,
  type ClusterFuture,
  type ClusterJobOptions,
  type ClusterSender,
  demandOf,
} from "./options.ts";

/** Hands in jobs at one cluster, all on the same options. */
export class OptionedClusterSender implements ClusterSender {
  readonly #engine: Engine;
  readonly #demand: ClusterDemand;
  readonly #signal: AbortSignal | undefined;

  /** Checks the options. */
  constructor(engine: Engine, options: ClusterJobOptions) {
    this.#engine = engine;
    this.#demand = demandOf(engine.usual, options);
    this.#signal = checkSignal(options.signal);
  }

  /** Hands in a job. */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): ClusterFuture<JobResult<F>> {
    return this.#submit(job, args) as ClusterFuture<JobResult<F>>;
  }

  /** Hands in a job unless the queue is full. */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): ClusterFuture<JobResult<F>> {
    this.#engine.refuseIfFull();
    return this.submit(job, ...args);
  }

  /** Hands in a job and waits for it. */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>> {
    return application(job, () => this.#submit(job, args)) as Operation<JobResult<F>>;
  }

  #submit(job: Addressed<AnyFunction>, args: readonly unknown[]): Job & ClusterFuture<unknown> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const future = this.#engine.submit(job, args, this.#demand);
    if (signal !== undefined) cancelOnAbort(future, signal);
    return future;
  }
}

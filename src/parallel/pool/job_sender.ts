/**
 * Handing in jobs with options of their own: what `pool.with(…)` gives; and handing one in for the task
 * that waits for it, as `apply` and `inWorker` do, so that a cancel of the wait stops the job.
 */
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";
import {
  type Addressed,
  addressOf,
  type AnyFunction,
  type JobArguments,
  type JobResult,
} from "../jobs.ts";
import { checkPolicy, type Future } from "./future.ts";
import type { JobDemand } from "./job.ts";
import { checkLimit, checkPriority, type JobOptions, type JobSender } from "./options.ts";

/** What takes jobs: a pool, or a cluster. */
export interface JobTaker<D extends JobDemand> {
  /** Throws if as many jobs wait as should. */
  refuseIfFull(): void;
  /** Takes a job. */
  submit(job: Addressed<AnyFunction>, args: readonly unknown[], demand: D): WatchedFuture;
}

/** A future that can be watched without being observed. */
export interface WatchedFuture extends Future<unknown> {
  /** Calls `fn` once it has settled; a failure stays unobserved. */
  watch(fn: () => void): void;
}

/** How jobs are to be treated that were given these options. */
export function demandOf(usual: JobDemand, options: JobOptions): JobDemand {
  const { timeout, onCancel, priority } = options;
  return {
    limit: timeout === undefined ? usual.limit : checkLimit(timeout),
    onCancel: onCancel === undefined ? usual.onCancel : checkPolicy(onCancel),
    priority: priority === undefined ? usual.priority : checkPriority(priority),
  };
}

/** Hands in jobs, all on the same options. */
export class OptionedSender<D extends JobDemand> implements JobSender {
  readonly #taker: JobTaker<D>;
  readonly #demand: D;
  readonly #signal: AbortSignal | undefined;

  /** What takes them, how they are to be treated, and what cancels them. */
  constructor(taker: JobTaker<D>, demand: D, signal: AbortSignal | undefined) {
    this.#taker = taker;
    this.#demand = demand;
    this.#signal = signal;
  }

  /** Sends a job. */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Future<JobResult<F>> {
    return this.#submit(job, args) as Future<JobResult<F>>;
  }

  /** Sends a job unless the queue is full. */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Future<JobResult<F>> {
    this.#taker.refuseIfFull();
    return this.submit(job, ...args);
  }

  /** Sends a job and waits for it. */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>> {
    return waitFor("apply", job, () => this.#submit(job, args)) as Operation<JobResult<F>>;
  }

  #submit(job: Addressed<AnyFunction>, args: readonly unknown[]): Future<unknown> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const future = this.#taker.submit(job, args, this.#demand);
    if (signal !== undefined) cancelOnAbort(future, signal);
    return future;
  }
}

/** Cancels a job when a signal aborts, and listens no longer than the job lasts. */
function cancelOnAbort(job: WatchedFuture, signal: AbortSignal): void {
  const abort = (): void => void job.cancel(signal.reason);
  signal.addEventListener("abort", abort);
  job.watch(() => signal.removeEventListener("abort", abort));
}

/** Submits a job each time it is waited for, and waits for it. */
export function waitFor(
  verb: string,
  job: Addressed<AnyFunction>,
  submit: () => Future<unknown>,
): Operation<unknown> {
  const label = `${verb}(${addressOf(job).name})`;
  return operation(label, (wait: Wait<unknown>) => void new JobWait(label, submit(), wait));
}

/** A wait for a job that nobody else waits for. */
class JobWait implements WaitSource {
  readonly host = "bound";
  readonly #label: string;
  readonly #job: Future<unknown>;
  #given = true;

  constructor(label: string, job: Future<unknown>, wait: Wait<unknown>) {
    this.#label = label;
    this.#job = job;
    wait.park(this);
    job.link(() => {
      if (!this.#given) return; // the wait ends by its own cancel, not by the job's
      const { value, error, successful } = job;
      if (successful) wait.settle(value);
      else wait.fail(error);
    });
  }

  abandon(wait: Wait): boolean {
    this.#given = false;
    this.#job.cancel(wait.scope?.pending?.reason);
    return true;
  }

  toString(): string {
    return this.#label;
  }
}

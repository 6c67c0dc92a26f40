/**
 * Handing in jobs with options of their own: what `pool.with(…)` gives; and what `pool.apply` gives: a job that belongs to the task that waits for it, so that a cancel of the wait stops the job.
 */
import { checkOptions } from "../../kernel/checks.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { checkPolicy } from "./future.ts";
import type { JobOptions, JobSender } from "./options.ts";
import { checkLimit, checkPriority } from "./options.ts";
import type { Future } from "./future.ts";
import type { Job, JobDemand } from "./job.ts";
import type { JobDesk } from "./job_desk.ts";
import {
  type Addressed,
  addressOf,
  type AnyFunction,
  type JobArguments,
  type JobResult,
} from "../jobs.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";

/** Hands in jobs at one desk, all on the same options. */
export class OptionedSender implements JobSender {
  readonly #desk: JobDesk;
  readonly #demand: JobDemand;
  readonly #signal: AbortSignal | undefined;

  /** Checks the options. */
  constructor(desk: JobDesk, options: JobOptions) {
    const { timeout, signal, onCancel, priority } = checkOptions(options, "a job");
    const { usual } = desk;
    this.#desk = desk;
    this.#demand = {
      limit: timeout === undefined ? usual.limit : checkLimit(timeout),
      onCancel: onCancel === undefined ? usual.onCancel : checkPolicy(onCancel),
      priority: priority === undefined ? usual.priority : checkPriority(priority),
    };
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
    this.#desk.refuseIfFull();
    return this.submit(job, ...args);
  }

  /** Sends a job and waits for it. */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>> {
    return application(job, () => this.#submit(job, args)) as Operation<JobResult<F>>;
  }

  #submit(job: Addressed<AnyFunction>, args: readonly unknown[]): Job {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const future = this.#desk.submit(job, args, this.#demand);
    if (signal !== undefined) cancelOnAbort(future, signal);
    return future;
  }
}

/** Cancels a job when a signal aborts, and listens no longer than the job lasts. */
export function cancelOnAbort(job: Job, signal: AbortSignal): void {
  const abort = (): void => void job.cancel(signal.reason);
  signal.addEventListener("abort", abort);
  job.watch(() => signal.removeEventListener("abort", abort));
}

/** Submits a job each time it is waited for, and waits for it. */
export function application(
  job: Addressed<AnyFunction>,
  submit: () => Job,
): Operation<unknown> {
  const { name } = addressOf(job);
  return operation(`apply(${name})`, (wait: Wait<unknown>) => void new Application(submit(), wait));
}

/** One wait for a job of its own. */
class Application implements WaitSource {
  readonly host = "bound";
  readonly #job: Job;
  readonly #wait: Wait<unknown>;
  #given = true;

  constructor(job: Job, wait: Wait<unknown>) {
    this.#job = job;
    this.#wait = wait;
    wait.park(this);
    job.link(() => this.#settled());
  }

  abandon(wait: Wait): boolean {
    this.#given = false;
    this.#job.cancel(wait.scope?.pending?.reason);
    return true;
  }

  toString(): string {
    return String(this.#job);
  }

  #settled(): void {
    if (!this.#given) return;
    const { value, error, successful } = this.#job;
    if (successful) this.#wait.settle(value);
    else this.#wait.fail(error);
  }
}

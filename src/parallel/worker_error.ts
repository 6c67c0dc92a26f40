/** The errors that come of sending work to another thread. */
import { errorText, messageText, printable } from "../kernel/printable.ts";

/** A job could not be carried out for a reason that is not its own: it could not be found, or sent. */
export class WorkerError extends Error {
  /** The class name. */
  /** `"WorkerError"`. */
  override readonly name: string = "WorkerError";
  /** The job function's name. */
  readonly job: string;

  /** Says what became of the job. */
  constructor(job: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.job = job;
  }
}

/**
 * The worker ended while it had the job: by `Deno.exit`, `self.close`, or because it was given up.
 *
 * The job may have run in part or in full; it is not tried again. Jobs that the worker had not begun
 * are, unless their arguments had been moved to it and so are gone: the message says so.
 */
export class WorkerCrashedError extends WorkerError {
  /** The class name. */
  /** `"WorkerCrashedError"`. */
  override readonly name: string = "WorkerCrashedError";
}

/**
 * The function that was to get each worker ready (the pool's `initializer`) failed, so the pool has no
 * use any more: every job that it had, or is given later, fails with this error. What went wrong is
 * the `cause`. Workers are not tried again, because the next one would fail the same way.
 */
export class BrokenPoolError extends WorkerError {
  /** The class name. */
  /** `"BrokenPoolError"`. */
  override readonly name: string = "BrokenPoolError";
}

/** Says that a job cannot be carried out because the pool's workers cannot be got ready. */
export function brokenError(job: string, initializer: string, cause: unknown): BrokenPoolError {
  const why = errorText(cause);
  return new BrokenPoolError(
    job,
    `Cannot run job "${printable(job)}": the initializer "${
      printable(initializer)
    }" failed in a worker: ${why}`,
    { cause },
  );
}

/** Says that the module of a job cannot be loaded. */
export function loadError(
  job: string,
  cause: unknown,
  noun: "job " | "" = "job ",
): WorkerError {
  const why = messageText(cause);
  const hint = /^Requires \w+ access/.test(why)
    ? "; a worker needs that to load its jobs, also where its pool's option `permissions` says what it may do"
    : "";
  return new WorkerError(job, `Cannot load ${noun}"${printable(job)}": ${why}${hint}`, { cause });
}

/** Says that a job found no worker: its thread ended before it was up. */
export function startError(job: string, cause: unknown): WorkerError {
  const why = cause instanceof Error ? messageText(cause) : "it ended at once";
  const hint = /requires read access/i.test(why)
    ? ". A pool reads weft's own modules and those of its jobs, so it needs --allow-read for them"
    : "";
  return new WorkerError(
    job,
    `Cannot start a worker for job "${printable(job)}": ${why}${hint}`,
    cause === undefined ? undefined : { cause },
  );
}

/** How far a job had come that was lost with its worker. */
export type LostJob = "moved" | "running" | "unsent";

const lostWhen: Record<LostJob, string> = {
  moved: "its worker ended before it began, and its arguments had been moved there",
  running: "its worker ended while it ran",
  unsent: "its worker ended before its result was sent",
};

/** Says that a job was lost with its worker. */
export function crashError(job: string, lost: LostJob, cause: unknown): WorkerCrashedError {
  const what = lostWhen[lost];
  const why = cause instanceof Error ? `: ${messageText(cause)}` : "";
  return new WorkerCrashedError(
    job,
    `Cannot finish job "${printable(job)}": ${what}${why}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Says that the arguments or the result of a job cannot be sent. */
export function unsendable(job: string, what: "arguments" | "result", cause: unknown): WorkerError {
  const why = messageText(cause);
  return new WorkerError(job, `Cannot send the ${what} of job "${printable(job)}": ${why}`, {
    cause,
  });
}

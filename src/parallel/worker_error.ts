/** The errors that come of sending work to another thread. */

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
 * are, so they never see this error.
 */
export class WorkerCrashedError extends WorkerError {
  /** The class name. */
  /** `"WorkerCrashedError"`. */
  override readonly name: string = "WorkerCrashedError";
}

/** Says that a job was lost with its worker: while it ran, or without having been heard of. */
export function crashError(
  job: string,
  lost: "running" | "unsent",
  cause: unknown,
): WorkerCrashedError {
  const what = lost === "running"
    ? "its worker ended while it ran"
    : "its worker ended before its result was sent";
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new WorkerCrashedError(
    job,
    `Cannot finish job "${job}": ${what}${why}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Says that the arguments or the result of a job cannot be sent. */
export function unsendable(job: string, what: "arguments" | "result", cause: unknown): WorkerError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new WorkerError(job, `Cannot send the ${what} of job "${job}": ${why}`, { cause });
}

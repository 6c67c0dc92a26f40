/**
 * The worker side of weft: what the code of a job can use, and the program that every worker runs.
 *
 * As the main module of a worker this file waits for its pool's first message and serves it from then
 * on. Imported by a job's module, here or there, it only exports.
 *
 * @module
 */
import { awaitStart } from "./worker/job_runner.ts";

export { jobSignal } from "./worker/current_job.ts";
export { progress } from "./worker/current_job.ts";
export {
  type Addressed,
  type AnyFunction,
  type CannotBeSent,
  type HowToMakeAJob,
  type JobAddress,
  type JobArguments,
  type JobFunction,
  type JobItem,
  type JobResult,
  type Jobs,
  jobs,
  type Sendable,
  type SendableFunction,
} from "./jobs.ts";
export { type Movable, transfer } from "./transfer.ts";

if (import.meta.main && "WorkerGlobalScope" in globalThis) awaitStart();

/**
 * What a job tells on its way: how far it has come, and what it writes to the console.
 *
 * Each is a message of its own, sent at once: a job that computes gives this thread no other time to send
 * it. It overtakes no result and none overtakes it, because all go through one port.
 */
import { type LogLevel, logLevels, type LogMessage, type ProgressMessage } from "../thread/wire.ts";
import { currentJob } from "./job_signal.ts";

let post: (message: ProgressMessage | LogMessage) => void = () => {};

/** Where reports go from now on. */
export function reportTo(target: (message: ProgressMessage | LogMessage) => void): void {
  post = target;
}

/**
 * Reports a value from within a job, to the reader of `future.progress()`, or to the option `onProgress` of
 * a map. Never waits, and never slows down for a reader: of what is not read in time, the oldest is dropped.
 *
 * In plain and async jobs it can be called anywhere until the job is over, in a task body wherever a task of
 * its own runs. Where no job runs, as when a job function is called directly, and once the job is over or
 * cancelled, it has no effect. A report costs some ten microseconds: report now and then, not for every item.
 * See `Future.progress` for an example.
 *
 * @param value What to report: it is cloned, so it holds no function, and nothing that is shared by weft's
 *   own primitives.
 * @throws {DOMException} `DataCloneError`, if it cannot be cloned.
 */
export function progress(value: unknown): void {
  const job = currentJob();
  if (job !== null) post(["progress", job.slot, job.index, value]);
}

/** From now on what this thread writes to the console goes to the pool, with the job whose code writes it. */
export function captureConsole(): void {
  for (const level of logLevels) {
    console[level] = (...parts: unknown[]) => {
      const job = currentJob();
      post(["log", job?.slot ?? -1, job?.index ?? -1, level satisfies LogLevel, textOf(parts)]);
    };
  }
}

/** The line as the console would write it; what cannot be shown must not fail the job that shows it. */
function textOf(parts: readonly unknown[]): string {
  try {
    return process.getBuiltinModule("node:util").format(...parts);
  } catch {
    return "a line that cannot be shown";
  }
}

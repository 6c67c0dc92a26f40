/** Telling of a failure: whose connection it was, and what happened. */
import { guarded } from "../kernel/callback.ts";
import { errorText } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import { addressText } from "../net/address.ts";
import { WorkerCrashedError } from "../parallel/worker_error.ts";
import { currentTask } from "../tasks/run.ts";
import type { Report } from "./crowd.ts";

/**
 * Reports to `onError`, or warns in the run of the current task. What `onError` throws is its own failure,
 * and warned of, too.
 */
export function reporter(server: string, onError: Report | undefined): Report {
  const scheduler = schedulerOf(currentTask());
  const warn = (text: string): void => scheduler.warn(text);
  return guarded(
    onError ??
      ((error, peer) => warn(`${server}: ${failedText(error, peer)}: ${errorText(error)}`)),
    `The onError of ${server}`,
    warn,
  );
}

function failedText(error: unknown, peer: Deno.Addr | undefined): string {
  if (peer !== undefined) return `the handler failed for ${addressText(peer)}`;
  if (error instanceof WorkerCrashedError) return "a worker was lost, and is started again";
  return "accepting failed, and is tried again";
}

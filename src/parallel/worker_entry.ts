/**
 * The worker side of weft: what the code of a job can use, and the program that every worker runs.
 *
 * As the main module of a worker this file waits for its pool's first message and serves it from then
 * on. Imported by a job's module, here or there, it only exports.
 *
 * A worker that exits loses what it has not sent. `Deno.exit` and `process.exit` announce themselves
 * by `unload`; `self.close` does not, so it is wrapped.
 *
 * @module
 */
import { JobRunner } from "./worker/job_runner.ts";
import { takeTicket } from "./thread/thread_id.ts";
import type { StartMessage, ToWorker } from "./thread/wire.ts";

export { jobSignal } from "./worker/job_signal.ts";
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

/** What a worker's global object has besides; the library types cover the main thread. */
interface WorkerRealm extends EventTarget {
  close(): void;
}

if (import.meta.main && "WorkerGlobalScope" in globalThis) {
  const realm = globalThis as unknown as WorkerRealm;
  const start = (event: Event): void => {
    const data = (event as MessageEvent<StartMessage | null>).data;
    if (data?.kind !== "weft.start") return;
    realm.removeEventListener("message", start);
    serve(realm, data);
  };
  realm.addEventListener("message", start);
}

function serve(realm: WorkerRealm, { port, words, setUp, party }: StartMessage): void {
  takeTicket(party);
  const runner = new JobRunner(port, words);
  const close = realm.close;
  realm.close = () => {
    runner.leave("it called self.close()");
    close.call(realm);
  };
  realm.addEventListener("unload", () => runner.leave(`it called Deno.exit(${Deno.exitCode})`));
  // Unhandled, either would end this worker and print a report that nobody can act on.
  realm.addEventListener("error", (event) => {
    event.preventDefault();
    runner.stray((event as ErrorEvent).error ?? new Error((event as ErrorEvent).message));
  });
  realm.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    runner.stray((event as PromiseRejectionEvent).reason);
  });
  port.onmessage = (event: MessageEvent<ToWorker>) => runner.hear(event.data);
  runner.begin(setUp);
}

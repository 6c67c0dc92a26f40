/**
 * The life of a worker of a pool: it waits for the first message, and serves it from then on.
 *
 * A worker that exits loses what it has not sent. `Deno.exit` and `process.exit` announce themselves
 * by `unload`; `self.close` does not, so it is wrapped.
 *
 * What runs task bodies, unpacks shared primitives and keeps time limits is loaded when it is first
 * needed. An `import("./part.ts")` with the path written out belongs to the module graph, which Deno reads
 * whole at the start of each worker: a hundred files where twenty are run, a sixth of the processor time
 * that the start of a pool takes (measured). A path that is worked out is followed only when it is asked
 * for, and then takes the permission to read it; a worker that may lack that starts with whole_entry.ts.
 */
import { takeTicket } from "../thread/table.ts";
import type { StartMessage, ToWorker } from "../thread/wire.ts";
import { captureConsole } from "./current_job.ts";
import { JobRunner, type WorkerParts } from "./job_runner.ts";

/** What a worker's global object has besides; the library types cover the main thread. */
interface WorkerRealm extends EventTarget {
  close(): void;
}

function load<T>(path: string): Promise<T> {
  return import(import.meta.resolve(path));
}

const partsByPath: WorkerParts = {
  taskRunner: () => load("./task_runner.ts"),
  unpacking: () => load("../shared/unpack.ts"),
  timeLimits: () => load("./time_limit.ts"),
};

/** Waits for the first message of the pool, and serves it from then on. */
export function awaitStart(parts: WorkerParts = partsByPath): void {
  const realm = globalThis as unknown as WorkerRealm;
  const start = (event: Event): void => {
    const data = (event as MessageEvent<StartMessage | null>).data;
    if (data?.kind !== "weft.start") return;
    realm.removeEventListener("message", start);
    serve(realm, data, parts);
  };
  realm.addEventListener("message", start);
}

function serve(
  realm: WorkerRealm,
  { port, words, setUp, ticket, log }: StartMessage,
  parts: WorkerParts,
): void {
  takeTicket(ticket);
  const runner = new JobRunner(port, words, parts);
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
  if (log) captureConsole();
  runner.begin(setUp);
}

/**
 * The life of a worker of a pool: it waits for the first message, and serves it from then on.
 *
 * What runs task bodies, unpacks shared primitives and keeps time limits is loaded when it is first
 * needed. An `import("./part.ts")` with the path written out belongs to the module graph, which Deno reads
 * whole at the start of each worker: a hundred files where twenty are run, a sixth of the processor time
 * that the start of a pool takes (measured). A path that is worked out is followed only when it is asked
 * for, and then takes the permission to read it; a worker that may lack that starts with whole_entry.ts.
 */
import { awaitFirst, watchErrors, watchLeaving } from "../thread/realm.ts";
import type { StartMessage, ToWorker } from "../thread/wire.ts";
import { captureConsole } from "./current_job.ts";
import { JobRunner, type WorkerParts } from "./job_runner.ts";

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
  awaitFirst<StartMessage>("weft.start", ({ port, words, setUp, log }) => {
    const runner = new JobRunner(port, words, parts);
    watchLeaving((how) => runner.leave(`it called ${how}`));
    watchErrors((error) => runner.stray(error));
    port.onmessage = (event: MessageEvent<ToWorker>) => runner.hear(event.data);
    if (log) captureConsole();
    runner.begin(setUp);
  });
}

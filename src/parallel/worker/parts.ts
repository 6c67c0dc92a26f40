/**
 * What a worker loads when it first meets what it is for: a job that is a task body, a shared primitive,
 * a time limit.
 *
 * An `import("./part.ts")` with the path written out belongs to the module graph, which Deno reads whole
 * at the start of each worker: a hundred files where twenty are run, a sixth of the processor time that
 * the start of a pool takes (measured). A path that is worked out is followed only when it is asked for,
 * and then takes the permission to read it; a worker that may lack that starts with whole_entry.ts.
 */
import type { TimeLimits } from "./time_limit.ts";
import type { TaskRunner } from "./task_runner.ts";
import type { unpackArguments } from "../shared/unpack.ts";

/** How each part is loaded. */
export interface WorkerParts {
  /** What runs task bodies: the scheduler, too. */
  taskRunner(): Promise<{ TaskRunner: typeof TaskRunner }>;
  /** What unpacks shared primitives: their classes, too. */
  unpacking(): Promise<{ unpackArguments: typeof unpackArguments }>;
  /** What holds calls to their time limits. */
  timeLimits(): Promise<{ TimeLimits: typeof TimeLimits }>;
}

function load<T>(path: string): Promise<T> {
  return import(import.meta.resolve(path));
}

/** The parts of this worker. */
export const parts: WorkerParts = {
  taskRunner: () => load("./task_runner.ts"),
  unpacking: () => load("../shared/unpack.ts"),
  timeLimits: () => load("./time_limit.ts"),
};

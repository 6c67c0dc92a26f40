/**
 * The program of a worker that has permissions of its own, and perhaps may not read weft's files: here
 * all of them are in the module graph, which is read before the worker's permissions count.
 */
import { awaitStart } from "./job_runner.ts";

awaitStart({
  taskRunner: () => import("./task_runner.ts"),
  unpacking: () => import("../shared/unpack.ts"),
  timeLimits: () => import("./time_limit.ts"),
});

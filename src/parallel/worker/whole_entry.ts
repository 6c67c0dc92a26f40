/**
 * The program of a worker that has permissions of its own, and perhaps may not read weft's files: here
 * all of them are in the module graph, which is read before the worker's permissions count.
 */
import { parts } from "./parts.ts";
import { awaitStart } from "./start.ts";

parts.taskRunner = () => import("./task_runner.ts");
parts.unpacking = () => import("../shared/unpack.ts");
parts.timeLimits = () => import("./time_limit.ts");
awaitStart();

/** Everything of `tasks`, for the layers above. */
export { all, type AllResults, race } from "./all.ts";
export { Group, group, type GroupOptions } from "./group.ts";
export { type AsCompleted, asCompleted, cancelAll, joinAll, type JoinAllOptions } from "./join.ts";
export { createLocal, Local } from "./local.ts";
export { type EitherGenerator, perform, type Work, type WorkResult } from "./perform.ts";
export { currentTask, run, type RunOptions } from "./run.ts";
export { shield } from "./shield.ts";
export { cede, sleep } from "./sleep.ts";
export { spawn, spawnLater } from "./spawn.ts";
export { moveOnAfter, withTimeout } from "./timeout.ts";
export { wait, type WaitOptions, type WaitTarget } from "./wait.ts";

/**
 * weft: three ways to do many things at once on Deno, with the same verbs.
 *
 * @module
 */
export {
  BusyError,
  Cancelled,
  type CancelSource,
  ClosedError,
  DeadlockError,
  GroupError,
  InternalError,
  RunFinishedError,
  TimeoutError,
  WouldBlock,
} from "./src/kernel/errors.ts";
export type { Operation } from "./src/kernel/operation.ts";
export { Task, type TaskBody } from "./src/kernel/task.ts";
export { currentTask, run, type RunOptions } from "./src/tasks/run.ts";
export { spawn, spawnLater } from "./src/tasks/spawn.ts";
export { cede, sleep } from "./src/tasks/sleep.ts";
export { moveOnAfter, withTimeout } from "./src/tasks/timeout.ts";
export { shield } from "./src/tasks/shield.ts";
export { Group, group, type GroupOptions } from "./src/tasks/group.ts";
export { all, type AllResults, race } from "./src/tasks/all.ts";
export {
  type AsCompleted,
  asCompleted,
  cancelAll,
  joinAll,
  type JoinAllOptions,
} from "./src/tasks/join.ts";
export { wait, type WaitOptions, type WaitTarget } from "./src/tasks/wait.ts";
export { createLocal, Local } from "./src/tasks/local.ts";
export type { EitherGenerator, Work, WorkResult } from "./src/tasks/perform.ts";
export { Lock, type LockGuard, type LockStatistics } from "./src/sync/lock.ts";
export { Queue, type QueueStatistics } from "./src/sync/queue.ts";

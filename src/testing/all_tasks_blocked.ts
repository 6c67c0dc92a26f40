/**
 * Waiting until nobody else can go on: what a test does before it looks at how far others have come.
 *
 * A count of `yield`s would do until somebody adds a step. The scheduler knows: it is when it would go
 * idle, before time moves. (Trio's `wait_all_tasks_blocked`.)
 */
import { type Operation, operation } from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Wait } from "../kernel/wait.ts";

/**
 * Waits until every other task of the run waits for something, be it for time or for the host. No time
 * passes meanwhile on a virtual clock. Several who wait for this go on together.
 *
 * @example A consumer that has reached its wait
 * ```ts
 * import { Queue, run, spawn } from "@weft/weft";
 * import { allTasksBlocked } from "@weft/weft/testing";
 * await run(async function* () {
 *   const queue = new Queue<number>();
 *   spawn(async function* () {
 *     yield;
 *     yield* queue.get();
 *   });
 *   yield* allTasksBlocked();
 *   if (queue.statistics().getting !== 1) throw new Error("it does not wait yet");
 *   queue.tryPut(1);
 * });
 * ```
 *
 * @returns An operation; a cancel ends it at once.
 */
export function allTasksBlocked(): Operation<void> {
  return operation("allTasksBlocked()", (wait: Wait<void>) => {
    schedulerOf(wait.task).parkUntilBlocked(wait);
  });
}

/**
 * Shared primitives on the side where they arrive.
 *
 * Every class of them is loaded with this file, so it is imported when the first one comes: a worker that
 * never meets one starts as fast as if there were none, and the code of a job may know a primitive by its
 * type alone.
 */
import "../../tasks/run.ts"; // so that their operations can be awaited outside of tasks
import "./barrier.ts";
import "./condition.ts";
import "./event.ts";
import "./list.ts";
import "./lock.ts";
import "./map.ts";
import "./semaphore.ts";
import "./pipe.ts";
import "./queue.ts";
import "./value.ts";
import { holdsHandle, unpackShared } from "./pack.ts";

/** Unpacks some of a list of arguments in place. */
export function unpackArguments(args: readonly unknown[], packed: Iterable<number>): void {
  for (const index of packed) {
    if (holdsHandle(args[index])) (args as unknown[])[index] = unpackShared(args[index]);
  }
}

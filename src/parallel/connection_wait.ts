/**
 * Waiting for the first of several things that other threads do: what comes through a pipe, a job that
 * settles, a process that ends.
 *
 * Each is waited for by an operation that takes nothing, so several callers may wait for the same, and a
 * caller takes what it was told of afterwards, without waiting.
 */
import { checkMs, isInstance } from "../kernel/checks.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import { show } from "../kernel/printable.ts";
import { race } from "../tasks/race.ts";
import { moveOnAfter } from "../tasks/time.ts";
import type { Future } from "./pool/future.ts";
import { ExitFuture } from "./process/exit_future.ts";
import { WorkerProcess } from "./process/worker_process.ts";
import { Connection } from "./shared/pipe.ts";
import { IN } from "./shared/ready_handle.ts";

/** What {@linkcode connectionWait} takes: an end of a pipe, a future, a process or its `exitFuture`. */
export type Waitable = Connection | Future<unknown> | ExitFuture | WorkerProcess;

/** How one of them is looked at, and waited for. */
interface Look {
  isReady(): boolean;
  wait(): Operation<unknown>;
}

/**
 * Waits until something is ready in at least one of several objects, and evaluates to those that are, in
 * the order of the list: an end that has something to receive, or has reached its end of file or is
 * closed; a future that has settled; a process that has ended. Nothing is taken.
 *
 * After Python's `multiprocessing.connection.wait`. A cancel leaves all of them as they were.
 *
 * @example The one that speaks first
 * ```ts
 * import { connectionWait, pipe, run } from "@weft/weft";
 * await run(async function* () {
 *   const [[a, b], [c, d]] = [pipe<string>(), pipe<string>()];
 *   d.trySend("hello");
 *   const ready = yield* connectionWait([a, c]);
 *   if (ready.length !== 1 || ready[0]!.tryRecv() !== "hello") throw new Error();
 *   b.close();
 *   if ((yield* connectionWait([a, c], 1000))[0] !== a) throw new Error(); // its end of file
 * });
 * ```
 *
 * @typeParam T What is waited for.
 * @param objects Ends of pipes, futures, processes; an empty list is answered at once.
 * @param ms How long to wait at most; then the list is empty. @default for ever
 * @throws {TypeError} If one of them cannot be waited for.
 * @throws {RangeError} If `ms` is no time.
 */
export function connectionWait<T extends Waitable>(
  objects: readonly T[],
  ms?: number,
): Operation<T[]> {
  if (!isInstance(objects, Array)) {
    throw new TypeError(`Cannot wait for ${show(objects)}: it must be an array of ends, futures …`);
  }
  const looks = objects.map(lookAt);
  if (ms !== undefined) checkMs(ms, "a timeout");
  return sequence("connectionWait()", function* () {
    const ready = (): T[] => objects.filter((_, i) => looks[i]!.isReady());
    if (looks.length === 0 || ms === 0 || ready().length > 0) return ready();
    const first = race(looks.map((look) => look.wait()));
    yield* ms === undefined ? first : moveOnAfter(ms, first);
    return ready();
  });
}

function lookAt(object: unknown): Look {
  if (object instanceof Connection) {
    return {
      isReady: () => (object.handle.ready & IN) !== 0 || object.closed,
      wait: () => object.readiness(),
    };
  }
  if (object instanceof WorkerProcess) return lookAt(object.exitFuture);
  if (object instanceof ExitFuture) return { isReady: () => object.done, wait: () => object.end() };
  if (isFuture(object)) return { isReady: () => object.done, wait: () => settled(object) };
  throw new TypeError(
    `Cannot wait for ${show(object)}: it must be an end of a pipe, a future, or a process`,
  );
}

function isFuture(object: unknown): object is Future<unknown> {
  return typeof object === "object" && object !== null && "done" in object && "link" in object &&
    "get" in object && typeof object.get === "function";
}

/** Waits for a future, and takes no notice of its result. */
function settled(future: Future<unknown>): Operation<void> {
  return sequence(`${future}`, function* () {
    try {
      yield* future.get();
    } catch (error) {
      if (!future.done) throw error;
    }
  });
}

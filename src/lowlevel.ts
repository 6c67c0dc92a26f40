/**
 * For people who extend weft: operations and waits, wait queues, instruments, policies, clocks, and a
 * run that is driven by hand.
 *
 * @module
 */
import { checkFunction, checkOptionalFunction, hasMethod, isRevoked } from "./kernel/checks.ts";
import { isAsync } from "./kernel/generators.ts";
import * as unchecked from "./kernel/operation.ts";
import { show } from "./kernel/printable.ts";
import type { Wait } from "./kernel/wait.ts";

export type { HeapItem } from "./internal/heap.ts";
export { type Choose, seededChoose } from "./kernel/choose.ts";
export { type Clock, SystemClock, Timer, Timers, type TimersOptions } from "./kernel/clock.ts";
export { currentScope } from "./kernel/context.ts";
export type { CaseOrder } from "./kernel/choose.ts";
export {
  CancelScope,
  type Dependent,
  Entered,
  type EnterOptions,
  type Locals,
} from "./kernel/scope.ts";
export { reportCycle } from "./kernel/deadlock.ts";
export { formatTaskTree, type TreeOptions } from "./kernel/report.ts";
export type { CompletionHandler } from "./kernel/fast_routine.ts";
export {
  heldResources,
  hold,
  type Holder,
  type Holding,
  letGo,
  type Resource,
} from "./kernel/resource.ts";
export type { Instrument } from "./kernel/instrument.ts";
export { type Label, NOT_NOW, type OperationOptions } from "./kernel/operation.ts";
export type { Maker } from "./kernel/forgotten.ts";
export type { BudgetHost, HostWaits } from "./kernel/turn.ts";
export type { Policy } from "./kernel/ready_queue.ts";
export { AsyncSide } from "./kernel/trap.ts";
export { RunLife, type RunLifeOptions, type WindCancel } from "./kernel/run_life.ts";
export { Scheduler, schedulerOf } from "./kernel/scheduler.ts";
export { NOTHING, type Parts } from "./kernel/errors.ts";
export { spawnSite, waitSites } from "./kernel/sites.ts";
export type { Keeper } from "./kernel/task_end.ts";
export type { Overseer, SchedulerOptions, TaskHost } from "./kernel/scheduler_options.ts";
export type { TaskState } from "./kernel/task.ts";
export type { TaskGenerator, TaskName } from "./kernel/generators.ts";
export {
  type HostPart,
  type Resumer,
  type Startable,
  Wait,
  type WaitSource,
  type WaitState,
} from "./kernel/wait.ts";
export { type QueueOwner, WaitQueue } from "./kernel/wait_queue.ts";
export type { DatagramReceiver, Received } from "./io/datagram.ts";
export type { DatagramSender } from "./io/datagram_sender.ts";
export type { Fault } from "./io/errors.ts";
export type { Framing } from "./io/waiting.ts";
export type { Counter, OutgoingDatagram } from "./io/datagram_sender.ts";
export type { Timeout } from "./io/waiting.ts";
export type { NativeDatagram, NativeListener, NativeStream } from "./io/native.ts";
export type { StreamReader } from "./io/stream_reader.ts";
export type { StreamWriter } from "./io/stream_writer.ts";
export type { NativeReader, NativeWriter } from "./io/native.ts";
export type { Sender } from "./io/waiting.ts";

// -- Operations, with what they are given checked --

// The library's own are made some hundred thousand times a second by code that the compiler has checked, and
// go without. A stranger's mistake would show late there, or never: a sequence over an `async function*` gives
// a promise for each step, none of which says that it is the last.

/**
 * Makes an operation from the one call that begins it.
 *
 * `begin` runs in the waiting task's step. It must end the wait (`wait.settle`, `wait.fail`), park it
 * (`wait.park(source)`, usually by a wait queue), or throw. It is not called when a cancel is pending.
 * When it settles at once, the task goes on without a turn as long as its step has some of its budget left.
 *
 * @example A wait that ends at once
 * ```ts
 * import { run } from "@weft/weft";
 * import { operation } from "@weft/weft/lowlevel";
 * const seven = operation<number>("seven", (wait) => wait.settle(7));
 * const value = await run(function* () {
 *   return yield* seven;
 * });
 * if (value !== 7) throw new Error(String(value));
 * ```
 *
 * @typeParam T What it evaluates to.
 * @param label How reports name it, as in `Queue#1.get()`.
 * @param begin Begins the wait.
 * @param options Whether nobody has to wait for it, and how to give back its value.
 * @returns An operation that calls `begin` each time it is waited for.
 * @throws {TypeError} If the label cannot be shown, or `begin` cannot be called.
 */
export function operation<T>(
  label: unchecked.Label,
  begin: (wait: Wait<T>) => void,
  options: unchecked.OperationOptions<T> | null = null,
): unchecked.Operation<T> {
  checkLabel(label, "an operation");
  checkFunction(begin, "what begins an operation");
  return unchecked.operation(label, begin, checkChoices(options, "an operation"));
}

/**
 * Makes an operation from a `function*` over other operations, run within the waiting task.
 *
 * @typeParam T What it evaluates to.
 * @param label How reports name it.
 * @param body Called each time the operation is waited for.
 * @param options Whether nobody has to wait for it, and how to give back its value.
 * @returns An operation that evaluates to what the body returns.
 * @throws {TypeError} If the label cannot be shown, or the body cannot be called; and where it is waited for, if
 * the body gives no generator of a `function*`.
 */
export function sequence<T>(
  label: unchecked.Label,
  body: () => Iterator<unknown, T, unknown>,
  options: unchecked.OperationOptions<T> | null = null,
): unchecked.Operation<T> {
  checkLabel(label, "a sequence");
  checkFunction(body, "the body of a sequence");
  const checked = (): Iterator<unknown, T, unknown> => checkSteps(body());
  return unchecked.sequence(label, checked, checkChoices(options, "a sequence"));
}

function checkLabel(label: unknown, of: string): void {
  if (typeof label === "string" || (typeof label === "object" && hasMethod(label, "toString"))) {
    return;
  }
  throw new TypeError(
    `Cannot use ${
      show(label)
    } as the label of ${of}: it must be a string, or an object with a toString()`,
  );
}

function checkChoices<T>(
  options: unchecked.OperationOptions<T> | null,
  of: string,
): unchecked.OperationOptions<T> | null {
  if (options === null) return null;
  if (typeof options === "object" && !isRevoked(options)) {
    checkOptionalFunction(options.now, `what does ${of} at once`);
    return options;
  }
  throw new TypeError(`Cannot use ${show(options)} as options of ${of}: they must be an object`);
}

function checkSteps<I>(steps: I): I {
  if (typeof steps === "object" && hasMethod(steps, "next") && !isAsync(steps as object)) {
    return steps;
  }
  throw new TypeError(
    `Cannot run ${
      show(steps)
    } as a sequence: its body must be a function*, or give such a generator`,
  );
}

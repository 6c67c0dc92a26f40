/**
 * For people who extend weft: operations and waits, wait queues, instruments, policies, clocks, and a
 * run that is driven by hand.
 *
 * @module
 */
export type { HeapItem } from "./internal/heap.ts";
export { type Choose, seededChoose } from "./kernel/choose.ts";
export { type Clock, type HostWaits, SystemClock } from "./kernel/clock.ts";
export { currentScope } from "./kernel/context.ts";
export type { CaseOrder } from "./kernel/choose.ts";
export { Entered, type EnterOptions } from "./kernel/enter_scope.ts";
export { reportCycle } from "./kernel/deadlock.ts";
export { formatTaskTree, type TreeOptions } from "./kernel/report.ts";
export type { CompletionHandler } from "./kernel/fast_routine.ts";
export type { Holder, Holding } from "./kernel/holding.ts";
export type { Instrument } from "./kernel/instrument.ts";
export { operation, sequence } from "./kernel/checked_operation.ts";
export { type Label, NOT_NOW, type OperationOptions } from "./kernel/operation.ts";
export type { Maker } from "./kernel/forgotten.ts";
export type { BudgetHost } from "./kernel/budget.ts";
export type { Policy } from "./kernel/ready_queue.ts";
export { AsyncSide } from "./kernel/promised_wait.ts";
export { heldResources, hold, letGo, type Resource } from "./kernel/resource.ts";
export { RunLife, type RunLifeOptions, type WindCancel } from "./kernel/run_life.ts";
export {
  type Overseer,
  Scheduler,
  schedulerOf,
  type SchedulerOptions,
} from "./kernel/scheduler.ts";
export { NOTHING, type Parts } from "./kernel/errors.ts";
export { CancelScope, type Dependent, type Locals } from "./kernel/scope.ts";
export { spawnSite, waitSites } from "./kernel/sites.ts";
export type { Keeper } from "./kernel/rare_fields.ts";
export type { TaskHost } from "./kernel/scheduler_options.ts";
export type { TaskState } from "./kernel/task.ts";
export type { TaskGenerator, TaskName } from "./kernel/generators.ts";
export { Timer, Timers, type TimersOptions } from "./kernel/timers.ts";
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

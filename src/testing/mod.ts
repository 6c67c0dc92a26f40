/**
 * Tools for testing programs written with weft, and weft itself.
 *
 * {@linkcode VirtualClock} makes hours pass in milliseconds; {@linkcode sweepCancel} cancels a body at each
 * of its checkpoints in turn; {@linkcode assertCheckpoint} and {@linkcode assertNoCheckpoint} hold operations
 * to their promise; {@linkcode ledgered} shows that a test leaves nothing behind; {@linkcode HandRun} gives
 * out the steps of a run one by one; {@linkcode memoryStreamPair} makes connections in memory, and cuts what
 * is sent on them to pieces.
 *
 * @module
 */
export type { Clock } from "../kernel/clock.ts";
export type { HostWaits } from "../kernel/turn.ts";
export { HandRun } from "./hand_run.ts";
export { allTasksBlocked } from "./all_tasks_blocked.ts";
export { assertCheckpoint, assertNoCheckpoint } from "./checkpoint.ts";
export { MemoryStream, type MemoryStreamOptions, memoryStreamPair } from "../io/memory_stream.ts";
export { Ledger, ledgered } from "./ledger.ts";
export {
  type Strike,
  Struck,
  sweepCancel,
  type SweepOptions,
  type SweepResult,
} from "./cancel_sweep.ts";
export { VirtualClock, type VirtualClockOptions } from "./virtual_clock.ts";

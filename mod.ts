/**
 * weft: three ways to do many things at once on Deno, with the same verbs.
 *
 * **Coroutines.** {@linkcode run} runs a task body, an `async function*` or a `function*`, and owns
 * everything in it. {@linkcode spawn} makes more tasks, {@linkcode group}, {@linkcode all} and
 * {@linkcode race} make some that end together, {@linkcode withTimeout} and {@linkcode shield} bound what
 * a cancel reaches. Tasks wait with `yield*` (or `yield`, or `await`) for operations: {@linkcode sleep},
 * a {@linkcode Queue}, a {@linkcode Lock}, a {@linkcode Socket}, any promise by {@linkcode wait}.
 *
 * **Polling.** {@linkcode poll} makes an {@linkcode EventRegistry}, which tells which of many handles are
 * ready, as `select.poll` of Python does.
 *
 * **Workers.** {@linkcode WorkerPool} runs {@linkcode jobs} in parallel. {@linkcode WorkerProcess} is a process
 * after `multiprocessing`, as a worker or as a real one, and a {@linkcode Crew} keeps a number of them alive
 * that share a port. Between them go {@linkcode pipe}s and {@linkcode SharedQueue}s, and they share memory:
 * {@linkcode SharedValue}, {@linkcode SharedArray}, {@linkcode SharedMap}, under a {@linkcode SharedLock}.
 *
 * **Servers.** {@linkcode serve} gives each connection a task; {@linkcode StreamServer} and
 * {@linkcode DatagramServer} run one handler by tasks, by polling, by workers, or one client after the other.
 *
 * **What goes on in there.** {@linkcode taskTree}, {@linkcode Timeline}, {@linkcode monitor},
 * {@linkcode watchdog}; and {@linkcode simulate} for scheduling policies, which also run live tasks.
 *
 * @example One task waits for another
 * ```ts
 * import { run, sleep, spawn } from "@weft/weft";
 * const value = await run(async function* () {
 *   const task = spawn(async function* () {
 *     yield* sleep(1);
 *     return "done";
 *   });
 *   return yield* task.get();
 * });
 * if (value !== "done") throw new Error(value);
 * ```
 *
 * @module
 */
export {
  AbandonedError,
  BrokenBarrierError,
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
export { Task } from "./src/kernel/task.ts";
export type { TaskBody, Untyped } from "./src/kernel/generators.ts";
export { currentTask, run, type RunOptions, spawn, spawnLater } from "./src/tasks/run.ts";
export {
  cede,
  effectiveDeadline,
  moveOnAfter,
  moveOnAt,
  now,
  sleep,
  withTimeout,
} from "./src/tasks/time.ts";
export { cancelScope, type CancelScopeOptions, Scope, shield } from "./src/tasks/cancel_scope.ts";
export { Group, group, type GroupOptions } from "./src/tasks/group.ts";
export { all, type AllResults } from "./src/tasks/all.ts";
export {
  type FirstOutcome,
  race,
  type RaceResult,
  waitFirst,
  type WaitFirstOptions,
} from "./src/tasks/race.ts";
export {
  type AsCompleted,
  asCompleted,
  type AsCompletedOptions,
  cancelAll,
  type Ended,
  type Ending,
  joinAll,
  type JoinAllOptions,
} from "./src/tasks/join.ts";
export {
  type Strategy,
  supervise,
  type SuperviseOptions,
  SupervisionError,
} from "./src/tasks/supervise.ts";
export type {
  Backoff,
  ChildBody,
  Children,
  ChildSpec,
  Intensity,
  Restart,
} from "./src/tasks/restart.ts";
export { TaskPool, type TaskPoolShutdownOptions } from "./src/tasks/task_pool.ts";
export type { TaskPoolStatistics } from "./src/tasks/task_pool_places.ts";
export type { Items } from "./src/tasks/task_pool_map.ts";
export {
  type OnItemError,
  PoolResults,
  type ResultsRun,
  type TaskImapOptions,
  type TaskMapOptions,
} from "./src/tasks/task_pool_imap.ts";
export {
  type EventOf,
  type EventOverflow,
  EventOverflowError,
  EventsOf,
  eventsOf,
  type EventsOfOptions,
  type EventsOfStatistics,
  External,
  external,
} from "./src/tasks/external_events.ts";
export { wait, type WaitOptions, type WaitTarget } from "./src/tasks/wait.ts";
export { createLocal, Local } from "./src/tasks/local.ts";
export type { EitherGenerator, Hint, Work, WorkResult } from "./src/tasks/perform.ts";
export { AsyncResult, type AsyncResultStatistics } from "./src/sync/async_result.ts";
export { Barrier, type BarrierStatistics } from "./src/sync/barrier.ts";
export {
  Broadcast,
  type BroadcastOptions,
  type BroadcastStatistics,
} from "./src/sync/broadcast.ts";
export { LaggedError, type LagRule } from "./src/sync/broadcast_log.ts";
export { CapacityLimiter, type CapacityLimiterStatistics } from "./src/sync/capacity_limiter.ts";
export { Channel, ChannelReceiver, ChannelSender } from "./src/sync/channel.ts";
export { type ChannelStatistics, EndOfChannel } from "./src/sync/channel_core.ts";
export { Condition, type ConditionStatistics } from "./src/sync/condition.ts";
export { Event, type EventStatistics } from "./src/sync/event.ts";
export type { ItemStore } from "./src/sync/items.ts";
export { LifoQueue } from "./src/sync/lifo_queue.ts";
export type { Borrower } from "./src/sync/capacity_limiter.ts";
export {
  Lock,
  type LockGuard,
  type LockStatistics,
  RLock,
  type RLockStatistics,
} from "./src/sync/lock.ts";
export { type Compare, PriorityQueue } from "./src/sync/priority_queue.ts";
export { Queue, type QueueStatistics } from "./src/sync/queue.ts";
export { BoundedSemaphore, Semaphore, type SemaphoreStatistics } from "./src/sync/semaphore.ts";
export { Subscription, type SubscriptionStatistics } from "./src/sync/broadcast.ts";
export { BrokenError, bytesSent, IncompleteError, LimitError } from "./src/io/errors.ts";
export type { TlsClientOptions, TlsServerOptions } from "./src/io/tls.ts";
export {
  bindDatagram,
  DatagramSocket,
  Membership,
  type UdpAddress,
  type UdpOptions,
  type UnixAddress,
  type UnixPacketOptions,
} from "./src/net/datagram_socket.ts";
export {
  connect,
  Socket,
  socketPair,
  type TcpConnectOptions,
  type UnixConnectOptions,
} from "./src/net/socket.ts";
export { alarm, type AlarmOptions, EventStream, signals } from "./src/net/events.ts";
export {
  type FrameOptions,
  type LineOptions,
  readFrame,
  readJson,
  readLine,
  readUntil,
  writeFrame,
  writeJson,
} from "./src/net/framing.ts";
export { hostName, lookup, serviceByName } from "./src/net/address.ts";
export {
  listen,
  Listener,
  type TcpListenOptions,
  type UnixListenOptions,
} from "./src/net/listener.ts";
export { type ByteSink, type ByteSource, MessageStream } from "./src/net/endpoint.ts";
export { PipeReader, PipeWriter, readFrom, stdin, writeTo } from "./src/net/pipe.ts";
export { serve, type ServeOptions } from "./src/net/serve.ts";
export type { MemoryStreamOptions } from "./src/io/memory_stream.ts";
export { Client } from "./src/server/client.ts";
export type {
  DatagramClass,
  DatagramFunction,
  DatagramHandler,
  Reply,
  ReplyWork,
} from "./src/server/handler.ts";
export { DatagramServer, type DatagramServerOptions } from "./src/server/datagram_server.ts";
export type { Step, StreamClass, StreamFunction, StreamHandler } from "./src/server/handler.ts";
export { handlers } from "./src/server/known_handlers.ts";
export type { ServerEngine, ServerOptions } from "./src/server/server.ts";
export type { ShutdownOptions } from "./src/server/server.ts";
export {
  type StreamAddress,
  StreamServer,
  type StreamServerOptions,
} from "./src/server/stream_server.ts";
export type { ServerStatistics } from "./src/server/statistics.ts";
export type { DatagramHandle } from "./src/io/datagram.ts";
export type { EventHandle } from "./src/io/events.ts";
export type { ListenerHandle } from "./src/io/listener.ts";
export type { ReadHandle, WriteHandle } from "./src/io/pipe.ts";
export type { HasHandle, Pollable, Watcher } from "./src/io/pollable.ts";
export type { StdinHandle } from "./src/io/stdin.ts";
export type { StreamHandle } from "./src/io/stream.ts";
export { adopt, type PollTarget, type RawHandle } from "./src/poll/adopt.ts";
export { fileno, type Numbered } from "./src/poll/descriptors.ts";
export {
  describeMask,
  POLLERR,
  POLLET,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLONESHOT,
  POLLOUT,
  POLLPRI,
} from "./src/poll/masks.ts";
export {
  EventRegistry,
  NotRegisteredError,
  poll,
  type PollEvent,
  type RegistryStatistics,
} from "./src/poll/registry.ts";
export { select } from "./src/poll/select.ts";
export type { CancelPolicy } from "./src/parallel/pool/future.ts";
export { Crew, type CrewOptions, type CrewStatistics } from "./src/parallel/process/crew.ts";
export type { CancelMeans, Future } from "./src/parallel/pool/future.ts";
export { connectionWait, type Waitable } from "./src/parallel/connection_wait.ts";
export { ExitFuture } from "./src/parallel/process/exit_future.ts";
export { inWorker } from "./src/parallel/pool/in_worker.ts";
export {
  type Addressed,
  type AnyClass,
  type AnyFunction,
  type CannotBeSent,
  type HowToMakeAJob,
  type JobAddress,
  jobAddress,
  type JobArguments,
  type JobFunction,
  type JobItem,
  type JobResult,
  type Jobs,
  jobs,
  processes,
  type Sendable,
  type SendableFunction,
} from "./src/parallel/jobs.ts";
export type { ModuleJob, ModuleJobs } from "./src/parallel/pool/module_jobs.ts";
export { Connection, pipe } from "./src/parallel/shared/pipe.ts";
export type { ReadyHandle, ReadySource, ReadyWatcher } from "./src/parallel/shared/ready_handle.ts";
export type {
  JobLogLine,
  JobOptions,
  JobSender,
  MapOptions,
  PoolState,
  WorkerPoolOptions,
  WorkerPoolStatistics,
} from "./src/parallel/pool/options.ts";
export { WorkerPool } from "./src/parallel/pool/pool.ts";
export type { NeedsArguments, WorkerProcessOptions } from "./src/parallel/process/begin.ts";
export { activeChildren, WorkerProcess } from "./src/parallel/process/worker_process.ts";
export {
  cpuCount,
  type CurrentProcess,
  currentProcess,
  parentProcess,
} from "./src/parallel/process/current.ts";
export type { ProcessBackend, ProcessInfo } from "./src/parallel/process/wire.ts";
export type { ProgressStream } from "./src/parallel/pool/progress_stream.ts";
export type { ResultStream } from "./src/parallel/pool/result_stream.ts";
export type { Discipline, Entry, ReadyJob } from "./src/policy/discipline.ts";
export { checkJobs, type Job, type Needed } from "./src/policy/job.ts";
export type { JobMetrics, Simulation } from "./src/policy/metrics.ts";
export {
  type DrawOptions,
  edf,
  fcfs,
  hrrn,
  lottery,
  mlfq,
  type MlfqOptions,
  priority,
  type PriorityOptions,
  rr,
  shuffle,
  sjf,
  srtf,
  stride,
} from "./src/policy/policies.ts";
export { SchedulingPolicy, type TaskTerms } from "./src/policy/scheduling_policy.ts";
export { simulate, type SimulateOptions } from "./src/policy/simulate.ts";
export { SharedArray } from "./src/parallel/shared/value.ts";
export { SharedBarrier, type SharedBarrierStatistics } from "./src/parallel/shared/barrier.ts";
export { SharedCondition } from "./src/parallel/shared/condition.ts";
export { SharedEvent } from "./src/parallel/shared/event.ts";
export {
  type SharedGuard,
  SharedLock,
  type SharedLockStatistics,
  SharedRLock,
} from "./src/parallel/shared/lock.ts";
export type {
  ArrayOf,
  KindArrays,
  KindOf,
  SharedKind,
  WholeKind,
  WholeOf,
} from "./src/parallel/shared/cells.ts";
export type { SharedHandle } from "./src/parallel/shared/pack.ts";
export {
  SharedQueue,
  type SharedQueueOptions,
  type SharedQueueStatistics,
} from "./src/parallel/shared/queue.ts";
export { SharedList } from "./src/parallel/shared/list.ts";
export { type SharedKey, SharedMap } from "./src/parallel/shared/map.ts";
export { SharedSemaphore, type SharedSemaphoreOptions } from "./src/parallel/shared/semaphore.ts";
export { SharedValue } from "./src/parallel/shared/value.ts";
export { SimpleQueue } from "./src/parallel/shared/queue.ts";
export { transfer } from "./src/parallel/transfer.ts";
export { BrokenPoolError, WorkerCrashedError, WorkerError } from "./src/parallel/worker_error.ts";
export {
  Watchdog,
  watchdog,
  type WatchdogOptions,
  type WatchdogStatistics,
} from "./src/trace/watchdog/watchdog.ts";
export type { BlockReport } from "./src/trace/watchdog/block_log.ts";
export { type ChromeTrace, chromeTrace, type TraceEvent } from "./src/trace/chrome_trace.ts";
export { ganttChart, type GanttOptions } from "./src/trace/gantt_chart.ts";
export {
  Timeline,
  type TimelineEvent,
  type TimelineOptions,
  type TimelineStatistics,
} from "./src/trace/timeline.ts";
export { timelineHtml } from "./src/trace/timeline_html.ts";
export { timelineSvg } from "./src/trace/timeline_svg.ts";
export type { Access, LostUpdate } from "./src/trace/lost_update.ts";
export {
  Monitor,
  monitor,
  type MonitorStatistics,
  type TcpMonitorOptions,
  type UnixMonitorOptions,
} from "./src/trace/monitor.ts";
export { lostUpdates, shared, type SharedOptions } from "./src/trace/watched_object.ts";
export { dumpOn, taskTree } from "./src/trace/task_tree.ts";

/** What the exports take, where calls without arguments do not do: one entry for each. */
import {
  type AnyFunction,
  fcfs,
  jobs,
  listen,
  Lock,
  readFrom,
  sleep,
  spawn,
  writeTo,
} from "@weft/weft";
import type { Wait } from "@weft/weft/lowlevel";

function* body(): Generator<unknown, number, never> {
  return 1;
}
const pipeEnd = () => readFrom(new ReadableStream());
const sink = () => writeTo(new WritableStream());
const task = () => spawn(body);
const op = () => sleep(0);

/** Arguments that do, by the name of the export. */
export const GOOD: Readonly<Record<string, () => readonly unknown[]>> = {
  run: () => [body, {}],
  spawn: () => [body],
  spawnLater: () => [0, body],
  group: () => [body, {}],
  all: () => [[op()]],
  race: () => [[op()]],
  joinAll: () => [[task()], {}],
  waitFirst: () => [[task()], {}],
  asCompleted: () => [[task()]],
  cancelAll: () => [[task()], "why"],
  wait: () => [Promise.resolve(1), {}],
  withTimeout: () => [1, op()],
  moveOnAfter: () => [1, op()],
  shield: () => [op()],
  sleep: () => [0],
  supervise: () => [[{ name: "a", body }], {}],
  TaskPool: () => [1, "name"],
  AsyncResult: () => ["name"],
  Barrier: () => [1, () => {}, "name"],
  Semaphore: () => [1, "name"],
  BoundedSemaphore: () => [1, "name"],
  Broadcast: () => [{ capacity: 1 }],
  CapacityLimiter: () => [1, "name"],
  Channel: () => [1, "name"],
  Condition: () => [new Lock(), "name"],
  LifoQueue: () => [1, "name"],
  PriorityQueue: () => [1, () => 0, "name"],
  Queue: () => [1, "name"],
  shared: () => [{}, {}],
  SharedArray: () => ["int32", 1],
  SharedBarrier: () => [1],
  SharedSemaphore: () => [1],
  SharedValue: () => ["int32", 0],
  WorkerPool: () => [1, {}],
  Crew: () => [job, [], {}],
  sweepCancel: () => [body, { limit: 5 }],
  HandRun: () => [body, {}],
  simulate: () => [[{ name: "a", arrival: 0, burst: 1 }], fcfs(), {}],
  checkJobs: () => [[{ name: "a", arrival: 0, burst: 1 }]],
  jobs: () => [import.meta, {}],
  processes: () => [import.meta, {}],
  handlers: () => [import.meta, {}],
  operation: () => ["label", (wait: Wait) => wait.settle(1), {}],
  sequence: () => ["label", body, {}],
  transfer: () => [{}, []],
  eventsOf: () => [new EventTarget(), "x", {}],
  alarm: () => [1, {}],
  select: () => [[], [], [], 0],
  serve: () => [listen({ hostname: "127.0.0.1" }), function* () {}, {}],
  connect: () => [{ port: 1 }],
  readUntil: () => [pipeEnd(), "x", {}],
  readLine: () => [pipeEnd(), {}],
  readFrame: () => [pipeEnd(), {}],
  readJson: () => [pipeEnd(), {}],
  writeFrame: () => [sink(), new Uint8Array(1), {}],
  writeJson: () => [sink(), 1, {}],
  readFrom: () => [new ReadableStream(), "name"],
  writeTo: () => [new WritableStream(), "name"],
  formatTaskTree: () => [[], {}],
  signals: () => ["SIGUSR1"],
  dumpOn: () => ["SIGUSR1", () => {}],
};

const job = jobs(import.meta, { oddJob: () => {} } as Record<string, AnyFunction>).oddJob;

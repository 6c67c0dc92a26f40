/** An instance of each exported class, to call the methods of: one entry for each, by the class's name. */
import {
  alarm,
  AsyncResult,
  Barrier,
  bindDatagram,
  BoundedSemaphore,
  Broadcast,
  cancelScope,
  CapacityLimiter,
  Channel,
  Condition,
  connect,
  Crew,
  DatagramServer,
  Event,
  EventRegistry,
  eventsOf,
  external,
  fcfs,
  type Group,
  group,
  jobs,
  LifoQueue,
  listen,
  Local,
  Lock,
  monitor,
  type Operation,
  PriorityQueue,
  Queue,
  readFrom,
  RLock,
  type Scope,
  Semaphore,
  SharedCondition,
  SharedQueue,
  sleep,
  socketPair,
  spawn,
  StreamServer,
  TaskPool,
  Timeline,
  WorkerPool,
  WorkerProcess,
  writeTo,
} from "@weft/weft";
import { PRIMITIVES } from "../lib/shared_primitives.ts";
import { Ledger, memoryStreamPair, VirtualClock } from "@weft/weft/testing";

/** Makes an instance in the current task. */
type Make = () => unknown;

function* forEver(): Generator<unknown, void, never> {
  yield* sleep(Infinity);
}

const loopback = { hostname: "127.0.0.1" };
const { noJob } = jobs(import.meta, { noJob: () => {} });

/** What a task is given that lives on; made at once, because neither waits before it hands it out. */
async function opened<T>(open: (give: (thing: T) => void) => Operation<unknown>): Promise<T> {
  return await new Promise<T>((resolve) => {
    spawn(function* () {
      yield* open(resolve);
    });
  });
}

/** Makes of each class one that bears being called anything. */
export const INSTANCES: Readonly<Record<string, Make>> = {
  ...PRIMITIVES,
  AsyncResult: () => new AsyncResult(),
  Barrier: () => new Barrier(2),
  BoundedSemaphore: () => new BoundedSemaphore(1),
  Broadcast: () => new Broadcast({ capacity: 1 }),
  CapacityLimiter: () => new CapacityLimiter(1),
  Channel: () => new Channel(1),
  ChannelReceiver: () => new Channel(1).receiver,
  ChannelSender: () => new Channel(1).sender,
  Condition: () => new Condition(),
  Crew: () => new Crew(noJob, [], { workers: 1 }),
  DatagramServer: () => new DatagramServer(function* () {}, loopback),
  DatagramSocket: () => bindDatagram(loopback),
  Event: () => new Event(),
  EventRegistry: () => new EventRegistry(),
  EventStream: () => alarm(1000),
  EventsOf: () => eventsOf(new EventTarget(), "x"),
  ExitFuture: () => new WorkerProcess({ target: noJob }).exitFuture,
  External: () => external(),
  Group: () =>
    opened<Group>((give) =>
      group(function* (g) {
        give(g);
        yield* sleep(Infinity);
      })
    ),
  Ledger: () => new Ledger(),
  LifoQueue: () => new LifoQueue(1),
  Listener: () => listen(loopback),
  Local: () => new Local(0),
  Lock: () => new Lock(),
  MemoryStream: () => memoryStreamPair()[0],
  MessageStream: () => socketPair()[0].lines(),
  Monitor: () => monitor(),
  PipeReader: () => readFrom(new ReadableStream()),
  PipeWriter: () => writeTo(new WritableStream()),
  PoolResults: () => new TaskPool(1).imap(forEver, []),
  PriorityQueue: () => new PriorityQueue(1),
  Queue: () => new Queue(1),
  RLock: () => new RLock(),
  SchedulingPolicy: () => fcfs(),
  Scope: () =>
    opened<Scope>((give) =>
      cancelScope({}, function* (scope) {
        give(scope);
        yield* sleep(Infinity);
      })
    ),
  Semaphore: () => new Semaphore(1),
  SharedCondition: () => {
    const condition = new SharedCondition();
    condition.lock.tryAcquire();
    return condition;
  },
  SharedQueue: () => new SharedQueue(1),
  Socket: async () => {
    const { localAddr } = listen(loopback);
    return await connect({ port: localAddr.port, hostname: localAddr.hostname });
  },
  StreamServer: () => new StreamServer(function* () {}, loopback),
  Subscription: () => new Broadcast({ capacity: 1 }).subscribe(),
  Task: () => spawn(forEver),
  TaskPool: () => new TaskPool(1),
  Timeline: () => new Timeline(),
  VirtualClock: () => new VirtualClock(),
  WorkerPool: () => new WorkerPool(1),
  WorkerProcess: () => new WorkerProcess({ target: noJob }),
};

/** Classes that are made seldom: all odd values go to one instance. */
export const SHARED_INSTANCES: ReadonlySet<string> = new Set([
  "Crew",
  "DatagramServer",
  "DatagramSocket",
  "Listener",
  "Monitor",
  "Socket",
  "StreamServer",
  "WorkerPool",
  "WorkerProcess",
]);

/** Arguments that do, by class and method, where none at all does not. */
export const GOOD_CALLS: Readonly<Record<string, () => readonly unknown[]>> = {
  "WorkerPool.submit": () => [noJob],
  "WorkerPool.map": () => [noJob, []],
  "TaskPool.map": () => [forEver, []],
  "Local.with": () => [1, sleep(0)],
  "Condition.waitFor": () => [() => true],
  "SharedCondition.waitFor": () => [() => true],
  "SharedList.update": () => [0, (one: unknown) => one],
  "SharedMap.update": () => ["a", (one: unknown) => one],
  "SchedulingPolicy.declare": () => [spawn(forEver), {}],
  "SharedArray.set": () => [0, 1],
  "SharedArray.add": () => [0, 1],
  "EventRegistry.modify": () => [0, 1],
  "Group.spawnLater": () => [0, forEver],
};

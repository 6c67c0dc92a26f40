/**
 * The engine `worker` of a stream server: a crew of workers, each with a scheduler and a listener of its
 * own on the same port (`reusePort`), so that the host deals the connections out.
 *
 * What the server must know of them goes through shared memory: each worker counts in a part of one
 * buffer, and what its handlers failed with comes in a queue. A worker that dies is started again; those
 * whose connections it had count as cut off.
 */
import type { Task } from "../kernel/task.ts";
import { listen, type Listener, type TcpListenOptions } from "../net/listener.ts";
import { jobs } from "../parallel/jobs.ts";
import { Crew } from "../parallel/process/crew.ts";
import { currentProcess } from "../parallel/process/current.ts";
import type { SharedEvent } from "../parallel/shared/event.ts";
import { SharedQueue } from "../parallel/shared/queue.ts";
import { packError, type TransportedError, unpackError } from "../parallel/transported_error.ts";
import { shield } from "../tasks/cancel_scope.ts";
import { spawn } from "../tasks/run.ts";
import { wait } from "../tasks/wait.ts";
import { Connections, type Limits, type Report } from "./connections.ts";
import type { StreamClass, StreamFunction } from "./handler.ts";
import { type HandlerAddress, loadHandler } from "./known_handlers.ts";
import { loopOf, StreamLoop } from "./stream_loop.ts";
import { ServerCounts } from "./statistics.ts";

/** What each worker is told. */
interface Order {
  readonly handler: HandlerAddress;
  readonly listen: TcpListenOptions;
  readonly limits: Limits;
  readonly maxConnections: number;
  /** The counts of all workers; two parts for each, because at an exchange there are two of one. */
  readonly counts: Float64Array<SharedArrayBuffer>;
  /** How long the end may take, in milliseconds; set before it begins. */
  readonly grace: Float64Array<SharedArrayBuffer>;
}

/** A failure on its way. */
type HandlerFailure = readonly [error: TransportedError, peer: Deno.Addr | undefined];

/**
 * How many workers may be lost before the server gives up. More than a crew allows as a rule, since
 * here it may be clients that set it off, but not so many that a server which cannot start tries for ever.
 */
const INTENSITY = { restarts: 20, within: 5000 };

/** How much longer than its connections a worker gets to end, in milliseconds. */
const LONGER_MS = 1000;

const { serveInWorker } = jobs(import.meta, {
  /** What each worker does until it is cancelled. */
  *serveInWorker(ready: SharedEvent, order: Order, failures: SharedQueue<HandlerFailure>) {
    const handler = (yield* wait(() => loadHandler(order.handler))) as
      | StreamFunction
      | StreamClass;
    const listener = listen(order.listen);
    const counts = countsOf(currentProcess().name, order.counts);
    counts.abandon(); // what one in this place before left behind
    const report: Report = (error, peer) => tell(failures, error, peer);
    const connections = new Connections(handler, order.limits, counts, report);
    const loop = new StreamLoop(
      loopOf("coroutine", listener as unknown as Listener, connections, order.maxConnections),
      connections,
    );
    const task = loop.begin();
    ready.set();
    try {
      yield* task.get();
    } finally {
      yield* shield(() => loop.end(order.grace[0]!));
    }
  },
});

/** Tells of a failure, if there is room for it; it is counted in any case. */
function tell(
  failures: SharedQueue<HandlerFailure>,
  error: unknown,
  peer: Deno.Addr | undefined,
): void {
  try {
    failures.tryPut([packError(error), peer && { ...peer }]);
  } catch {
    // So many failures, or so large a one, that nobody has read the last ones yet.
  }
}

/** Where the worker of a name such as `Crew#1[0].2` counts. */
function countsOf(worker: string, counts: Float64Array): ServerCounts {
  const [, index, start] = /\[(\d+)\](?:\.(\d+))?$/.exec(worker)!;
  return partOf(counts, 2 * Number(index) + Number(start ?? 0) % 2);
}

function partOf(counts: Float64Array, place: number): ServerCounts {
  return new ServerCounts(
    counts.subarray(place * ServerCounts.LENGTH, (place + 1) * ServerCounts.LENGTH),
  );
}

/** How the workers of a server are to be. */
export interface StreamCrewOptions {
  /** What they serve with. */
  readonly handler: HandlerAddress;
  /** Where they listen. */
  readonly listen: TcpListenOptions;
  /** How long connections may take. */
  readonly limits: Limits;
  /** How many connections there may be in all. */
  readonly maxConnections: number;
  /** How many workers. */
  readonly workers: number;
  /** The most that their end may take, in milliseconds. */
  readonly grace: number;
  /** The server's name. */
  readonly name: string;
}

/** The workers of one server. */
export class StreamCrew {
  readonly #crew: Crew<[Order, SharedQueue<HandlerFailure>]>;
  readonly #failures = new SharedQueue<HandlerFailure>();
  readonly #counts: readonly ServerCounts[];
  readonly #grace = new Float64Array(new SharedArrayBuffer(8));
  readonly #longest: number;
  readonly #report: Report;
  /** Passes on what the workers' handlers fail with. */
  #teller: Task | null = null;

  /** Workers that have not been started. */
  constructor(options: StreamCrewOptions, report: Report) {
    const { maxConnections, grace, name } = options;
    // With fewer connections than workers, some would have none to serve.
    const workers = Math.min(options.workers, maxConnections);
    const length = 2 * workers * ServerCounts.LENGTH;
    const counts = new Float64Array(
      new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT),
    );
    this.#counts = Array.from({ length: 2 * workers }, (_, i) => partOf(counts, i));
    this.#longest = this.#grace[0] = grace;
    this.#report = report;
    const order: Order = {
      handler: options.handler,
      listen: { ...options.listen, reusePort: true },
      limits: options.limits,
      maxConnections: Math.floor(maxConnections / workers),
      counts,
      grace: this.#grace,
    };
    this.#crew = new Crew(serveInWorker, [order, this.#failures], {
      workers,
      grace: grace + LONGER_MS,
      name,
      intensity: INTENSITY,
      onRestart: (worker, error) => this.#lost(worker, error),
    });
  }

  /** The counts of each worker. */
  get counts(): readonly ServerCounts[] {
    return this.#counts;
  }

  /** Starts them, and waits until all of them listen. */
  *start(): Generator<unknown, void, unknown> {
    const failures = this.#failures;
    const report = this.#report;
    const teller = this.#teller = spawn(function* () {
      for (;;) {
        const [error, peer] = yield* failures.get();
        report(unpackError(error), peer);
      }
    });
    teller.daemon = true;
    yield* this.#crew.start();
  }

  /** Waits until they were stopped; throws if they fail too often. */
  *join(): Generator<unknown, void, unknown> {
    yield* this.#crew.join();
  }

  /** Stops them: each ends as a server does, in `grace` milliseconds at most. */
  *end(grace: number): Generator<unknown, void, unknown> {
    this.#grace[0] = Math.min(grace, this.#longest);
    yield* this.#crew.stop();
    yield* this.#teller!.cancel();
    while (!this.#failures.empty) {
      const [error, peer] = this.#failures.tryGet();
      this.#report(unpackError(error), peer);
    }
  }

  #lost(worker: string, error: unknown): void {
    this.#report(error, undefined);
    const index = Number(/\[(\d+)\]$/.exec(worker)![1]);
    this.#counts[2 * index]!.abandon();
    this.#counts[2 * index + 1]!.abandon();
  }
}

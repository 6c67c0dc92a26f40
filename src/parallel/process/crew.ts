/**
 * A crew: so many workers that do the same thing for as long as they are needed, above all servers that
 * share a port (`reusePort`), each with a scheduler of its own.
 *
 * The host spreads connections over the listeners of a port. So a worker can be exchanged while
 * the others go on: the new one listens before the old one stops, and the old one takes those who are
 * in line for it before it closes ({@linkcode serve} does). A worker that dies is started again by a
 * supervisor, and the others serve meanwhile.
 *
 * Rejected: one listener here that hands connections on (a worker cannot be given a connection on Deno),
 * and a pool job for each server (a pool waits for its jobs, and counts them as its work).
 */
import { checkMs, checkOptions, checkWhole, COUNT } from "../../kernel/checks.ts";
import { BusyError, ClosedError } from "../../kernel/errors.ts";
import { reportName } from "../../kernel/printable.ts";
import { type Operation, operation, sequence } from "../../kernel/operation.ts";
import type { Task } from "../../kernel/task.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import type { Backoff, Intensity } from "../../tasks/restart.ts";
import { race } from "../../tasks/race.ts";
import { shield } from "../../tasks/cancel_scope.ts";
import { spawn } from "../../tasks/run.ts";
import { supervise } from "../../tasks/supervise.ts";
import type { Addressed } from "../jobs.ts";
import { cpuCount } from "./current.ts";
import { SharedEvent } from "../shared/event.ts";
import { WorkerCrashedError } from "../worker_error.ts";
import { WorkerProcess } from "./worker_process.ts";

/** A job of a crew: it sets the event when it is ready. */
type CrewJob<A extends readonly unknown[]> = Addressed<(ready: SharedEvent, ...args: A) => unknown>;

/** How a crew is to be. */
export interface CrewOptions {
  /** How many workers. @default one per processor */
  workers?: number;
  /** How many milliseconds a worker gets to end in order when it is exchanged or stopped. @default {5000} */
  grace?: number;
  /** How many restarts after a failure are too many. @default {{ restarts: 3, within: 5000 }} */
  intensity?: Intensity;
  /** How long to wait before a restart. @default no delay */
  backoff?: Backoff;
  /** Called before a worker that failed is started again. */
  onRestart?: (worker: string, error: unknown, count: number) => void;
  /** Names it in reports. @default `Crew#1` and so on */
  name?: string;
}

/** What a crew is doing. */
export interface CrewStatistics {
  /** Workers that have said that they are ready. */
  readonly ready: number;
  /** How many there should be. */
  readonly workers: number;
  /** Workers that were ever started. */
  readonly started: number;
}

/**
 * Some workers that all run one job, supervised.
 *
 * The job is a task body (or a plain async function) whose first parameter is a {@linkcode SharedEvent}:
 * it sets that when it is ready. It is told to end by a cancel of its task, and gets `grace`.
 * A worker that fails, or ends unasked, is started again; when that happens too often, the crew fails, and
 * with it the run, unless somebody waits for {@linkcode join}.
 *
 * @example Two servers on one port
 * ```ts ignore
 * // server.ts, run with "unstable": ["net"]
 * import { Crew, jobs, listen, run, serve, type SharedEvent, signals } from "@weft/weft";
 *
 * const { server } = jobs(import.meta, {
 *   async *server(ready: SharedEvent, port: number) {
 *     const listener = listen({ hostname: "127.0.0.1", port, reusePort: true });
 *     ready.set();
 *     yield* serve(listener, async function* (socket) {
 *       yield* socket.sendAll(new TextEncoder().encode("hello\n"));
 *     }, { grace: 1000 });
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await run(async function* () {
 *     await using crew = new Crew(server, [7000], { workers: 2 });
 *     yield* crew.start();
 *     using stop = signals("SIGINT");
 *     yield* stop.next();
 *   });
 * }
 * ```
 *
 * @typeParam A What the job takes besides the event.
 */
export class Crew<A extends readonly unknown[] = readonly unknown[]> implements AsyncDisposable {
  readonly #name: string;
  readonly #options: CrewOptions;
  readonly #members: readonly CrewMember[];
  readonly #starts: WaitQueue<void>;
  #supervisor: Task<void> | null = null;

  /**
   * Makes a crew that has not been started.
   *
   * @param job What each worker does.
   * @param args What the job is called with after the event; cloned for each worker.
   * @param options How many workers, and how patient to be with them.
   * @throws {TypeError} If `job` is a plain function; the message says what to write.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(
    job: Addressed<(ready: SharedEvent, ...args: A) => unknown>,
    args: NoInfer<A>,
    options: CrewOptions = {},
  ) {
    checkOptions(options, "Crew");
    const workers = checkWhole(
      options.workers ?? cpuCount(),
      "use",
      "as the number of workers",
      COUNT,
    );
    const grace = checkMs(options.grace ?? 5000, "a time of grace");
    this.#name = reportName("Crew", options.name);
    this.#options = options;
    this.#starts = new WaitQueue<void>(this, "start", "bound");
    this.#members = Array.from(
      { length: workers },
      (_, i) => new CrewMember(`${this.#name}[${i}]`, job, args, grace, () => this.#changed()),
    );
  }

  /** How many workers it should have. */
  get size(): number {
    return this.#members.length;
  }

  /**
   * Starts the workers and waits until all of them are ready. They belong to the run of the current task.
   *
   * @throws {SupervisionError} If they fail more often than is allowed before that.
   * @throws {Error} If it has been started before.
   */
  start(): Operation<void> {
    return sequence(`${this}.start()`, () => this.#start());
  }

  /**
   * Exchanges a worker without a gap: starts another, waits until that is ready, and then tells the old
   * one to end and waits until it has.
   *
   * @param index Which one, from 0.
   * @throws {RangeError} If there is no such worker.
   * @throws {BusyError} If it is being exchanged already.
   * @throws {ClosedError} If the crew is not running.
   * @throws {WorkerCrashedError} If the new one ends before it is ready; the old one goes on then.
   */
  restart(index: number): Operation<void> {
    const members = this.#members;
    const most = members.length - 1;
    const member = members[checkWhole(index, "restart worker", `of ${this}`, { least: 0, most })]!;
    return sequence(`${this}.restart(${index})`, () => {
      this.#refuseIfStopped("restart a worker of");
      return member.exchange();
    });
  }

  /** Exchanges every worker, one after another. */
  restartAll(): Operation<void> {
    const indices = this.#members.keys();
    // deno-lint-ignore no-this-alias -- for the generator
    const crew = this;
    return sequence(`${this}.restartAll()`, function* () {
      for (const index of indices) yield* crew.restart(index);
    });
  }

  /** Waits until it has been stopped, or has failed. Throws a {@linkcode SupervisionError} if it has. */
  join(): Operation<void> {
    return sequence(`${this}.join()`, () => this.#join());
  }

  /** Tells every worker to end in order, and waits until they have. Without effect when they have. */
  stop(): Operation<void> {
    const supervisor = this.#supervisor;
    const stopping = supervisor?.cancel(`${this} was stopped`);
    return stopping ?? operation(`${this}.stop()`, (wait) => wait.settle(), { optional: true });
  }

  /** A frozen record of its workers. */
  statistics(): CrewStatistics {
    return Object.freeze({
      ready: this.#members.filter((member) => member.isReady).length,
      workers: this.size,
      started: this.#members.reduce((sum, member) => sum + member.starts, 0),
    });
  }

  /** Stops it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  *#start(): Generator<unknown, void, unknown> {
    if (this.#supervisor !== null) throw new Error(`Cannot start ${this} twice`);
    const { intensity, backoff, onRestart } = this.#options;
    const children = this.#members.map((member) => ({
      name: String(member),
      *body() {
        yield* member.serve();
      },
    }));
    const options = {
      name: this.#name,
      ...intensity === undefined ? {} : { intensity },
      ...backoff === undefined ? {} : { backoff },
      ...onRestart === undefined ? {} : { onRestart },
    };
    const supervisor = this.#supervisor = spawn(function* () {
      yield* supervise(children, options);
    });
    supervisor.name = this.#name;
    supervisor.daemon = true;
    supervisor.watch(() => this.#changed());
    while (!this.#members.every((member) => member.isReady)) {
      if (supervisor.done) {
        yield* supervisor.join();
        throw new ClosedError(`Cannot start ${this}: its workers have ended`);
      }
      yield* operation<void>(this.#starts, (wait) => this.#starts.park(wait));
    }
  }

  *#join(): Generator<unknown, void, unknown> {
    if (this.#supervisor === null) throw new Error(`Cannot join ${this}: it was not started`);
    yield* this.#supervisor.join();
  }

  #refuseIfStopped(verb: string): void {
    if (this.#supervisor !== null && !this.#supervisor.done) return;
    const why = this.#supervisor === null ? "it was not started" : "it has been stopped";
    throw new ClosedError(`Cannot ${verb} ${this}: ${why}`);
  }

  #changed(): void {
    this.#starts.wakeAll();
  }
}

/** A place that is always to be filled. */
class CrewMember {
  /** How many workers it has had. */
  starts = 0;
  readonly #name: string;
  readonly #make: (ready: SharedEvent, name: string) => WorkerProcess;
  readonly #changed: () => void;
  #worker: WorkerProcess | null = null;
  #isExchanging = false;
  #error: unknown = undefined;

  /** An empty place; `changed` is called when its worker is ready, or is no more. */
  constructor(
    name: string,
    job: unknown,
    args: readonly unknown[],
    grace: number,
    changed: () => void,
  ) {
    this.#name = name;
    this.#changed = changed;
    this.#make = (ready, name) =>
      new WorkerProcess({
        target: job as CrewJob<readonly unknown[]>,
        args: [ready, ...args],
        name,
        daemon: true,
        grace,
        report: (error) => this.#error = error,
      }) as unknown as WorkerProcess;
  }

  /** Whether its worker is up. */
  get isReady(): boolean {
    return this.#worker !== null;
  }

  /** Fills the place, and sees that it stays filled: throws when the worker ends unasked. */
  *serve(): Generator<unknown, never, unknown> {
    this.#fill(yield* this.#start());
    try {
      for (;;) {
        const worker = this.#worker!;
        yield* worker.join();
        if (worker === this.#worker) throw this.#ended(worker);
      }
    } finally {
      const worker = this.#worker!;
      this.#fill(null);
      yield* shield(ending(worker));
    }
  }

  /** Puts another worker into the place while the old one still works, and ends that in order. */
  *exchange(): Generator<unknown, void, unknown> {
    if (this.#isExchanging) {
      throw new BusyError(`Cannot exchange ${this}: that is under way already`);
    }
    this.#isExchanging = true;
    try {
      const next = yield* this.#start();
      const old = this.#worker;
      if (old === null) return yield* ending(next)(); // the place was given up meanwhile
      this.#fill(next);
      yield* ending(old)();
    } finally {
      this.#isExchanging = false;
    }
  }

  /** As in `Crew#1[0]`. */
  toString(): string {
    return this.#name;
  }

  /** Starts a worker, and waits until it is ready. */
  *#start(): Generator<unknown, WorkerProcess, unknown> {
    const ready = new SharedEvent();
    const worker = this.#make(ready, `${this.#name}.${++this.starts}`);
    this.#error = undefined;
    worker.start();
    try {
      yield* race([ready.wait(), worker.join()]);
      if (!ready.isSet) throw this.#ended(worker);
      return worker;
    } catch (error) {
      yield* shield(ending(worker));
      throw error;
    }
  }

  #fill(worker: WorkerProcess | null): void {
    this.#worker = worker;
    this.#changed();
  }

  #ended(worker: WorkerProcess): WorkerCrashedError {
    const cause = this.#error;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    return new WorkerCrashedError(
      this.#name,
      `Cannot go on with ${worker}: it ended with exit code ${worker.exitCode}${why}`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/** Ends a worker in order, and by force when its time of grace is over. */
function ending(worker: WorkerProcess): () => Generator<unknown, void, unknown> {
  return function* () {
    worker.terminate();
    yield* worker.join();
  };
}

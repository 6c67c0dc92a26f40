/**
 * What stream and datagram servers have in common: their options, how they tell of failures, and their life.
 *
 * A server serves once, and ends when it is told to or is cancelled. Every caller that asks for its end, from
 * wherever, waits for the same one: the task that serves does the winding up itself. So `shutdown` only
 * leaves a message, and may be called from another task, another run, a callback, and from a handler too,
 * which must not wait for it.
 */
import { guarded } from "../kernel/callback.ts";
import {
  checkMs,
  checkOneOf,
  checkOptionalFunction,
  checkOptions,
  checkWhole,
  COUNT,
} from "../kernel/checks.ts";
import { ClosedError } from "../kernel/errors.ts";
import { errorText, nextName } from "../kernel/printable.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { addressText } from "../net/address.ts";
import { cpuCount } from "../parallel/process/current.ts";
import { WorkerCrashedError } from "../parallel/worker_error.ts";
import { Event } from "../sync/event.ts";
import { race } from "../tasks/race.ts";
import { currentTask } from "../tasks/run.ts";
import { shield } from "../tasks/cancel_scope.ts";
import type { Report } from "./connections.ts";
import { ServerCounts, type ServerStatistics } from "./statistics.ts";

/** How connections or datagrams are served. */
export type ServerEngine = "sequential" | "coroutine" | "poll" | "worker";

/** The engines by name. */
export const ENGINES: readonly ServerEngine[] = ["sequential", "coroutine", "poll", "worker"];

/** How long the rest may take, unless said otherwise, in milliseconds. */
export const GRACE_MS = 5000;

/** What stream and datagram servers have in common. */
export interface ServerOptions {
  /**
   * How clients are served: one after the other, each by a task, by one loop around an event registry, or
   * by workers. @default {"coroutine"}
   */
  engine?: ServerEngine;
  /** How many workers, for that engine. @default one per processor */
  workers?: number;
  /** How many milliseconds a handler may take for one client, before it is cut off. @default {Infinity} */
  handlerTimeout?: number;
  /**
   * How many milliseconds those being served get at the end, unless `shutdown` says otherwise; workers
   * get no more than this. @default {5000}
   */
  grace?: number;
  /**
   * Called with what a handler failed with, and its client's address; and, with no address, for the first of
   * several failures in a row to let a client in, and for a worker that is lost and started again. What it
   * throws becomes a warning. @default a warning of the run
   */
  onError?: (error: unknown, peer: Deno.Addr | undefined) => unknown;
  /** Names it in reports. @default `StreamServer#1` and so on */
  name?: string;
}

/** {@linkcode ServerOptions}, checked, with every default filled in. */
export interface CheckedOptions {
  /** The engine. */
  readonly engine: ServerEngine;
  /** How many workers. */
  readonly workers: number;
  /** The most milliseconds of a handler. */
  readonly handlerTimeout: number;
  /** The time of grace in milliseconds. */
  readonly grace: number;
}

/** Checks what servers have in common. */
function checkServerOptions(options: ServerOptions): CheckedOptions {
  const { engine = "coroutine", workers, handlerTimeout = Infinity, grace = GRACE_MS } = options;
  checkOptionalFunction(options.onError, "an onError");
  return {
    engine: checkOneOf(engine, ENGINES, "an engine"),
    workers: checkWhole(workers ?? cpuCount(), "use", "as the number of workers", COUNT),
    handlerTimeout: checkMs(handlerTimeout, "the time limit of a handler"),
    grace: checkMs(grace, "a time of grace"),
  };
}

/** How a server ends. */
export interface ShutdownOptions {
  /** How many milliseconds those being served get. @default the server's `grace` */
  grace?: number;
}

/**
 * A server that is bound, and serves from `serveForever` on.
 *
 * @internal
 */
export abstract class Server implements AsyncDisposable {
  /** The options that servers have in common. */
  protected readonly options: CheckedOptions;
  /** What the server itself counts. */
  protected readonly counts: ServerCounts = new ServerCounts();
  readonly #name: string;
  readonly #onError: Report | undefined;
  readonly #ready: Event;
  readonly #stop: Event;
  readonly #ends: WaitQueue<void>;
  #state: "new" | "serving" | "ended" = "new";
  #grace: number;

  /**
   * One that has not begun to serve.
   *
   * @param options Its options, checked here before anything is opened.
   * @param kind Its class, for its name in reports.
   */
  constructor(options: ServerOptions, kind: string) {
    this.options = checkServerOptions(options);
    const name = options.name ?? nextName(kind);
    this.#onError = options.onError;
    this.#name = name;
    this.#grace = this.options.grace;
    this.#ready = new Event(`${name}.ready`);
    this.#stop = new Event(`${name}.stop`);
    this.#ends = new WaitQueue<void>(this, "shutdown", "open");
  }

  /** Where it is bound; with port 0 asked for, the port that the host chose. */
  abstract readonly address: Deno.Addr;

  /** Begins to serve; gives the task that goes on until {@linkcode end}. */
  protected abstract begin(report: Report): Generator<unknown, Task, unknown>;
  /** Ends it in order, within `grace` milliseconds. */
  protected abstract end(grace: number): Generator<unknown, void, unknown>;
  /** Closes what was opened before it served. */
  protected abstract closeBound(): void;

  /**
   * Waits until it serves; with workers, until all of them do.
   *
   * @returns An operation that evaluates to the address.
   * @throws {ClosedError} If it has ended.
   */
  ready(): Operation<Deno.Addr> {
    return sequence(`${this}.ready()`, () => this.#untilReady());
  }

  /**
   * Serves until {@linkcode shutdown}. Cancelled, it ends as `shutdown` would have it, and throws the
   * cancel then.
   *
   * @throws {ClosedError} If it has served before, or was shut down.
   * @throws {SupervisionError} If its workers fail too often.
   */
  serveForever(): Operation<void> {
    return sequence(`${this}.serveForever()`, () => this.#serve());
  }

  /**
   * Ends the server: newcomers are turned away; connections between two requests are closed at once, other
   * connections, and datagrams that have arrived, are served to their end, or cut off when the time of grace
   * is over. It begins with the call, from wherever that comes; called again, only a new `grace` is of effect,
   * until the end has begun.
   *
   * @param options The time of grace.
   * @returns An operation that waits until nothing is served any more. Nobody needs to wait for it; a
   *   handler must not, for it would wait for its own end.
   */
  shutdown(options: ShutdownOptions = {}): Operation<void> {
    const { grace } = checkOptions(options, "shutdown()");
    if (grace !== undefined) this.#grace = checkMs(grace, "a time of grace");
    this.#stop.set();
    if (this.#state === "new") this.#finish();
    return operation(`${this}.shutdown()`, (wait: Wait<void>) => {
      if (this.#state === "ended") wait.settle();
      else this.#ends.park(wait);
    }, { optional: true });
  }

  /** A frozen record of what it has done and is doing, all workers together. */
  statistics(): ServerStatistics {
    return ServerCounts.sum([this.counts]);
  }

  /** Shuts it down. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Its name in reports. */
  toString(): string {
    return this.#name;
  }

  *#untilReady(): Generator<unknown, Deno.Addr, unknown> {
    const { address } = this;
    yield* this.#ready.wait();
    if (this.#state !== "ended") return address;
    throw new ClosedError(`Cannot wait for ${this} to be ready: it has ended`);
  }

  /** Serves until it is shut down; cancelled, it ends in the same order, and then throws the cancel. */
  *#serve(): Generator<unknown, void, unknown> {
    if (this.#state !== "new") {
      const why = this.#state === "serving" ? "it serves already" : "it has ended";
      throw new ClosedError(`Cannot serve with ${this}: ${why}`);
    }
    this.#state = "serving";
    try {
      const task = yield* this.begin(reporter(this.#name, this.#onError));
      this.#ready.set();
      yield* race([task.get(), this.#stop.wait()]);
    } finally {
      const grace = this.#grace;
      yield* shield(() => this.end(grace));
      this.#finish();
    }
  }

  #finish(): void {
    this.#state = "ended";
    this.closeBound();
    this.#ready.set();
    this.#ends.wakeAll();
  }
}

/**
 * Reports to `onError`, or warns in the run of the current task. What `onError` throws is its own failure,
 * and warned of, too.
 */
function reporter(server: string, onError: Report | undefined): Report {
  const scheduler = schedulerOf(currentTask());
  const warn = (text: string): void => scheduler.warn(text);
  return guarded(
    onError ??
      ((error, peer) => warn(`${server}: ${failedText(error, peer)}: ${errorText(error)}`)),
    `The onError of ${server}`,
    warn,
  );
}

function failedText(error: unknown, peer: Deno.Addr | undefined): string {
  if (peer !== undefined) return `the handler failed for ${addressText(peer)}`;
  if (error instanceof WorkerCrashedError) return "a worker was lost, and is started again";
  return "accepting failed, and is tried again";
}

/** What every server can be told, checked where it is told. */
import { checkMs, checkOneOf, checkOptionalFunction, checkWhole, COUNT } from "../kernel/checks.ts";
import { cpuCount } from "../parallel/process/current.ts";

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

/** What {@linkcode ServerOptions} come to. */
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
export function checkServerOptions(options: ServerOptions): CheckedOptions {
  const { engine = "coroutine", workers, handlerTimeout = Infinity, grace = GRACE_MS } = options;
  checkOptionalFunction(options.onError, "an onError");
  return {
    engine: checkOneOf(engine, ENGINES, "an engine"),
    workers: checkWhole(workers ?? cpuCount(), "use", "as the number of workers", COUNT),
    handlerTimeout: checkMs(handlerTimeout, "the time limit of a handler"),
    grace: checkMs(grace, "a time of grace"),
  };
}

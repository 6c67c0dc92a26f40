/** What a process is made with. */
import { checkMs, checkOptions } from "../../kernel/checks.ts";
import { printable, show } from "../../kernel/printable.ts";
import { type Addressed, addressOf, type AnyFunction } from "../jobs.ts";
import type { ProcessBackend } from "./wire.ts";

/** How long a worker gets between the stop flag and its end, unless said otherwise, in milliseconds. */
const GRACE_MS = 100;

/** Whether a target cannot be called without arguments: then `args` may not be missing. */
export type NeedsArguments<A extends readonly unknown[]> = [A] extends [never] ? false
  : [] extends A ? false
  : true;

/** What a process is made with. */
export interface WorkerProcessOptions<A extends readonly unknown[] = never> {
  /** What it runs: a function made by `jobs`, plain, async, or a task body. A subclass has `run`. */
  target?: Addressed<(...args: A) => unknown>;
  /** What `target` is called with: cloned, or moved where `transfer` says so. @default {[]} */
  args?: NoInfer<A>;
  /** Its name. @default as in `Process-1`, after the class */
  name?: string;
  /** Whether it ends with its parent, which otherwise waits for it. @default {false} */
  daemon?: boolean;
  /** A thread or a real process. @default {"worker"} */
  backend?: ProcessBackend;
  /** How long `terminate` lets a worker go on after the stop flag, in milliseconds. @default {100} */
  grace?: number;
  /** Further flags of Deno for a subprocess, as `--v8-flags=--max-old-space-size=64`. @default {[]} */
  flags?: readonly string[];
  /** Told of the error that it fails with, and of its name. @default prints both on stderr */
  report?: (error: unknown, name: string) => void;
}

/** The options, checked, with something in the place of each that is missing. */
export interface ProcessSettings {
  /** What it runs. */
  readonly target: Addressed<AnyFunction> | undefined;
  /** What that is called with. */
  readonly args: readonly unknown[];
  /** Whether it ends with its parent, until that is changed. */
  readonly daemon: boolean;
  /** A thread or a real process. */
  readonly backend: ProcessBackend;
  /** How long a worker gets to end by itself. */
  readonly grace: number;
  /** Further flags. */
  readonly flags: readonly string[];
  /** Told of the error that it fails with. */
  readonly report: (error: unknown, name: string) => void;
}

/**
 * Checks the options.
 *
 * @throws {TypeError} If `target` is a plain function, or there is no such backend.
 * @throws {RangeError} If the time of grace is negative.
 */
export function settingsOf<A extends readonly unknown[]>(
  options: WorkerProcessOptions<A>,
): ProcessSettings {
  const { target, args = [], daemon = false, backend = "worker", flags = [] } = checkOptions(
    options,
    "WorkerProcess",
  );
  if (target !== undefined) addressOf(target);
  if (backend !== "worker" && backend !== "subprocess") {
    throw new TypeError(
      `Cannot make a process of kind ${show(backend)}: it is "worker" or "subprocess"`,
    );
  }
  const grace = checkMs(options.grace ?? GRACE_MS, "a time of grace");
  return {
    target: target as never,
    args,
    daemon,
    backend,
    grace,
    flags,
    report: options.report ?? printFailure,
  };
}

/** Prints a failure, as Python does. */
export function printFailure(error: unknown, name: string): void {
  console.error(`${printable(name)} failed:`, error);
}

/** What a process is made with. */
import { printable } from "../../kernel/printable.ts";
import type { Addressed } from "../jobs.ts";
import type { ProcessBackend } from "./wire.ts";

/** How long a worker gets between the stop flag and its end, unless said otherwise, in milliseconds. */
export const GRACE_MS = 100;

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

/** Prints a failure, as Python does. */
export function printFailure(error: unknown, name: string): void {
  console.error(`${printable(name)} failed:`, error);
}

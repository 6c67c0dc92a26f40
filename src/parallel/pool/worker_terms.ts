/** What a pool's options say of its workers, checked. */
import { checkMs, checkWhole } from "../../kernel/checks.ts";
import { addressOf } from "../jobs.ts";
import type { WorkerPoolOptions } from "./pool_options.ts";
import { packShared } from "../shared/pack.ts";
import type { SetUp } from "../thread/wire.ts";
import type { WorkerTerms } from "./worker_handle.ts";

/** So many task bodies may run in one worker at a time, unless said otherwise. */
const TASKS = 64;

/** The most that can be asked for: each costs its worker eight bytes, always. */
const MOST_TASKS = 1 << 16;

/** How many workers stay, and how long the others idle. */
export interface IdleTerms {
  /** So many stay although there is nothing to do. */
  readonly min: number;
  /** After so many milliseconds without work the others go. */
  readonly idle: number;
}

/** What each worker is started with. */
export function workerTermsOf(options: WorkerPoolOptions): WorkerTerms {
  const { permissions = null, tasks = TASKS } = options;
  checkWhole(tasks, "use", "as the number of tasks per worker", { least: 1, most: MOST_TASKS });
  // Said outright, "inherit" would need the unstable feature, too.
  return {
    setUp: setUpOf(options),
    log: options.onLog !== undefined,
    permissions: permissions === "inherit" ? null : permissions,
    tasks,
  };
}

/** When idle workers go. */
export function idleTermsOf(
  { min = 0, idle = Infinity }: WorkerPoolOptions,
  most: number,
): IdleTerms {
  checkWhole(min, "use", "as the least number of workers", { least: 0, most });
  return { min, idle: checkMs(idle, "a time without work") };
}

function setUpOf({ initializer, initArgs = [] }: WorkerPoolOptions): SetUp | null {
  if (initializer === undefined) return null;
  const { url, name } = addressOf(initializer);
  const args = packShared(initArgs) as readonly unknown[];
  try {
    structuredClone(args);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`Cannot send the arguments of initializer "${name}": ${why}`, { cause });
  }
  return { url, name, args };
}

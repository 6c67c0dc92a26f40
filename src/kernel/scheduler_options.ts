/** How a run is to be scheduled, and checking that before it is. */
import { BUDGET, type BudgetHost } from "./turn.ts";
import {
  checkArray,
  checkFinite,
  checkFlag,
  checkMethods,
  checkObject,
  checkOptionalFunction,
  checkOptions,
  checkWhole,
} from "./checks.ts";
import type { Clock, Timers } from "./clock.ts";
import type { Instrument } from "./instrument.ts";
import type { Policy } from "./ready_queue.ts";
import type { Task } from "./task.ts";
import type { Wait } from "./wait.ts";

/** How a run is to be scheduled. */
export interface SchedulerOptions {
  /** Where time comes from. @default the machine's clock */
  clock?: Clock;
  /**
   * Picks every free choice from this seed, so that the run can be replayed: which ready task runs next, in
   * what order timers that are due together ring, which of several ready cases `race` takes. With a virtual
   * clock that is all of it, and what sockets of the run say to one another comes in the same order as far
   * as the host delivers it so. It does not replay what happens outside: when a worker's job ends,
   * when another process answers, how long a foreign `await` takes. @default FIFO
   */
  seed?: number;
  /** Which ready task runs next; overrides the seed's pick. @default FIFO */
  policy?: Policy;
  /**
   * How many operations in a row that need not wait (a free lock, an item at hand) a task may do before the
   * others have a turn. With 0, each is a schedule point: so it is with a seed or a policy in any case.
   * @default {32}
   */
  budget?: number;
  /** Who watches. @default nobody */
  instruments?: readonly Instrument[];
  /**
   * Whether to take down where each task is spawned and where each waits, for reports; it costs 2 µs a
   * time. By default, the first thousand tasks are (of a loop's, the first 32), and in a `function*` each
   * `yield*` is known anyway.
   */
  sites?: boolean;
  /** Hears what is no error but must not pass in silence. @default `console.warn` */
  warn?: (message: string) => void;
}

/** What a clock is called for; see {@linkcode Clock}. */
const CLOCK = ["now", "wall", "setAlarm", "awake", "clearAlarm", "hop"];

/**
 * Checks the options of a scheduler, one by one.
 *
 * @throws {TypeError} If a clock, a policy, an instrument or a callback is none.
 * @throws {RangeError} If the seed is no finite number, or the budget no whole number from 0 to 32.
 */
export function checkSchedulerOptions(options: SchedulerOptions): void {
  const { clock, seed, policy, budget, instruments, sites, warn } = checkOptions(options, "a run");
  if (clock !== undefined) checkMethods(clock, CLOCK, "a clock");
  if (seed !== undefined) checkFinite(seed, "a seed");
  if (policy !== undefined) checkMethods(policy, ["add", "next"], "a policy");
  if (instruments !== undefined) {
    for (const one of checkArray(instruments, "instruments")) checkObject(one, "an instrument");
  }
  if (budget !== undefined) {
    checkWhole(budget, "make a run with", "operations in a row", { least: 0, most: BUDGET });
  }
  if (sites !== undefined) checkFlag(sites, "sites");
  checkOptionalFunction(warn, "warn");
}

/** Who looks after the run as a whole: when it ends, and what becomes of failures. */
export interface Overseer {
  /** A task was made. */
  spawned(task: Task): void;
  /** A task has ended. */
  exited(task: Task): void;
  /** A failure has been seen. */
  observed(task: Task): void;
  /** A task has become a daemon, or an ordinary task again. */
  daemonChanged(task: Task): void;
  /**
   * Nothing is ready, no timer is set, the host has nothing pending, and tasks are alive. Returns
   * whether something was done about it; if not, the loop sleeps until it is roused.
   */
  stuck(): boolean;
}

/** What a task needs of its scheduler. */
export interface TaskHost extends BudgetHost {
  /** The timers of the run. */
  readonly timers: Timers;
  /** Who looks after the run as a whole. */
  readonly overseer: Overseer;
  /** Reports what is no error but must not pass in silence. */
  readonly warn: (message: string) => void;
  /** Puts a task into the ready queue. */
  ready(task: Task): void;
  /** A task waits. */
  parked(task: Task, wait: Wait): void;
  /** A parked wait is leaving. */
  unparked(wait: Wait): void;
  /** Async code of a task goes on in microtasks. */
  lendTurn(task: Task): void;
  /** Async code of a task has reached a checkpoint or its end. */
  returnTurn(task: Task): void;
  /** Whether async code that cedes goes on at once, because nobody else is ready. */
  cedesAlone(task: Task): boolean;
  /** Takes note that a task has ended. */
  exited(task: Task): void;
  /** Has `look` called after a while, if the run still goes on then. */
  suspect(look: () => void): void;
}

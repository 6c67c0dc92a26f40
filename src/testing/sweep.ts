/**
 * The cancel sweep: a body run again and again, struck at its first checkpoint, its second, and so on.
 *
 * Cancellation bugs sit at one wait out of many: a lock taken before the `try`, a clean-up that waits
 * without a shield. Guessing where is hopeless; trying every place is cheap, because a run is
 * deterministic. Each round begins afresh, on a virtual clock, strikes once, and then asks whether
 * anything is left. A body of n checkpoints takes 2n + 1 rounds.
 */
import { Cancelled } from "../kernel/errors.ts";
import type { Clock } from "../kernel/clock.ts";
import { RunLife } from "../kernel/run_life.ts";
import type { Task, TaskBody } from "../kernel/task.ts";
import { Ledger } from "./ledger.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** What a sweep does at a checkpoint: cancels the task, or throws an error out of its wait. */
export type Strike = "cancel" | "throw";

/** How to sweep. */
export interface SweepOptions {
  /** Checked after each round, and again by whoever reads the error it throws. */
  invariant?: () => void;
  /** Makes each round's clock. @default a virtual clock */
  clock?: () => Clock;
  /** What to do at a checkpoint, in turn. @default both */
  strikes?: readonly Strike[];
  /** Gives up on a body with more checkpoints than this. @default {10_000} */
  limit?: number;
}

/** What a sweep found in order. */
export interface SweepResult {
  /** How many checkpoints the body has when nothing strikes it. */
  readonly checkpoints: number;
  /** How many rounds were run. */
  readonly rounds: number;
}

/** How many turns the others get, after the body has ended, to end too. */
const GRACE_TURNS = 100;

/** The error that a `"throw"` strike throws. */
export class Struck extends Error {
  /** The class name. */
  override readonly name: string = "Struck";
}

/**
 * Runs a body over and over, and strikes it at checkpoint 1, 2, … until it has no further one: once by
 * a cancel, once by an error thrown out of the wait.
 *
 * Fails, naming the checkpoint, if the run does not end, if a task, a timer, a lock or a handle is
 * left, if the body ends with an error that is not the strike, or if the invariant breaks.
 *
 * @example A lock taken before the try
 * ```ts
 * import { Lock, sleep } from "@weft/weft";
 * import { sweepCancel } from "@weft/weft/testing";
 * let message = "";
 * try {
 *   await sweepCancel(async function* () {
 *     const lock = new Lock();
 *     yield* lock.acquire();
 *     yield* sleep(1); // a cancel thrown here leaves the lock taken
 *     lock.release();
 *   });
 * } catch (error) {
 *   message = String(error);
 * }
 * if (!message.includes("checkpoint 1")) throw new Error(message);
 * ```
 *
 * @param body Run as a task of its own in each round; it should set up all it uses.
 * @param options Invariant, clock, strikes, limit.
 * @returns How many checkpoints there are.
 * @throws {Error} If a round leaves something behind; the message names strike and checkpoint.
 */
export async function sweepCancel(
  body: TaskBody<[], unknown>,
  options: SweepOptions = {},
): Promise<SweepResult> {
  const { strikes = ["cancel", "throw"], limit = 10_000 } = options;
  const plain = await playRound(body, null, 0, options);
  let rounds = 1;
  for (const strike of strikes) {
    for (let at = 1;; at++) {
      if (at > limit) throw new Error(`Cannot sweep: the body has more than ${limit} checkpoints`);
      const round = await playRound(body, strike, at, options);
      rounds++;
      if (!round.struck) break;
    }
  }
  return { checkpoints: plain.checkpoints, rounds };
}

interface Round {
  checkpoints: number;
  struck: boolean;
}

async function playRound(
  body: TaskBody<[], unknown>,
  strike: Strike | null,
  at: number,
  options: SweepOptions,
): Promise<Round> {
  const where = strike === null ? "without a strike" : `after a ${strike} at checkpoint ${at}`;
  let place = "";
  const round: Round = { checkpoints: 0, struck: false };
  const error = new Struck(`struck at checkpoint ${at}`);
  let subject: Task | undefined;
  const left: string[] = [];
  const ledger = new Ledger();
  const life = new RunLife<void>({
    clock: options.clock?.() ?? new VirtualClock(),
    warn: () => {},
    instruments: [{
      stepEnd: (task) => {
        if (task !== subject || task.done || task.isAway) return;
        if (++round.checkpoints < at || strike === null || round.struck) return;
        const on = task.waits.filter((wait) => wait.source?.nested !== true).map((w) => w.source);
        round.struck = strike === "cancel" ? cancelAt(task) : throwAt(task, error);
        place = on.length === 0 ? " (ceding)" : ` (${on.join(", ")})`;
      },
      exited: (task) => {
        for (const held of task.holdings) left.push(`${held}, which task "${task.name}" held`);
      },
    }],
  });
  life.begin(function* () {
    const main = life.scheduler.tasks()[0]!;
    subject = life.scheduler.spawn("subject", body(), main);
    try {
      yield* subject.join();
    } catch {
      // Looked at below, when the run is over.
    }
    for (let turn = 0; turn < GRACE_TURNS && life.scheduler.live > 1; turn++) yield;
    for (const task of life.scheduler.tasks()) {
      if (task === main) continue;
      left.push(`task "${task.name}"`);
      task.cancel("the sweep is over");
    }
  }());
  const fail = (what: string, cause?: unknown): never => {
    throw new Error(`Sweep failed ${where}${place}: ${what}`, { cause });
  };
  try {
    await life.toEnd();
  } catch (cause) {
    fail(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), cause);
  }
  if (subject !== undefined && subject.failed && !carries(subject.error, error)) {
    fail(`the body threw ${subject.error}`, subject.error);
  }
  if (life.scheduler.timers.size > 0) left.push(`${life.scheduler.timers.size} timer(s)`);
  left.push(...ledger.left());
  if (left.length > 0) fail(`left behind: ${left.join(", ")}`);
  try {
    options.invariant?.();
  } catch (cause) {
    fail(`the invariant broke: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  return round;
}

function cancelAt(task: Task): boolean {
  task.cancel("struck by the sweep");
  return true;
}

/** Throws out of the wait the task is parked in; a task that merely ceded is struck at its next wait. */
function throwAt(task: Task, error: Error): boolean {
  for (const wait of task.waits) {
    if (wait.source!.nested === true || !wait.scope!.isUnder(task)) continue;
    if (!wait.source!.abandon(wait)) continue;
    wait.fail(error);
    return true;
  }
  return false;
}

/** Whether an error is the strike, or was caused by it, or gathers it with others of its kind. */
function carries(error: unknown, strike: Error): boolean {
  if (error === strike || error instanceof Cancelled) return true;
  if (error instanceof AggregateError) return error.errors.every((one) => carries(one, strike));
  return error instanceof Error && error.cause !== undefined && carries(error.cause, strike);
}

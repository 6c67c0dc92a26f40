/**
 * The cancel sweep: a body run again and again, struck at its first checkpoint, its second, and so on.
 *
 * Cancellation bugs sit at one wait out of many: a lock taken before the `try`, a clean-up that waits
 * without a shield. Guessing where is hopeless; trying every place is cheap, because a run is
 * deterministic. Each round begins afresh, on a virtual clock, strikes once, and then asks whether
 * anything is left. A body of n checkpoints takes 2n + 1 rounds.
 */
import { operationOf, waitSite, waitSites } from "../kernel/sites.ts";
import { formatTaskTree, siteText } from "../kernel/report.ts";
import { errorText, messageText, printable } from "../kernel/printable.ts";
import {
  BOUND,
  checkArray,
  checkGeneratorFunction,
  checkOneOf,
  checkOptionalFunction,
  checkOptions,
  checkWhole,
} from "../kernel/checks.ts";
import { Cancelled } from "../kernel/errors.ts";
import { type Clock, SystemClock } from "../kernel/clock.ts";
import { heldResources, type Resource } from "../kernel/resource.ts";
import { RunLife } from "../kernel/run_life.ts";
import { breakWaits } from "../kernel/scope.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { Ledger } from "./ledger.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** What a sweep does at a checkpoint: cancels the task, or throws an error out of its wait. */
export type Strike = "cancel" | "throw";

/** How to sweep. */
export interface SweepOptions {
  /** Checked after each round, and again by the code that reads the error it throws. */
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
/** How many real milliseconds what was closed may take, after that, to be gone. */
const GRACE_MS = 1000;
/** A round without a checkpoint for so many real milliseconds is stuck. */
const STUCK_MS = 10_000;

/** The error that a `"throw"` strike throws. */
export class Struck extends Error {
  /** The class name. */
  override readonly name: string = "Struck";
}

/**
 * Runs a body over and over, and strikes it at checkpoint 1, 2, … until it has no further one: once by
 * a cancel, once by an error thrown out of the wait.
 *
 * Fails, naming the checkpoint by its number, what is waited on there and the line, as far as they are
 * known (a bare `yield` has no line), if
 *
 * - the run does not end: the body goes on for more checkpoints than `limit`, whatever strikes it, or is
 *   stuck where nothing ends its wait;
 * - a task, a timer, a lock or a handle is left when the body ends, although the run would close it;
 * - a cancel was swallowed: the task returned as if nothing had happened;
 * - the body ends with an error that is not the strike, or the invariant breaks.
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
  checkOptions(options, "sweepCancel()");
  checkGeneratorFunction(body, "sweep");
  const { strikes = STRIKES, limit = 10_000, invariant, clock } = options;
  for (const strike of checkArray(strikes, "strikes")) checkOneOf(strike, STRIKES, "a strike");
  checkWhole(limit, "sweep", "checkpoints at most", BOUND);
  checkOptionalFunction(invariant, "an invariant");
  checkOptionalFunction(clock, "the maker of a clock");
  const plain = await new Round(body, null, 0, options, limit).play();
  let rounds = 1;
  for (const strike of strikes) {
    for (let at = 1; at <= limit; at++) {
      const round = await new Round(body, strike, at, options, limit).play();
      rounds++;
      if (!round.struck) break;
    }
  }
  return { checkpoints: plain.checkpoints, rounds };
}

const STRIKES: readonly Strike[] = ["cancel", "throw"];

/** One run of the body, struck once or not at all. */
class Round {
  /** How many checkpoints there were. */
  checkpoints = 0;
  /** Whether it was struck. */
  struck = false;
  readonly #body: TaskBody<[], unknown>;
  readonly #strike: Strike | null;
  readonly #at: number;
  readonly #options: SweepOptions;
  readonly #limit: number;
  readonly #error: Struck;
  readonly #before: ReadonlySet<Resource> = new Set(heldResources());
  readonly #left: string[] = [];
  readonly #swallowed: string[] = [];
  readonly #life: RunLife<void>;
  #subject: Task | undefined;
  #place = "";
  #endless = false;

  constructor(
    body: TaskBody<[], unknown>,
    strike: Strike | null,
    at: number,
    options: SweepOptions,
    limit: number,
  ) {
    this.#body = body;
    this.#strike = strike;
    this.#at = at;
    this.#options = options;
    this.#limit = limit;
    this.#error = new Struck(`struck at checkpoint ${at}`);
    this.#life = new RunLife<void>({
      clock: options.clock?.() ?? new VirtualClock(),
      sites: true,
      budget: 0,
      warn: (message) => {
        if (SWALLOWED.test(message)) this.#swallowed.push(message);
      },
      instruments: [{
        stepEnd: (task) => this.#stepped(task),
        exited: (task) => {
          for (const held of task.holdings) this.#left.push(`${held}, which task "${task}" held`);
        },
      }],
    });
  }

  /** Runs it, and throws what it finds. */
  async play(): Promise<this> {
    const ledger = new Ledger();
    const life = this.#life;
    life.begin(this.#watch());
    try {
      await this.#unlessStuck(life.toEnd());
    } catch (cause) {
      this.#fail(errorText(cause), cause);
    }
    if (this.#endless) {
      this.#fail(`the body has more than ${this.#limit} checkpoints, and does not end`);
    }
    if (this.#swallowed.length > 0) this.#fail(`a cancel was swallowed: ${this.#swallowed[0]}`);
    const subject = this.#subject;
    if (subject !== undefined && subject.failed && !carries(subject.error, this.#error)) {
      this.#fail(`the body threw ${errorText(subject.error)}`, subject.error);
    }
    if (life.scheduler.timers.size > 0) this.#left.push(`${life.scheduler.timers.size} timer(s)`);
    const left = new Set([...this.#left, ...ledger.left()]);
    if (left.size > 0) this.#fail(`left behind: ${[...left].join(", ")}`);
    try {
      this.#options.invariant?.();
    } catch (cause) {
      this.#fail(`the invariant broke: ${messageText(cause)}`, cause);
    }
    return this;
  }

  /** The main task: the body as a task of its own, and then a look at what it left. */
  *#watch(): Generator<unknown, void, never> {
    const { scheduler } = this.#life;
    const main = scheduler.tasks()[0]!;
    const subject = this.#subject = scheduler.spawn("subject", this.#body(), main);
    try {
      yield* subject.join() as Iterable<unknown, unknown, never>;
    } catch {
      // Looked at when the run is over.
    }
    for (let turn = 0; turn < GRACE_TURNS && scheduler.live > 1; turn++) yield;
    for (const task of scheduler.tasks()) {
      if (task === main) continue;
      this.#left.push(`task "${task}"`);
      task.cancel("the sweep is over");
    }
    // The run would close these, and the ledger would not see them. What was closed may need the host to go.
    const until = performance.now() + GRACE_MS;
    while (this.#open().length > 0 && performance.now() < until) yield scheduler.clock.hop(true);
    this.#left.push(...this.#open().map((resource) => printable(resource)));
  }

  /** What is held since the round began, but for the run itself and what was closed already. */
  #open(): Resource[] {
    return heldResources().filter((one) =>
      !this.#before.has(one) && one !== this.#life && !("closed" in one && one.closed)
    );
  }

  #stepped(task: Task): void {
    if (task !== this.#subject || task.done || task.isAway) return;
    if (++this.checkpoints > this.#limit) return this.#abandon();
    if (this.#strike === null || this.checkpoints < this.#at || this.struck) return;
    this.#place = placeText(task); // before the strike, which ends the wait
    this.struck = this.#strike === "cancel" ? cancelAt(task) : throwAt(task, this.#error);
  }

  /** Drops a body that would go on for ever; it need not obey a cancel. */
  #abandon(): void {
    if (this.#endless) return;
    this.#endless = true;
    for (const task of this.#life.scheduler.tasks().slice(1)) {
      breakWaits(task, this.#error);
      task.finish(true, this.#error);
    }
  }

  /** Gives up on a round in which nothing happens any more, such as an `await` of what never comes. */
  async #unlessStuck(end: Promise<void>): Promise<void> {
    const clock = new SystemClock();
    const stuck = Promise.withResolvers<never>();
    const look = (seen: number): void => {
      clock.setAlarm(clock.now() + STUCK_MS, () => {
        if (this.checkpoints !== seen) return look(this.checkpoints);
        const tree = formatTaskTree(this.#life.scheduler.tasks(), { sites: true, most: 20 });
        stuck.reject(new Error(`the body is stuck for ${STUCK_MS} ms:\n${tree.join("\n")}`));
      });
    };
    look(this.checkpoints);
    try {
      await Promise.race([end, stuck.promise]);
    } finally {
      clock.clearAlarm();
    }
  }

  #fail(what: string, cause?: unknown): never {
    const where = this.#strike === null
      ? "without a strike"
      : `after a ${this.#strike} at checkpoint ${this.#at}`;
    throw new Error(`Sweep failed ${where}${this.#place}: ${what}`, { cause });
  }
}

/** The run's warning of a swallowed cancel. */
const SWALLOWED = /was cancelled, caught Cancelled, and returned/;

/** What a task waits on, or has just waited on, and at which line. */
function placeText(task: Task): string {
  const waits = task.waits.filter((wait) => wait.source?.nested !== true);
  if (waits.length > 0) {
    const on = waits.map(({ source }) => printable(source)).join(", ");
    return ` (${on}${atText(waitSites({ waits })[0]?.[0])})`;
  }
  const ended = task.endedWait;
  const operation = ended === null ? undefined : operationOf(ended);
  if (ended === null || operation === undefined) return " (ceding, by a bare yield)";
  return ` (${printable(operation)}${atText(waitSite(ended)[0])})`;
}

function atText(site: string | undefined): string {
  return site === undefined ? "" : ` at ${siteText(site)}`;
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

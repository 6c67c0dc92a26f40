/**
 * What a pool is behind its verbs: where it stands, its bound, and how its jobs are treated.
 *
 * A pool takes jobs; it finishes those it has; its workers go; they are gone. `submit` never waits,
 * because a future must be there at once; so a bound on the queue cannot be kept by `submit` alone. It is
 * kept by those who ask: `trySubmit` refuses, `ready` waits.
 */
import {
  BOUND,
  checkMs,
  checkOptionalFunction,
  checkOptions,
  checkWhole,
  COUNT,
} from "../../kernel/checks.ts";
import { callSafely } from "../../kernel/callback.ts";
import { SystemClock } from "../../kernel/clock.ts";
import { ClosedError, WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import { errorText, reportName } from "../../kernel/printable.ts";
import { hold, letGo, type Resource } from "../../kernel/resource.ts";
import type { Scheduler } from "../../kernel/scheduler.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import { type Addressed, addressOf, type AnyFunction, isLoading, loadingError } from "../jobs.ts";
import { keepShared } from "../shared/pack.ts";
import { Dispatcher, type DispatcherOwner } from "./dispatcher.ts";
import { currentRun, FailureLog } from "./failure_log.ts";
import { checkPolicy } from "./future.ts";
import type { ItemHost } from "./item_run.ts";
import { Job, type JobDemand, type JobTerms } from "./job.ts";
import type { MapHost } from "./map.ts";
import {
  checkLimit,
  idleTermsOf,
  type JobLogLine,
  type PoolState,
  type WorkerPoolOptions,
  type WorkerPoolStatistics,
  workerTermsOf,
} from "./options.ts";

/** How many items of a map may be out, per worker, unless said otherwise. */
const WINDOW = 4096;

/** The inside of one pool. */
export class PoolCore implements DispatcherOwner, MapHost {
  /** Names it in reports. */
  readonly name: string;
  /** How jobs are treated that demand nothing else. */
  readonly usual: JobDemand;
  /** Deals the jobs to the workers. */
  readonly dispatcher: Dispatcher;
  readonly #bound: number;
  readonly #onLog: WorkerPoolOptions["onLog"];
  readonly #warn: NonNullable<WorkerPoolOptions["warn"]>;
  /** The run it was made in, which will end it; `null` for none. */
  readonly #run: Scheduler | null = currentRun();
  readonly #resource: Resource = { release: () => this.release(), toString: () => this.name };
  readonly #ready: WaitQueue<void>;
  readonly #joins: WaitQueue<void>;
  #ends: (() => void)[] = [];
  #state: PoolState = "open";
  /** Whether the ledger of what keeps the process busy counts it. */
  #held = false;
  #submitted = 0;
  #terms: JobTerms | null = null;
  #demand: JobDemand | null = null;

  /** A pool that takes jobs. */
  constructor(workers: number, options: WorkerPoolOptions) {
    const { queue = Infinity, recycle = Infinity, grace = 100, timeout } = checkOptions(
      options,
      "WorkerPool",
    );
    checkOptionalFunction(options.warn, "warn");
    this.#onLog = checkOptionalFunction(options.onLog, "onLog");
    this.name = reportName("WorkerPool", options.name);
    this.#bound = checkWhole(queue, "use", "as a bound for waiting jobs", BOUND);
    const limit = checkLimit(timeout);
    const onCancel = checkPolicy(options.onCancel ?? "kill");
    this.usual = { limit, onCancel, priority: 0 };
    this.#warn = options.warn ?? ((message) => console.warn(message));
    this.dispatcher = new Dispatcher({
      name: this.name,
      workers: checkWhole(workers, "use", "as the number of workers", COUNT),
      ...idleTermsOf(options, workers),
      terms: workerTermsOf(options),
      onCancel,
      recycle: checkWhole(recycle, "use", "as the number of jobs per worker", BOUND),
      grace: checkMs(grace, "a time of grace"),
    }, this);
    this.#ready = new WaitQueue({ toString: () => this.name }, "ready", "bound");
    this.#joins = new WaitQueue({ toString: () => this.name }, "join", "bound");
    if (this.#run !== null) FailureLog.after(this.#resource, this.#run);
  }

  // -- Taking jobs --

  /** Takes a job. */
  submit(
    job: Addressed<AnyFunction>,
    args: readonly unknown[],
    demand: JobDemand = this.usual,
  ): Job {
    this.refuseIfClosed("submit to");
    const made = new Job(
      this.dispatcher.kindOf(addressOf(job)),
      keepShared(args),
      this.#termsFor(demand),
    );
    this.#submitted++;
    this.dispatcher.submit(made);
    return made;
  }

  /**
   * Does nothing if the pool takes jobs.
   *
   * @throws {ClosedError} If it takes none any more.
   */
  refuseIfClosed(verb: string): void {
    if (this.#state !== "open") throw this.#closedError(verb);
    if (isLoading()) throw loadingError(`${verb} ${this.name}`);
  }

  /** Whether as many jobs wait as should. */
  get full(): boolean {
    return this.dispatcher.work.jobs >= this.#bound;
  }

  /**
   * Does nothing if there is room.
   *
   * @throws {WouldBlock} If the queue is full.
   */
  refuseIfFull(): void {
    if (!this.#isFullNow()) return;
    throw new WouldBlock(
      `Cannot submit to ${this.name} now: ${this.dispatcher.work.jobs} jobs wait, and ${this.#bound} may`,
    );
  }

  /** Waits until there is room. */
  ready(): Operation<void> {
    return operation(this.#ready, (wait: Wait<void>) => {
      if (this.#isFullNow()) this.#ready.park(wait);
      else wait.settle();
    });
  }

  // -- For maps: see MapHost --

  /** Who deals out the items. */
  get itemHost(): ItemHost {
    return this.dispatcher;
  }

  /** How many items of a map may be out, unless it says otherwise. */
  get window(): number {
    return WINDOW * this.dispatcher.workerSet.size;
  }

  // -- The end --

  /** Takes no more jobs. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.dispatcher.more();
  }

  /** Drops every job and ends the workers. */
  terminate(): void {
    if (this.#state === "ending" || this.#state === "ended") return;
    this.#state = "ending";
    this.dispatcher.terminate(`${this.name} was terminated`);
    this.#ready.failAll(this.#closedError("wait for"));
    this.#goOn();
  }

  /** Waits for the last worker to go. */
  join(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.#state === "open") {
        throw new Error(
          `Cannot join ${this.name}: it is open, so its workers stay; close() it first`,
        );
      }
      if (this.#state === "ended") wait.settle();
      else this.#joins.park(wait);
    });
  }

  /** Terminates the pool; resolves when its workers have gone. */
  release(): Promise<void> {
    this.terminate();
    if (this.#state === "ended") return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ends.push(resolve);
    return promise.then(() => new SystemClock().hop(true)); // lets the host finish with closed ports
  }

  /** A frozen record of workers and jobs. */
  statistics(): WorkerPoolStatistics {
    const { workerSet, work, broken, lost } = this.dispatcher;
    return Object.freeze({
      state: this.#state === "open" && broken ? "broken" : this.#state,
      workers: workerSet.active.length,
      queued: work.jobs,
      running: workerSet.owed,
      submitted: this.#submitted,
      started: workerSet.started,
      lost,
    });
  }

  // -- What the dispatcher tells --

  /** Jobs have been dealt: those who wait for room go on, one for each place. */
  dealt(): void {
    for (
      let room = this.#bound - this.dispatcher.work.jobs;
      room > 0 && this.#ready.wake();
      room--
    );
    this.#goOn();
  }

  /** Something was written to the console of a worker. */
  logged(line: JobLogLine): void {
    callSafely(() => this.#onLog?.(line), (thrown) => this.#optionThrew("onLog", thrown));
  }

  /** An error came up in a worker, in no job. */
  strayed(error: unknown): void {
    const message = `Something in a worker of ${this.name} threw when no job ran: ${
      errorText(error)
    }`;
    callSafely(() => this.#warn(message, error), (thrown) => this.#optionThrew("warn", thrown));
  }

  #optionThrew(option: string, thrown: unknown): void {
    console.warn(`The option ${option} of ${this.name} threw: ${errorText(thrown)}`);
  }

  /** The terms for a job submitted here and now; as a rule the same as for the last one. */
  #termsFor(demand: JobDemand): JobTerms {
    const run = currentRun() ?? this.#run;
    const log = run === null ? null : FailureLog.of(run);
    const last = this.#terms;
    if (last !== null && this.#demand === demand && last.log === log) return last;
    const { dispatcher } = this;
    this.#demand = demand;
    return this.#terms = {
      ...demand,
      log,
      withdraw: (job, reason, policy) => dispatcher.withdraw(job, reason, policy),
    };
  }

  /** Whether the queue is full even after what a worker has room for was dealt. */
  #isFullNow(): boolean {
    if (this.full) this.dispatcher.deal();
    return this.full;
  }

  /** The error for a call that comes too late. */
  #closedError(verb: string): ClosedError {
    const how = this.#state === "closing" ? "closed" : "terminated or closed";
    return new ClosedError(`Cannot ${verb} ${this.name}: it has been ${how}`);
  }

  /** Goes on to the next state if what it waited for has come. */
  #goOn(): void {
    const { busy, workerSet } = this.dispatcher;
    if (this.#state === "closing" && !busy) {
      this.#state = "ending";
      this.dispatcher.dismiss();
    }
    if (workerSet.empty === this.#held) {
      // The ledger counts the pool from its first worker to its last.
      this.#held = !workerSet.empty;
      (this.#held ? hold : letGo)(this.#resource);
    }
    if (this.#state === "ending" && workerSet.empty) this.#end();
  }

  #end(): void {
    this.#state = "ended";
    this.#run?.resources.delete(this.#resource);
    this.#joins.wakeAll();
    for (const ended of this.#ends) ended();
    this.#ends = [];
  }
}

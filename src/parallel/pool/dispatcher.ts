/**
 * The middle of a pool: jobs come in on one side, workers on the other, and results go back.
 *
 * All dealing happens in one pass, {@linkcode Dispatcher.deal}. It runs after a burst of submits, in a
 * microtask (dealing amid the burst, every some hundred jobs, was slower), and whenever a worker answers.
 */
import { currentScope, withScope } from "../../kernel/context.ts";
import { cancelled } from "../../kernel/errors.ts";
import type { Batch, BatchCarrier } from "./batch.ts";
import type { CancelMeans, CancelPolicy } from "./future.ts";
import { IdleTimer, WorkerSet, type WorkerSetSize } from "./worker_set.ts";
import type { ItemHost, ItemRun } from "./item_run.ts";
import type { Job } from "./job.ts";
import { type JobKind, JobKinds } from "./job_kinds.ts";
import { WaitingWork } from "./job_queue.ts";
import {
  type Allowance,
  allowanceFor,
  type JobSource,
  pickWorker,
  relieve,
  relieveTasks,
  STUCK_MS,
} from "./placement.ts";
import type { JobLogLine, WorkerTerms } from "./options.ts";
import type { JobAddress } from "../jobs.ts";
import { Deadlines, PoolTimers } from "./deadlines.ts";
import { brokenError, crashError, startError, unsendable } from "../worker_error.ts";
import type { WorkerHandle, WorkerOwner } from "./worker_handle.ts";

/** Jobs of a busy worker wait this long for it while another is idle. */
const IDLE_MS = 1;
/** After this long without work the workers no longer keep the process alive; it costs some microseconds. */
const REST_MS = 5;

/** What a dispatcher needs to know of its pool. */
export interface DispatcherOptions extends WorkerSetSize {
  /** After how many milliseconds without work workers go that need not stay. */
  readonly idle: number;
  /** What each worker is started with. */
  readonly terms: WorkerTerms;
  /** How long a job may ignore a cancel, in milliseconds. */
  readonly grace: number;
  /** What a cancel of a map does to its jobs that run. */
  readonly onCancel: CancelPolicy;
}

/** Who hears of what a dispatcher does. */
export interface DispatcherOwner {
  /** Jobs have been dealt or answered, or a worker has gone: there may be room, or nothing left to do. */
  dealt(): void;
  /** An error came up in a worker, in no job. */
  strayed(error: unknown): void;
  /** Something was written to the console of a worker. */
  logged(line: JobLogLine): void;
}

/** A microtask by way of a promise: Deno's own `queueMicrotask` takes three times as long. */
const settled = Promise.resolve();

/** Deals jobs to workers. */
export class Dispatcher implements WorkerOwner, ItemHost {
  /** What nobody works on. */
  readonly work: WaitingWork = new WaitingWork();
  /** The workers. */
  readonly workerSet: WorkerSet;
  /** How many workers crashed or had to be given up. */
  lost = 0;
  readonly #deadlines: Deadlines;
  readonly #onCancel: CancelPolicy;
  readonly #owner: DispatcherOwner;
  readonly #kinds = new JobKinds();
  readonly #timers = new PoolTimers();
  readonly #idleTimer: IdleTimer;
  readonly #setUpName: string | null;
  readonly #dealNow = (): void => {
    this.#dealSoon = false;
    // In nobody's scope: whatever is called from here is not part of the task that submitted.
    if (currentScope() === null) this.deal();
    else withScope(null, () => this.deal());
  };
  #turn = 0;
  #dealSoon = false;
  #dealing = false;
  readonly #looking = new Set<"jobs" | "tasks">();
  #resting = false;
  /** What broke the pool, if anything did. */
  #broken: { readonly cause: unknown } | null = null;

  /** A dispatcher with nothing to do. */
  constructor(options: DispatcherOptions, owner: DispatcherOwner) {
    this.#onCancel = options.onCancel;
    this.#owner = owner;
    const { terms, idle } = options;
    this.workerSet = new WorkerSet(options, terms, this);
    this.#idleTimer = new IdleTimer(this.workerSet, idle);
    this.#deadlines = new Deadlines(options.grace, this.#timers, this);
    this.#setUpName = terms.setUp?.name ?? null;
  }

  /** Whether there is anything to do, or being done. */
  get busy(): boolean {
    return this.work.jobs > 0 || this.work.maps.size > 0 || this.workerSet.owed > 0;
  }

  /** Whether anything happens without somebody's doing. */
  get #working(): boolean {
    return this.work.some || this.workerSet.owed > 0;
  }

  /** Whether no worker could be got ready, so that every job fails. */
  get broken(): boolean {
    return this.#broken !== null;
  }

  /** What is known of a function. */
  kindOf(address: JobAddress): JobKind {
    return this.#kinds.at(address);
  }

  /** Takes a job. */
  submit(job: Job): void {
    this.work.add(job);
    this.more();
  }

  /** Changes how many workers there may be. */
  resize(workers: number): void {
    this.workerSet.resize(workers);
    this.more();
  }

  /** Takes a map that is about to begin. */
  add(run: ItemRun): void {
    this.work.addMap(run);
  }

  /** Deals soon. */
  more(): void {
    if (this.#dealSoon) return;
    this.#dealSoon = true;
    settled.then(this.#dealNow);
  }

  /** Deals until no worker has room or nothing waits. */
  deal(): void {
    if (this.#dealing) return;
    this.#dealing = true;
    try {
      if (this.#broken !== null) this.#refuseAll((job) => this.#brokenError(job));
      const urgent = this.work.takeUrgent();
      if (urgent > -Infinity) this.#overtake(urgent);
      do {
        while (this.#dealOne());
      } while (this.#relieve());
    } finally {
      this.#dealing = false;
    }
    this.#hold();
    this.#idleTimer.look();
    this.#owner.dealt();
  }

  /** Cancels a job by the mildest means. */
  withdraw(job: Job, reason: unknown, means: CancelPolicy): CancelMeans {
    const { batch, index } = job;
    batch?.takeBack();
    this.more();
    if (job.state === "queued") {
      this.work.queueOf(job).forget();
      return "dropped";
    }
    if (batch!.skip(index)) return "dropped";
    this.#tellToStop(batch!, index, reason, means);
    return means;
  }

  /** Ends a batch of a map that is over. */
  halt(batch: Batch, reason: unknown): void {
    batch.takeBack();
    for (let index = batch.answered; index < batch.count; index++) batch.skip(index);
    if (batch.running >= 0) this.#tellToStop(batch, batch.running, reason, this.#onCancel);
  }

  /** A map is over. */
  finished(run: ItemRun): void {
    this.work.maps.delete(run);
    this.more();
  }

  /** Drops every job and ends every worker. */
  terminate(reason: unknown): void {
    for (const job of this.work.drain()) job.end("shutdown", reason);
    for (const handle of this.workerSet.active) {
      for (const batch of handle.allBatches) batch.drop(reason);
    }
    this.work.failMaps(() => cancelled("shutdown", reason));
    this.dismiss();
  }

  /** Ends every worker: there is nothing left to do. */
  dismiss(): void {
    this.workerSet.dismissAll();
    this.#timers.clear();
    this.#deadlines.clear();
    this.#idleTimer.clear();
  }

  // -- What workers tell --

  /** Some jobs have been answered. */
  answered(handle: WorkerHandle, spent: readonly number[] | null): void {
    if (spent !== null) this.#kinds.measure(spent);
    this.#deadlines.answered();
    if (this.workerSet.left(handle) <= 0 && !handle.busy) this.workerSet.dismiss(handle);
    this.deal();
  }

  /** The function of this number is a task body: jobs of it that wait hold no turn any more. */
  isTaskBody(id: number): void {
    if (this.#kinds.isTaskBody(id)) this.work.sort();
    this.deal();
  }

  /** A worker could not be got ready, and neither could another: the pool is broken. */
  unfit(_handle: WorkerHandle, cause: unknown): void {
    this.#break(cause);
    this.deal();
  }

  /** An error came up that belongs to no running job. */
  strayed(error: unknown): void {
    this.#owner.strayed(error);
  }

  /** Something was written to the console of a worker. */
  logged(line: JobLogLine): void {
    this.#owner.logged(line);
  }

  /** A worker is gone. What it had not begun goes to others; the rest fails. */
  crashed(handle: WorkerHandle, cause: unknown): void {
    this.workerSet.gone(handle);
    this.#lose(handle, cause);
    this.deal();
  }

  /** A worker has gone, as it was told. */
  ended(handle: WorkerHandle): void {
    this.workerSet.gone(handle);
    this.#owner.dealt();
  }

  // -- Dealing --

  /** Takes back what workers have not begun and is less urgent than what has come. */
  #overtake(urgent: number): void {
    for (const handle of this.workerSet.active) {
      for (const batch of handle.batches.toReversed()) {
        if (batch.content.priority < urgent) batch.takeBack();
      }
    }
  }

  /** Sends one batch, or one task, to the worker that can best take it. Returns whether it did. */
  #dealOne(): boolean {
    for (const source of this.work.sources()) {
      const handle = this.#pick(source);
      if (handle === null) continue;
      const allowance = allowanceFor(handle, this.workerSet, source);
      const batch = source.take(allowance);
      if (batch === null) continue;
      source.turn = ++this.#turn;
      this.#send(handle, source, batch, allowance);
      if (source.areTasks) this.#relieveLater("tasks");
      return true;
    }
    return false;
  }

  /** Picks a worker. To hire one may fail, as where it may not have the permissions it should have. */
  #pick(source: JobSource): WorkerHandle | null {
    try {
      return source.waiting > 0 ? pickWorker(this.workerSet, source) : null;
    } catch (error) {
      this.#cannotStart(error);
      return null;
    }
  }

  /** Sends a batch. If something in it cannot be cloned, sends its first half instead, down to the culprit. */
  #send(handle: WorkerHandle, source: JobSource, batch: Batch, allowance: Allowance): void {
    try {
      handle.send(batch);
      // The clone may have called a getter, and that the pool's end.
      if (!this.workerSet.active.includes(handle)) batch.drop("its worker was ended");
      else this.#deadlines.sent(batch);
    } catch (error) {
      if (batch.count === 1) {
        return batch.fail(() => unsendable(batch.kindAt(0).name, "arguments", error));
      }
      const most = Math.ceil(batch.count / 2);
      const half = { ...allowance, most, jobs: most };
      batch.refuse();
      const smaller = source.take(half);
      if (smaller !== null) this.#send(handle, source, smaller, half);
    }
  }

  /** Takes jobs back from a busy worker for an idle one, now or later. Returns whether it did. */
  #relieve(): boolean {
    const relief = relieve(this.workerSet, true);
    if (relief === "later") this.#relieveLater("jobs");
    return relief === "took";
  }

  /** Looks after jobs, or tasks, that have been sent until nothing can be gained by taking them back. */
  #relieveLater(what: "jobs" | "tasks"): void {
    if (this.#looking.has(what)) return;
    this.#looking.add(what);
    this.#timers.in(what === "jobs" ? IDLE_MS : STUCK_MS, () => {
      this.#looking.delete(what);
      const relief = what === "jobs"
        ? relieve(this.workerSet, false)
        : relieveTasks(this.workerSet);
      if (relief === "took") this.deal();
      if (relief !== "none") this.#relieveLater(what);
    });
  }

  /** Keeps the process alive while there is work, and for a moment after. */
  #hold(): void {
    if (this.#working) {
      this.workerSet.hold(true);
    } else if (this.workerSet.held && this.workerSet.active.length > 0 && !this.#resting) {
      this.#resting = true;
      this.#timers.in(REST_MS, () => {
        this.#resting = false;
        if (!this.#working) this.workerSet.hold(false);
      });
    }
  }

  // -- Stopping --

  #tellToStop(batch: Batch, index: number, reason: unknown, means: CancelPolicy): void {
    if (means !== "wait") batch.signal(index, reason);
    if (means === "kill") this.#deadlines.toldToStop(batch, index);
  }

  /** Gives up a worker that does not answer. */
  giveUp(carrier: BatchCarrier, cause: Error): void {
    const handle = this.workerSet.active.find((one) => one === carrier);
    if (handle === undefined) return;
    this.#lose(handle, cause);
    this.workerSet.dismiss(handle);
    this.deal();
  }

  /** Takes back what a lost worker has not begun, and fails the rest. */
  #lose(handle: WorkerHandle, cause: unknown): void {
    handle.takeBack();
    for (const batch of handle.allBatches) {
      batch.fail((index) => crashError(batch.kindAt(index).name, batch.lostAt(index), cause));
    }
    this.lost++;
    if (handle.startMs === Infinity) this.#cannotStart(cause);
  }

  /** A worker never got as far as a job, and neither would the next one. */
  #cannotStart(cause: unknown): void {
    if (this.#setUpName === null) this.#refuseAll((job) => startError(job, cause));
    else this.#break(cause ?? new Error("its worker ended"));
  }

  /** No worker can be got ready: fails what the pool has, and has every later job fail. */
  #break(cause: unknown): void {
    this.#broken ??= { cause };
    for (const handle of this.workerSet.active) {
      handle.takeBack();
      for (const batch of handle.allBatches) {
        batch.fail((index) => this.#brokenError(batch.kindAt(index).name));
      }
    }
    this.dismiss();
  }

  #brokenError(job: string): Error {
    return brokenError(job, this.#setUpName!, this.#broken!.cause);
  }

  /** Fails whatever nobody works on. */
  #refuseAll(makeError: (job: string) => Error): void {
    for (const job of this.work.drain()) job.fail(makeError(job.kind.name));
    this.work.failMaps(makeError);
  }
}

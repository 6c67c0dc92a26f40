/**
 * The middle of a pool: jobs come in on one side, workers on the other, and results go back.
 *
 * All dealing happens in one pass, {@linkcode Dispatcher.deal}. It runs after a burst of submits, in a
 * microtask (dealing amid the burst, every some hundred jobs, was slower), and whenever a worker answers.
 */
import { currentScope, withScope } from "../kernel/context.ts";
import { cancelled, TimeoutError } from "../kernel/errors.ts";
import type { Batch } from "./batch.ts";
import type { CancelMeans } from "./future.ts";
import type { Job } from "./job.ts";
import { JobKind } from "./job_kind.ts";
import { JobQueue } from "./job_queue.ts";
import type { Allowance, JobSource } from "./job_source.ts";
import type { JobAddress } from "./jobs.ts";
import type { MapHost, MapRun } from "./map_run.ts";
import { allowanceFor, pickWorker, relieve } from "./placement.ts";
import { Staff } from "./staff.ts";
import { Watch } from "./watch.ts";
import { at } from "./wire.ts";
import { crashError, unsendable } from "./worker_error.ts";
import type { WorkerHandle, WorkerOwner } from "./worker_handle.ts";

/** Jobs of a busy worker wait this long for it while another is idle. */
const IDLE_MS = 1;
/** After this long without work the workers no longer keep the process alive; it costs some microseconds. */
const REST_MS = 5;

/** What a dispatcher needs to know of its pool. */
export interface DispatcherOptions {
  /** Names it in reports. */
  readonly name: string;
  /** How many workers. */
  readonly workers: number;
  /** How many jobs each is sent before it is replaced. */
  readonly recycle: number;
  /** How long a job may ignore a cancel, in milliseconds. */
  readonly grace: number;
}

/** Who hears of what a dispatcher does. */
export interface DispatcherOwner {
  /** Jobs have been dealt or answered, or a worker has gone: there may be room, or nothing left to do. */
  dealt(): void;
  /** A worker was lost: it crashed, or had to be given up. */
  lost(): void;
  /** An error came up in a worker, in no job. */
  strayed(error: unknown): void;
}

/** A microtask by way of a promise: Deno's own `queueMicrotask` takes three times as long. */
const settled = Promise.resolve();

const noSources: readonly JobSource[] = [];

/** Deals jobs to workers. */
export class Dispatcher implements WorkerOwner, MapHost {
  /** Single jobs nobody works on. */
  readonly queue: JobQueue = new JobQueue();
  /** The workers. */
  readonly staff: Staff;
  readonly #grace: number;
  readonly #owner: DispatcherOwner;
  readonly #kinds = new Map<JobAddress, JobKind>();
  readonly #kindList: JobKind[] = [];
  readonly #maps = new Set<MapRun>();
  readonly #queueOnly: readonly JobSource[] = [this.queue];
  readonly #watch = new Watch();
  readonly #dealNow = (): void => {
    this.#dealSoon = false;
    // In nobody's scope: whatever is called from here is not part of the task that submitted.
    if (currentScope() === null) this.deal();
    else withScope(null, () => this.deal());
  };
  #turn = 0;
  #dealSoon = false;
  #dealing = false;
  #looking = false;
  #resting = false;

  /** A dispatcher with nothing to do. */
  constructor(options: DispatcherOptions, owner: DispatcherOwner) {
    this.#grace = options.grace;
    this.#owner = owner;
    this.staff = new Staff(options.name, options.workers, options.recycle, this);
  }

  /** Whether there is anything to do, or being done. */
  get busy(): boolean {
    return this.queue.waiting > 0 || this.#maps.size > 0 || this.staff.owed > 0;
  }

  /** What is known of a function. */
  kindOf(address: JobAddress): JobKind {
    let kind = this.#kinds.get(address);
    if (kind === undefined) {
      this.#kinds.set(address, kind = new JobKind(this.#kindList.length, address));
      this.#kindList.push(kind);
    }
    return kind;
  }

  /** Takes a job. */
  submit(job: Job): void {
    this.queue.add(job);
    this.more();
  }

  /** Takes a map. */
  add(run: MapRun): void {
    if (run.over) return;
    this.#maps.add(run);
    this.more();
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
      do {
        while (this.#dealOne());
      } while (this.#relieve());
    } finally {
      this.#dealing = false;
    }
    this.#hold();
    this.#owner.dealt();
  }

  /** Cancels a job by the mildest means. */
  withdraw(job: Job, reason: unknown): CancelMeans {
    const { batch, index } = job;
    batch?.takeBack();
    this.more();
    if (job.state === "queued") {
      this.queue.forget();
      return "dropped";
    }
    const begun = batch!.hasBegun(index);
    batch!.signal(index, reason);
    if (!begun) return "dropped"; // its arguments were moved, so it stays where it is, and will be skipped
    this.#expect(batch!, index, this.#grace);
    return "signalled";
  }

  /** Ends a batch of a map that is over. */
  halt(batch: Batch, reason: unknown): void {
    batch.takeBack();
    if (batch.owed === 0) return;
    batch.signal(batch.count - 1, reason);
    this.#expect(batch, batch.count - 1, this.#grace);
  }

  /** A map is over. */
  finished(run: MapRun): void {
    this.#maps.delete(run);
    this.more();
  }

  /** Drops every job and ends every worker. */
  terminate(reason: unknown): void {
    for (const job of this.queue.drain()) job.end("shutdown", reason);
    for (const handle of this.staff.active) {
      for (const batch of handle.batches) batch.drop(reason);
    }
    for (const run of [...this.#maps]) run.fail(cancelled("shutdown", reason));
    this.dismiss();
  }

  /** Ends every worker: there is nothing left to do. */
  dismiss(): void {
    this.staff.dismissAll();
    this.#watch.clear();
  }

  // -- What workers tell --

  /** Some jobs have been answered. */
  answered(handle: WorkerHandle, spent: readonly number[] | null): void {
    if (spent !== null) {
      for (let i = 0; i < spent.length; i += 3) {
        this.#kindList[spent[i]!]!.measure(spent[i + 1]!, spent[i + 2]!);
      }
    }
    if (this.staff.left(handle) <= 0 && handle.owed === 0) this.staff.dismiss(handle);
    this.deal();
  }

  /** A job with a time limit waits for something. Should it compute on after that, only we can tell. */
  isWaiting(batch: Batch, index: number): void {
    const limit = at(batch.content.limits, index);
    const late = new TimeoutError(limit, `job "${batch.kindAt(index).name}"`);
    this.#expect(batch, index, limit + this.#grace, late);
  }

  /** An error came up that belongs to no running job. */
  strayed(error: unknown): void {
    this.#owner.strayed(error);
  }

  /** A worker is gone. What it had not begun goes to others; the rest fails. */
  crashed(handle: WorkerHandle, cause: unknown): void {
    this.staff.gone(handle);
    this.#lose(handle, cause);
    if (!handle.wasUp) {
      // It never got as far as a job, and neither would the next one.
      for (const job of this.queue.drain()) job.fail(crashError(job.kind.name, "unsent", cause));
      for (const run of [...this.#maps]) run.fail(crashError(run.name, "unsent", cause));
    }
    this.deal();
  }

  /** A worker has gone, as it was told. */
  ended(handle: WorkerHandle): void {
    this.staff.gone(handle);
    this.#owner.dealt();
  }

  // -- Dealing --

  /** Sends one batch to the worker that can best take it. Returns whether it did. */
  #dealOne(): boolean {
    const sources = this.#waitingSources();
    if (sources.length === 0) return false;
    const handle = pickWorker(this.staff, sources);
    if (handle === null) return false;
    for (const source of sources) {
      const allowance = allowanceFor(handle, this.staff, source);
      const batch = source.take(allowance);
      if (batch === null) continue;
      this.#turn++;
      this.#send(handle, source, batch, allowance);
      return true;
    }
    return false;
  }

  /** The sources with something to take, each in front in its turn. */
  #waitingSources(): readonly JobSource[] {
    if (this.#maps.size === 0) return this.queue.waiting > 0 ? this.#queueOnly : noSources;
    const sources: JobSource[] = this.queue.waiting > 0 ? [this.queue] : [];
    for (const run of this.#maps) if (run.waiting > 0) sources.push(run);
    const turn = sources.length === 0 ? 0 : this.#turn % sources.length;
    return turn === 0 ? sources : [...sources.slice(turn), ...sources.slice(0, turn)];
  }

  /** Sends a batch. If something in it cannot be cloned, sends its first half instead, down to the culprit. */
  #send(handle: WorkerHandle, source: JobSource, batch: Batch, allowance: Allowance): void {
    try {
      handle.send(batch);
    } catch (error) {
      if (batch.count === 1) {
        return batch.fail(() => unsendable(batch.kindAt(0).name, "arguments", error));
      }
      const half = { ...allowance, jobs: Math.ceil(batch.count / 2) };
      batch.refuse();
      const smaller = source.take(half);
      if (smaller !== null) this.#send(handle, source, smaller, half);
    }
  }

  /** Takes jobs back from a busy worker for an idle one, now or later. Returns whether it did. */
  #relieve(): boolean {
    const relief = relieve(this.staff, true);
    if (relief === "later" && !this.#looking) {
      this.#looking = true;
      this.#watch.in(IDLE_MS, () => {
        this.#looking = false;
        if (relieve(this.staff, false) === "took") this.deal();
      });
    }
    return relief === "took";
  }

  /** Keeps the process alive while there is work, and for a moment after. */
  #hold(): void {
    if (this.busy) {
      this.staff.hold(true);
    } else if (this.staff.held && this.staff.active.length > 0 && !this.#resting) {
      this.#resting = true;
      this.#watch.in(REST_MS, () => {
        this.#resting = false;
        if (!this.busy) this.staff.hold(false);
      });
    }
  }

  // -- Stopping --

  /** If the job is not answered within `ms`, gives its worker up; `fate` may have an error for it. */
  #expect(batch: Batch, index: number, ms: number, fate?: Error): void {
    this.#watch.in(ms, () => {
      const handle = this.staff.active.find((one) => one === batch.carrier);
      if (handle === undefined || batch.answered > index) return;
      const { name } = batch.kindAt(index);
      if (fate !== undefined) batch.failAt(index, fate);
      this.#lose(handle, new Error(`job "${name}" did not stop in time, so it was given up`));
      this.staff.dismiss(handle);
      this.deal();
    });
  }

  /** Takes back what a lost worker has not begun, and fails the rest. */
  #lose(handle: WorkerHandle, cause: unknown): void {
    const { batches } = handle;
    for (const batch of batches.toReversed()) batch.takeBack();
    for (const batch of batches) {
      batch.fail((index) => {
        const lost = index === batch.count - 1 ? "running" : "unsent";
        return crashError(batch.kindAt(index).name, lost, cause);
      });
    }
    this.#owner.lost();
  }
}

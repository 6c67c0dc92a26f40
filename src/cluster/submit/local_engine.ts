/**
 * A cluster of one machine, without a server: the same verbs on a pool of workers here.
 *
 * So a program can be written, tried and tested without anything installed. What differs is what a server
 * is for: a job lives as long as this program, is found by its key in this program only and until it
 * has ended, and is not started again when its worker crashes.
 */
import { ClosedError, WouldBlock } from "../../kernel/errors.ts";
import { show } from "../../kernel/printable.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import type { Addressed, AnyFunction } from "../../parallel/jobs.ts";
import type { CancelMeans, CancelPolicy, Future } from "../../parallel/pool/future.ts";
import { onReport, report } from "../../parallel/pool/progress_stream.ts";
import { WorkerPool } from "../../parallel/pool/pool.ts";
import type { JobSender } from "../../parallel/pool/options.ts";
import { ClusterError } from "../link/errors.ts";
import { parseKey } from "../wire/names.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { Engine, EngineMaps } from "./engine.ts";
import type { JobMaker } from "./job_maker.ts";
import { PendingJobs } from "./pending_jobs.ts";
import type { ClusterDemand, ClusterOptions, ClusterState, ClusterStatistics } from "./options.ts";

const STATES: Record<string, ClusterState> = {
  open: "open",
  broken: "broken",
  closing: "closing",
  ending: "closing",
  ended: "ended",
};

/** The workers of this machine, as a cluster. */
export class LocalEngine implements Engine {
  /** How jobs are treated that demand nothing else. */
  readonly usual: ClusterDemand;
  /** Applies a job to many items. */
  readonly maps: EngineMaps;
  readonly #name: string;
  readonly #pool: WorkerPool;
  readonly #maker: JobMaker;
  readonly #pending: PendingJobs;
  /** Every job that has not ended. */
  readonly #jobs = new Map<string, ClusterJob>();
  readonly #calls = new Map<ClusterJob, Addressed<AnyFunction>>();
  readonly #futures = new Map<ClusterJob, Future<unknown>>();
  readonly #senders = new WeakMap<ClusterDemand, JobSender>();
  #closing = false;
  #submitted = 0;
  #settled = 0;

  /** A cluster whose workers start with the first jobs. */
  constructor(name: string, options: ClusterOptions, maker: JobMaker, bound: number) {
    const { workers } = options;
    this.#name = name;
    this.#maker = maker;
    this.#pending = new PendingJobs(name, bound);
    this.usual = maker.usual;
    const { limit, onCancel } = maker.usual;
    this.#pool = new WorkerPool(workers, {
      name,
      queue: bound,
      timeout: limit || Infinity,
      onCancel,
    });
    this.maps = mapsOn(this.#pool);
    maker.host = {
      withdraw: (job, reason, policy) => this.#withdraw(job, reason, policy),
      over: (job) => this.#over(job),
      wanted: () => {}, // what is reported here comes anyway
      run: null,
    };
  }

  /** Whether as many jobs wait as should. */
  get full(): boolean {
    return this.#pool.full;
  }

  /** Throws if as many jobs wait as should. */
  refuseIfFull(): void {
    if (!this.full) return;
    throw new WouldBlock(
      `Cannot submit to ${this.#name} now: as many jobs wait as the option "queue" allows`,
    );
  }

  /** Waits until there is room. */
  ready(): Operation<void> {
    return this.#pool.ready();
  }

  /** Takes a job. */
  submit(
    job: Addressed<AnyFunction>,
    args: readonly unknown[],
    demand: ClusterDemand,
  ): ClusterJob {
    if (this.#closing) throw new ClosedError(`Cannot submit to ${this.#name}: it has been closed`);
    const made = this.#maker.local(job, args, demand);
    this.#submitted++;
    this.#jobs.set(made.key, made);
    this.#calls.set(made, job);
    this.#pending.add(made);
    this.#pump();
    return made;
  }

  /** Finds a job by its key. */
  attach(key: string): ClusterJob {
    if (parseKey(key) === null) {
      throw new TypeError(`Cannot attach to ${show(key)}: it is not the key of a future`);
    }
    const known = this.#jobs.get(key);
    if (known !== undefined) return known;
    const job = this.#maker.foreign(parseKey(key)!);
    job.fail(
      new ClusterError(
        `Cannot attach to job ${key}: it is not of this program, and without a server no other is known`,
      ),
    );
    return job;
  }

  /** What waits and runs. */
  statistics(): Promise<ClusterStatistics> {
    const { state, queued, running } = this.#pool.statistics();
    return Promise.resolve(Object.freeze({
      state: this.#closing && state === "open" ? "closing" : STATES[state]!,
      waiting: this.#pending.waiting + queued,
      outstanding: running,
      submitted: this.#submitted,
      settled: this.#settled,
      resent: 0,
      restored: 0,
      refused: 0,
      queued: { high: 0, normal: 0, low: 0 },
      inFlight: 0,
      nodes: [],
    }));
  }

  /** Takes no more jobs. */
  close(): void {
    this.#closing = true;
    if (this.#pending.waiting === 0) this.#pool.close();
  }

  /** Waits for the end. */
  join(): Operation<void> {
    return this.#pool.join();
  }

  /** Drops every job, and ends. */
  terminate(): void {
    this.#closing = true;
    const reason = `${this.#name} was terminated`;
    for (const job of [...this.#pending.all()]) {
      this.#pending.forget();
      job.end("shutdown", reason);
    }
    this.#pool.terminate();
  }

  /** The same: nothing is stored that could go on. */
  detach(): void {
    this.terminate();
  }

  /** Terminates; resolves at the end. */
  async release(): Promise<void> {
    this.terminate();
    await this.#pool[Symbol.asyncDispose]();
  }

  #withdraw(job: ClusterJob, reason: unknown, policy: CancelPolicy): CancelMeans {
    const future = this.#futures.get(job);
    if (future !== undefined) {
      this.#futures.delete(job); // the job settles by its own cancel, not by what that does to the future
      return future.cancel(reason, policy);
    }
    this.#pending.forget();
    return "dropped";
  }

  #over(job: ClusterJob): void {
    this.#jobs.delete(job.key);
    this.#calls.delete(job);
    this.#futures.delete(job);
    if (job.stage === "foreign") return;
    this.#settled++;
    if (job.stage !== "held") this.#pending.ended(job);
    this.#pump();
  }

  #pump(): void {
    for (let job = this.#pending.take(); job !== null; job = this.#pending.take()) this.#start(job);
    if (this.#closing && this.#pending.waiting === 0) this.#pool.close();
  }

  #start(job: ClusterJob): void {
    const future = this.#senderFor(job.terms).submit(this.#calls.get(job)!, ...job.args as never[]);
    this.#futures.set(job, future);
    onReport(future, (value) => report(job, value));
    job.stored(0);
    future.link(() => {
      if (this.#futures.get(job) !== future) return;
      if (future.successful) job.succeed(future.value);
      else if (future.cancelled) job.end("shutdown", `${this.#name} was terminated`);
      else job.fail(future.error);
    });
  }

  #senderFor(demand: ClusterDemand): JobSender {
    let sender = this.#senders.get(demand);
    if (sender === undefined) {
      const { limit, onCancel, priority } = demand;
      sender = this.#pool.with({ timeout: limit || Infinity, onCancel, priority });
      this.#senders.set(demand, sender);
    }
    return sender;
  }
}

function mapsOn(pool: WorkerPool): EngineMaps {
  return {
    map(job, items, options, spread): Operation<unknown[]> {
      return spread
        ? pool.starmap(job, items as Items<never>, options)
        : pool.map(job as Addressed<(item: never) => unknown>, items as Items<never>, options);
    },
    imap(job, items, options, ordered) {
      const one = job as Addressed<(item: never) => unknown>;
      return ordered
        ? pool.imap(one, items as Items<never>, options)
        : pool.imapUnordered(one, items as Items<never>, options);
    },
  };
}

/**
 * One submitter of a cluster, with its jobs: those that wait here, those that are on a server, and those
 * of others that are only waited for.
 *
 * It connects with the first thing that is asked of it, and not in its constructor, whose caller could
 * not be told of a failure. From then on every job ends: by its result; by a cancel; or by the
 * error for which the whole is broken.
 */
import { withScope } from "../../kernel/context.ts";
import { cancelled } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { Addressed, AnyFunction } from "../../parallel/jobs.ts";
import type { CancelMeans, CancelPolicy } from "../../parallel/pool/future.ts";
import type { ClusterError } from "../link/errors.ts";
import { atMost, Ticker } from "../link/ticker.ts";
import { parseKey } from "../wire/names.ts";
import { show } from "../../kernel/printable.ts";
import { ResultDispatcher } from "./result_dispatcher.ts";
import { StatisticsReader } from "./statistics_reader.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { Engine } from "./engine.ts";
import { ClusterMaps } from "./cluster_maps.ts";
import type { JobMaker } from "./job_maker.ts";
import { PendingJobs } from "./pending_jobs.ts";
import type { ClusterDemand, ClusterOptions, ClusterStatistics } from "./options.ts";
import { JobPublisher } from "./job_publisher.ts";
import { lateError, RECONCILE_MS, Reconciler, tooLate } from "./reconcile.ts";
import { RemoteLife } from "./remote_life.ts";
import { ProgressSubscription } from "./progress_subscription.ts";
import { closeConnection, openConnection, type ServerConnection } from "./server_connection.ts";

/** What is under way at the end gets so long, in milliseconds. */
const LAST_MS = 3000;

/** What a submitter has while it is connected. */
interface Session {
  readonly connection: ServerConnection;
  readonly jobs: JobPublisher;
  readonly reconciler: Reconciler;
  readonly statistics: StatisticsReader;
  readonly ticker: Ticker;
}

/** A submitter. */
export class RemoteEngine implements Engine {
  /** How jobs are treated that demand nothing else. */
  readonly usual: ClusterDemand;
  /** Applies a job to many items. */
  readonly maps: ClusterMaps;
  readonly #name: string;
  readonly #options: ClusterOptions;
  readonly #window: number;
  readonly #life: RemoteLife;
  readonly #maker: JobMaker;
  readonly #pending: PendingJobs;
  /** Every job of our own that has not ended, by its name. */
  readonly #own = new Map<string, ClusterJob>();
  /** Those of others that are waited for, by their keys. */
  readonly #foreign = new Map<string, ClusterJob>();
  readonly #dispatcher: ResultDispatcher;
  readonly #errands = new Set<Promise<unknown>>();
  readonly #progress: ProgressSubscription;
  #session: Session | null = null;
  #opening: Promise<void> | null = null;
  #finishing: Promise<void> | null = null;
  #pumping: "no" | "yes" | "again" | "soon" = "no";
  /** Jobs that are being stored or are stored. */
  #outstanding = 0;
  #submitted = 0;
  #settled = 0;

  /** A submitter that has not connected. */
  constructor(
    name: string,
    options: ClusterOptions,
    maker: JobMaker,
    bounds: { readonly window: number; readonly queue: number },
  ) {
    this.#name = name;
    this.#options = options;
    this.#window = bounds.window;
    this.#maker = maker;
    this.usual = maker.usual;
    this.#life = new RemoteLife(name, () => this.release());
    this.#pending = new PendingJobs(name, bounds.queue);
    this.#dispatcher = new ResultDispatcher(maker.signer !== null, {
      jobOf: (id) => this.#own.get(id),
      arrived: (job, object) => this.#session?.jobs.clear(job, object),
    });
    this.#progress = new ProgressSubscription(maker.submitter);
    maker.host = {
      withdraw: (job, reason, policy) => this.#withdraw(job, reason, policy),
      over: (job) => this.#over(job),
      wanted: (job) => this.#progress.want(job),
      run: this.#life.run,
    };
    this.maps = new ClusterMaps(name, {
      usual: this.usual,
      kindOf: (address) => maker.kindOf(address),
      pump: () => this.#pump(),
      refuseIfClosed: (verb) => {
        this.#life.refuseIfClosed(verb);
        if (this.#life.error !== null) throw this.#life.error;
        this.#begin();
      },
      make: (job, args, demand) => maker.make(job, args, demand),
    });
  }

  // -- For the cluster: see Engine --

  /** Whether as many jobs wait as should. */
  get full(): boolean {
    return this.#pending.full;
  }

  /** Throws if as many jobs wait as should. */
  refuseIfFull(): void {
    this.#pending.refuseIfFull();
  }

  /** Waits until there is room. */
  ready(): Operation<void> {
    return this.#pending.ready(() => this.#begin());
  }

  /** Takes a job. */
  submit(
    job: Addressed<AnyFunction>,
    args: readonly unknown[],
    demand: ClusterDemand,
  ): ClusterJob {
    this.#life.refuseIfClosed("submit to");
    const made = this.#maker.make(job, args, demand);
    this.#submitted++;
    if (made.done) return made;
    this.#own.set(made.parts.id, made);
    this.#pending.add(made);
    if (this.#life.error !== null) this.#drop(made, this.#life.error);
    else {
      this.#begin();
      this.#pump();
    }
    return made;
  }

  /** Finds a job by its key. */
  attach(key: string): ClusterJob {
    this.#life.refuseIfClosed("attach to a job of");
    const parts = parseKey(key);
    if (parts === null) {
      throw new TypeError(`Cannot attach to ${show(key)}: it is not the key of a future`);
    }
    const own = parts.submitter === this.#maker.submitter ? this.#own.get(parts.id) : undefined;
    const known = own ?? this.#foreign.get(key);
    if (known !== undefined) return known;
    const job = this.#maker.foreign(parts);
    this.#foreign.set(key, job);
    if (this.#life.error !== null) job.fail(this.#life.error);
    else {
      this.#begin();
      this.#errand(withScope(null, () => this.#attach(job)));
    }
    return job;
  }

  /** Asks for what waits and runs. */
  async statistics(): Promise<ClusterStatistics> {
    if (this.#life.state === "open") this.#begin();
    await this.#opening;
    const report = await this.#session?.statistics.take() ?? {
      queued: { high: 0, normal: 0, low: 0 },
      inFlight: 0,
      nodes: [],
    };
    return Object.freeze({
      state: this.#life.state,
      waiting: this.#pending.waiting,
      outstanding: this.#outstanding,
      submitted: this.#submitted,
      settled: this.#settled,
      resent: this.#session?.connection.publisher.resent ?? 0,
      restored: this.#session?.jobs.restored ?? 0,
      refused: this.#dispatcher.refused,
      ...report,
    });
  }

  /** Takes no more jobs. */
  close(): void {
    if (this.#life.state !== "open" && this.#life.state !== "broken") return;
    this.#life.state = "closing";
    this.#endIfThrough();
  }

  /** Waits for the end. */
  join(): Operation<void> {
    return this.#life.join();
  }

  /** Cancels every job, and ends. */
  terminate(): void {
    this.#end("cancel");
  }

  /** Ends without cancelling what is stored. */
  detach(): void {
    this.#end("leave");
  }

  /** Terminates; resolves at the end. */
  release(): Promise<void> {
    this.terminate();
    return this.#finish();
  }

  // -- For the jobs --

  #withdraw(job: ClusterJob, reason: unknown, policy: CancelPolicy): CancelMeans {
    if (job.stage === "held" || job.stage === "waiting") {
      this.#pending.forget();
      return "dropped";
    }
    this.#session?.jobs.withdraw(job, reason, policy);
    return policy;
  }

  #over(job: ClusterJob): void {
    this.#progress.over(job);
    if (job.stage === "foreign") return void this.#foreign.delete(job.key);
    this.#own.delete(job.parts.id);
    if (job.stage === "storing" || job.stage === "stored") this.#outstanding--;
    if (job.stage !== "held") this.#pending.ended(job);
    this.#settled++;
    this.#pumpSoon();
  }

  *#unfinished(): Iterable<ClusterJob> {
    yield* this.#foreign.values();
    yield* this.#own.values();
  }

  #drop(job: ClusterJob, error: unknown): void {
    if (job.stage === "held" || job.stage === "waiting") this.#pending.forget();
    job.fail(error);
  }

  // -- Sending --

  /** Sends what may be sent. A map that draws, or a job that fails at once, may call it anew. */
  #pump(): void {
    if (this.#pumping === "yes") this.#pumping = "again";
    if (this.#pumping === "again" || this.#session === null) return;
    const { connection: { publisher }, jobs } = this.#session;
    do {
      this.#pumping = "yes";
      while (this.#outstanding < this.#window && !publisher.full) {
        const job = this.#pending.take() ?? this.maps.take();
        if (job === null) break;
        if (job.done) continue;
        this.#own.set(job.parts.id, job);
        this.#outstanding++;
        jobs.store(job);
      }
    } while ((this.#pumping as string) === "again");
    this.#pumping = "no";
    this.#pending.madeRoom();
    this.#endIfThrough();
  }

  /** Once for all that comes at one time. */
  #pumpSoon(): void {
    if (this.#pumping !== "no") return;
    this.#pumping = "soon";
    queueMicrotask(() => {
      if (this.#pumping === "soon") this.#pumping = "no";
      this.#pump();
      this.#endIfThrough();
    });
  }

  #errand(work: Promise<unknown>): void {
    const errand: Promise<unknown> = work.catch(() => {}).then(() => this.#errands.delete(errand));
    this.#errands.add(errand);
  }

  // -- The connection --

  #begin(): void {
    if (this.#opening !== null) return;
    this.#life.held();
    this.#opening = withScope(null, () => this.#open());
  }

  async #open(): Promise<void> {
    const { names, submitter, signer } = this.#maker;
    let connection: ServerConnection;
    try {
      connection = await openConnection(
        this.#options,
        { names, submitter, signer },
        (reader, id, msg) => this.#dispatcher.take(reader, id, msg),
      );
    } catch (error) {
      return this.#break(error as ClusterError);
    }
    if (this.#finishing !== null) return await closeConnection(connection);
    const { link } = connection;
    const jobs = new JobPublisher(connection, {
      submitter,
      pumpSoon: () => this.#pumpSoon(),
      errand: (work) => this.#errand(work),
    });
    this.#session = {
      connection,
      jobs,
      reconciler: new Reconciler(connection, this.#dispatcher, jobs),
      statistics: new StatisticsReader(link),
      ticker: new Ticker(RECONCILE_MS, () => this.#reconcile()),
    };
    this.#progress.open(link);
    link.onEnd((error) => this.#break(error));
    this.#pump();
  }

  async #reconcile(): Promise<void> {
    this.#pump();
    const { connection, jobs, reconciler } = this.#session!;
    const { acceptTimeout = Infinity } = this.#options;
    for (const job of tooLate(this.#unfinished(), acceptTimeout)) {
      this.#drop(job, lateError(job, acceptTimeout, jobs.lastRefusal));
    }
    if (connection.link.up) await reconciler.check(this.#unfinished());
  }

  async #attach(job: ClusterJob): Promise<void> {
    await this.#opening;
    await this.#session?.reconciler.attach(job);
  }

  // -- The end --

  #break(error: ClusterError): void {
    if (!this.#life.broke(error)) return;
    this.maps.drop(error);
    for (const job of [...this.#unfinished()]) this.#drop(job, error);
    this.#pending.shut(error);
    this.#endIfThrough();
  }

  #endIfThrough(): void {
    if (this.#life.state !== "closing" || this.#finishing !== null) return;
    if (this.#own.size + this.#foreign.size === 0 && !this.maps.busy) void this.#finish();
  }

  #end(what: "cancel" | "leave"): void {
    if (this.#finishing !== null) return;
    const reason = `${this.#name} was ${what === "cancel" ? "terminated" : "detached"}`;
    this.#life.state = "closing";
    this.maps.drop(cancelled("shutdown", reason));
    for (const job of [...this.#unfinished()]) {
      if (job.done) continue;
      if (what === "cancel" && job.stage !== "foreign") {
        this.#withdraw(job, reason, job.terms.onCancel);
      } else if (job.stage === "held" || job.stage === "waiting") this.#pending.forget();
      job.end("shutdown", reason);
    }
    this.#pending.shut(this.#life.closedError("wait for"));
    void this.#finish();
  }

  #finish(): Promise<void> {
    return this.#finishing ??= withScope(null, () => this.#leave());
  }

  async #leave(): Promise<void> {
    if (this.#session === null) await this.#opening;
    if (this.#session !== null) {
      const { connection, ticker } = this.#session;
      ticker.stop();
      if (connection.link.up) await atMost(LAST_MS, this.#runErrands());
      await closeConnection(connection);
    }
    this.#life.end();
  }

  async #runErrands(): Promise<void> {
    while (this.#errands.size > 0) await Promise.all(this.#errands);
  }
}

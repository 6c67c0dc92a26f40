/** The cluster, as its users see it. */
import { BOUND, checkMs, checkOptions, checkSignal, checkWhole } from "../../kernel/checks.ts";
import type { Operation } from "../../kernel/operation.ts";
import { sequence } from "../../kernel/operation.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import { wait } from "../../tasks/wait.ts";
import type {
  Addressed,
  AnyFunction,
  JobArguments,
  JobItem,
  JobResult,
} from "../../parallel/jobs.ts";
import { OptionedSender, waitFor } from "../../parallel/pool/job_sender.ts";
import { type ModuleJobs, moduleJobs, moduleUrl } from "../../parallel/pool/module_jobs.ts";
import type { JobSender } from "../../parallel/pool/options.ts";
import type { ResultStream } from "../../parallel/pool/result_stream.ts";
import { reportName } from "../../kernel/printable.ts";
import { clientOptions } from "../link/connect_options.ts";
import { checkName, freshName, Names } from "../wire/names.ts";
import { Signer } from "../wire/signing.ts";
import type { Engine } from "./engine.ts";
import { JobMaker } from "./job_maker.ts";
import { LocalEngine } from "./local_engine.ts";
import {
  type ClusterFuture,
  type ClusterJobOptions,
  type ClusterMapOptions,
  type ClusterOptions,
  type ClusterSender,
  type ClusterStatistics,
  demandOf,
  usualDemand,
} from "./options.ts";
import { RemoteEngine } from "./remote_engine.ts";

/** How many jobs may be stored and unfinished, and how many may wait here, unless said otherwise. */
const [WINDOW, QUEUE] = [8192, 8192] as const;

/**
 * Nodes on any number of machines, and jobs for them: the verbs of a `WorkerPool`, over NATS JetStream.
 *
 * - A job is **accepted** once the server has stored it: {@linkcode ClusterFuture.accepted} waits for that.
 *   From then on it runs although this program ends. (With one replica, a power cut can cost what the
 *   server had not yet synced, on 2.9 up to a minute of it; a submitter that lives finds out and stores
 *   such jobs anew.)
 * - It is run **at least once**. A node, a worker or a server that dies or freezes has it run again: some
 *   seconds later, when its submitter finds that no node has it, else after the lease. Its **first stored
 *   result wins**, and is given to the future exactly once, also when two runs differ. A job that takes its node down with it fails after `maxAttempts` starts, with its history.
 * - Futures settle as a pool's do. When this program dies, another picks them up by their keys:
 *   {@linkcode attach}.
 * - A cancel deletes a job that is queued, and tells one that runs.
 * - Priorities are three classes. Jobs of one class begin about in the order in which they were stored; where
 *   order matters, name it by the option `order`.
 * - Nodes run only functions of the modules they were started with, compared by name and by the text of
 *   the module. What travels is data: numbers, texts, lists, `Map`, `Set`, `Date`, `RegExp`, typed arrays, errors
 *   with their class name, code, cause and fields. Instances of other classes, functions and what is of one
 *   machine (shared memory, ports, streams) are refused with a sentence.
 * - It connects with the first thing that is asked of it, and keeps the process alive from then on, until
 *   `drain`, `terminate`, `detach`, or the end of the run it was made in.
 *
 * Without `servers`, and without the variable `NATS_URL`, jobs run on a `WorkerPool` of this program.
 *
 * @example The same program on this machine, or on twenty
 * ```ts
 * import { jobs } from "@weft/weft";
 * import { Cluster } from "@weft/weft/cluster";
 * export const { square } = jobs(import.meta, { square: (n: number) => n * n });
 * if (import.meta.main) {
 *   await using cluster = new Cluster();
 *   const [a, b] = [cluster.submit(square, 3), cluster.submit(square, 4)];
 *   if (await a + await b !== 25) throw new Error();
 *   const all = await cluster.map(square, [1, 2, 3]);
 *   if (all.join() !== "1,4,9") throw new Error(all.join());
 * }
 * ```
 */
export class Cluster implements ClusterSender {
  readonly #label: string;
  readonly #engine: Engine;
  readonly #modules = new Map<string, ModuleJobs<unknown>>();

  /**
   * Makes a cluster; it connects, or starts workers, with the first job.
   *
   * @param options Where the servers are, and how to log in; names, bounds, time limits.
   * @throws {TypeError} If a name or a server cannot be used.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(options: ClusterOptions = {}) {
    const given = withEnvironment(checkOptions(options, "Cluster"));
    const names = new Names(given.name ?? "weft");
    const submitter = checkName(given.submitter ?? freshName(), "the name of a submitter");
    const signer = given.resultKey === undefined ? null : new Signer(given.resultKey);
    const window = checkWhole(given.window ?? WINDOW, "use", "as a window", BOUND);
    const queue = checkWhole(given.queue ?? QUEUE, "use", "as a bound for waiting jobs", BOUND);
    for (const key of ["connectTimeout", "acceptTimeout", "lease", "keep"] as const) {
      if (given[key] !== undefined) checkMs(given[key], key);
    }
    if (given.replicas !== undefined) {
      checkWhole(given.replicas, "use", "as the number of replicas", { least: 1, most: 5 });
    }
    const maker = new JobMaker(names, submitter, signer, usualDemand(given));
    this.#label = reportName("Cluster", given.name);
    if (given.servers === undefined) {
      this.#engine = new LocalEngine(this.#label, given, maker, queue);
    } else {
      clientOptions(given); // refuses servers that do not parse
      this.#engine = new RemoteEngine(this.#label, given, maker, { window, queue });
    }
  }

  /** Whether `trySubmit` would refuse and `ready` would wait. */
  get full(): boolean {
    return this.#engine.full;
  }

  /**
   * Hands in a job.
   *
   * Never waits and never refuses: where the window is full, or the server is away, the job waits here.
   * Ask `full`, wait for {@linkcode ready}, or use {@linkcode trySubmit} where the bound is to hold.
   *
   * @param job A function made by `jobs`, or one of a module taken by {@linkcode use}.
   * @param args Its arguments; they are copied at once.
   * @returns The future of what it returns.
   * @throws {TypeError} If `job` is a plain function, or the file of its module cannot be read.
   * @throws {ClosedError} If the cluster has been closed.
   */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): ClusterFuture<JobResult<F>> {
    return this.#engine.submit(job, args, this.#engine.usual) as ClusterFuture<JobResult<F>>;
  }

  /**
   * Like {@linkcode submit}, but refuses when the queue is full. Never waits.
   *
   * @throws {WouldBlock} If as many jobs wait as the option `queue` allows.
   */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): ClusterFuture<JobResult<F>> {
    this.#engine.refuseIfFull();
    return this.submit(job, ...args);
  }

  /** Waits until the queue has room. Several who wait go on one by one, first come first served. */
  ready(): Operation<void> {
    return this.#engine.ready();
  }

  /**
   * Hands in a job and waits for its value. The job is the waiter's own: a cancel of the wait stops the
   * job, too.
   */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>> {
    const engine = this.#engine;
    return waitFor("apply", job, () => engine.submit(job, args, engine.usual)) as Operation<
      JobResult<F>
    >;
  }

  /**
   * Hands in a job for every item, and evaluates to the results in the order of the items; see `map` of
   * `WorkerPool`. Each item is a job of its own: where items are tiny, have a job do many.
   *
   * @param job A job function of one argument.
   * @param items An iterable or async iterable of arguments.
   * @param options A time limit for each job, how many at a time, how urgent.
   */
  map<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Items<JobItem<F>>,
    options: ClusterMapOptions = {},
  ): Operation<JobResult<F>[]> {
    return this.#engine.maps.map(job, items, options, false) as Operation<JobResult<F>[]>;
  }

  /** Like {@linkcode map}, for a job of any number of arguments: each item is the list of them. */
  starmap<F extends AnyFunction>(
    job: Addressed<F>,
    items: Items<Readonly<JobArguments<F>>>,
    options: ClusterMapOptions = {},
  ): Operation<JobResult<F>[]> {
    return this.#engine.maps.map(job, items, options, true) as Operation<JobResult<F>[]>;
  }

  /** Hands in a job for every item, and gives the results one after another, in the order of the items. */
  imap<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Items<JobItem<F>>,
    options: ClusterMapOptions = {},
  ): ResultStream<JobResult<F>> {
    return this.#engine.maps.imap(job, items, options, true) as ResultStream<JobResult<F>>;
  }

  /** Like {@linkcode imap}, but gives each result as soon as it comes. */
  imapUnordered<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Items<JobItem<F>>,
    options: ClusterMapOptions = {},
  ): ResultStream<JobResult<F>> {
    return this.#engine.maps.imap(job, items, options, false) as ResultStream<JobResult<F>>;
  }

  /**
   * The same cluster with options for single jobs: `cluster.with({ priority: 1 }).submit(fib, 30)`.
   *
   * @param options A time limit, a signal, how urgent, how often it may be started, an order.
   */
  with(options: ClusterJobOptions): ClusterSender {
    const { signal } = checkOptions(options, "with()");
    const demand = demandOf(this.#engine.usual, options);
    const sender: JobSender = new OptionedSender(this.#engine, demand, checkSignal(signal));
    return sender as ClusterSender;
  }

  /**
   * The exported functions of a module that knows nothing of weft, as jobs of this cluster: called, they
   * give a future. The nodes must have been started with that module.
   *
   * @typeParam M The type of the module.
   * @param url Its absolute URL.
   */
  use<M>(url: string | URL): ModuleJobs<M> {
    const { href } = moduleUrl(url);
    let found = this.#modules.get(href);
    if (found === undefined) {
      const engine = this.#engine;
      found = moduleJobs(href, (job, args) => engine.submit(job, args, engine.usual));
      this.#modules.set(href, found);
    }
    return found as ModuleJobs<M>;
  }

  /**
   * The future of a job that was submitted before, in this program or in another, which may have died. It
   * fails with a `ClusterError` if there is neither such a job nor its result: results are kept for the
   * time that the option `keep` says. A cancel cancels the job.
   *
   * @typeParam T What the job returns.
   * @param key What its future told as `key`.
   * @throws {TypeError} If that is no key.
   */
  attach<T = unknown>(key: string): ClusterFuture<T> {
    return this.#engine.attach(key) as ClusterFuture<T>;
  }

  /** Asks servers and nodes for what waits and runs; a frozen record. */
  statistics(): Operation<ClusterStatistics> {
    return wait(() => this.#engine.statistics());
  }

  /** Takes no more jobs; the connection ends when those it has are done. May be called again. */
  close(): void {
    this.#engine.close();
  }

  /**
   * Waits for the end.
   *
   * @throws {Error} If the cluster is still open.
   */
  join(): Operation<void> {
    return this.#engine.join();
  }

  /** Takes no more jobs, and waits until those it has are done and the connection has ended. */
  drain(): Operation<void> {
    const engine = this.#engine;
    return sequence(`${this}.drain()`, function* () {
      engine.close();
      yield* engine.join();
    });
  }

  /** Cancels every job of this submitter, here and on the servers, and ends the connection. */
  terminate(): void {
    this.#engine.terminate();
  }

  /** Ends the connection and leaves what is stored to run: see {@linkcode attach}. Futures are cancelled. */
  detach(): void {
    this.#engine.detach();
  }

  /** Terminates, and waits until nothing is left. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#engine.release();
  }

  /** Its name. */
  toString(): string {
    return this.#label;
  }
}

/** A program that was told nothing of servers looks where NATS's own tools do. */
function withEnvironment(options: ClusterOptions): ClusterOptions {
  if (options.servers !== undefined) return options;
  try {
    const servers = Deno.env.get("NATS_URL");
    return servers === undefined || servers === "" ? options : { ...options, servers };
  } catch {
    return options; // it may not look
  }
}

/** The pool: what its users see of jobs, dispatcher and workers. */
import { checkOptions, checkSignal, checkWhole, COUNT } from "../../kernel/checks.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import type { Addressed, AnyFunction, JobArguments, JobItem, JobResult } from "../jobs.ts";
import { PoolCore } from "./core.ts";
import type { Future } from "./future.ts";
import { demandOf, OptionedSender, waitFor } from "./job_sender.ts";
import { mapOn, streamOn } from "./map.ts";
import { type ModuleJobs, moduleJobs, moduleUrl } from "./module_jobs.ts";
import type {
  JobOptions,
  JobSender,
  MapOptions,
  WorkerPoolOptions,
  WorkerPoolStatistics,
} from "./options.ts";
import type { ResultStream } from "./result_stream.ts";

/**
 * Some workers, and jobs for them.
 *
 * - Jobs begin in the order in which they were submitted; two that run at once may end in any order.
 * - Every future settles: see {@linkcode Future}. A job whose worker crashed before it began goes to
 *   another worker; one that had begun fails with `WorkerCrashedError` and is not tried again. A
 *   crashed worker is replaced.
 * - Workers are started when there is work for them, and the option `initializer` gets each ready; with
 *   `idle` they go when there has been none. A pool that has nothing to do does not keep the process
 *   alive.
 * - A job may report on its way, by `progress` of `@weft/weft/worker`: see {@linkcode Future.progress}, and the
 *   option `onProgress` of maps.
 * - Variables of a module are a worker's own: each worker has its copy, which lives as long as it does.
 * - A pool made inside a run is terminated when that run ends; made outside, by `close`, `terminate`,
 *   or `using`. What is terminated drops its jobs: their futures are cancelled.
 * - A worker imports the modules of weft and those its jobs live in. Of local files it has to read them:
 *   so a pool needs `--allow-read` for them, and remote ones the right to import. Beyond that a worker
 *   may do what the thread that made the pool may, or less, with the option `permissions`.
 * - A worker that runs out of memory takes the whole process with it, as Deno has it.
 *
 * A worker does one plain job at a time, also if it is async and waits. A job that is a task body, a
 * `function*` or an `async function*`, is a run of its own, and one worker has up to `tasks` of them at
 * once, beside its plain job: each may spawn, sleep and use sockets, ends when all it has spawned has
 * ended, and shares with the others the variables of its module, locks and queues among them. A job that
 * computes holds up the tasks of its worker. Tasks have a queue of their own.
 *
 * `Worker.terminate` does not interrupt a loop on Deno. A cancelled job that is running sees its
 * `jobSignal` abort, a task body gets a `Cancelled` at its wait; if a worker does not answer within
 * `grace`, it is given up (unless `onCancel` says otherwise): another takes its place, the tasks it had
 * fail with it, and the old thread computes on, unheard, until it has ended or the process ends. A job
 * with a `timeout` is interrupted even in a loop, and as a rule keeps its worker; of a task body it is the
 * waits that are interrupted. What cannot be interrupted (a read of a file, a call into the host) fails
 * with its `TimeoutError` all the same, `grace` milliseconds after its time, and its worker is given up.
 *
 * @example Two at once
 * ```ts
 * import { jobs, WorkerPool } from "@weft/weft";
 * const { square } = jobs(import.meta, { square: (n: number) => n * n });
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const [a, b] = [pool.submit(square, 3), pool.submit(square, 4)];
 *   if (await a + await b !== 25) throw new Error();
 *   const all = await pool.map(square, [1, 2, 3]);
 *   if (all.join() !== "1,4,9") throw new Error(all.join());
 * }
 * ```
 */
export class WorkerPool implements JobSender {
  readonly #core: PoolCore;
  /** The jobs of modules, by URL: a function is to be one job, however often it is asked for. */
  readonly #modules = new Map<string, ModuleJobs<unknown>>();

  /**
   * Makes a pool; its workers start with the first jobs.
   *
   * @param workers How many workers, at least 1. @default as many as the machine has processors
   * @param options Bounds, time limits, what gets workers ready, what they may do, a name.
   * @throws {RangeError} If a number is out of range.
   * @throws {TypeError} If `initializer` is a plain function, or `initArgs` cannot be cloned.
   */
  constructor(workers: number = navigator.hardwareConcurrency, options: WorkerPoolOptions = {}) {
    this.#core = new PoolCore(workers, options);
  }

  /** How many workers it may have at a time. */
  get size(): number {
    return this.#core.dispatcher.workerSet.size;
  }

  /**
   * Changes how many workers it may have. Those too many go: idle ones now, others when they have done
   * what they have begun; what they have not begun goes to those that stay. `min` holds no longer if it
   * is more.
   *
   * @param workers How many, at least 1.
   * @throws {RangeError} If that is no whole number of at least 1.
   */
  resize(workers: number): void {
    this.#core.dispatcher.resize(checkWhole(workers, "use", "as the number of workers", COUNT));
  }

  /** Whether `trySubmit` would refuse and `ready` would wait. */
  get full(): boolean {
    return this.#core.full;
  }

  /**
   * Sends a job to a worker.
   *
   * Never waits and never refuses: on a full queue the job waits in line all the same. Ask `full`, wait
   * for {@linkcode ready}, or use {@linkcode trySubmit} where the bound is to hold.
   *
   * @param job A function made by `jobs`, or one of a module taken by {@linkcode use}.
   * @param args Its arguments; they are cloned, or moved where `transfer` says so.
   * @returns The future of what it returns.
   * @throws {TypeError} If `job` is a plain function; the message says what to write.
   * @throws {ClosedError} If the pool has been closed or terminated.
   */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Future<JobResult<F>> {
    return this.#core.submit(job, args) as Future<JobResult<F>>;
  }

  /**
   * Like {@linkcode submit}, but refuses when the queue is full. Never waits.
   *
   * @throws {WouldBlock} If as many jobs wait as the option `queue` allows.
   */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Future<JobResult<F>> {
    this.#core.refuseIfFull();
    return this.submit(job, ...args);
  }

  /**
   * Waits until the queue has room, by its bound. Several who wait go on one by one, first come first
   * served, as places become free; none is kept for them.
   */
  ready(): Operation<void> {
    return this.#core.ready();
  }

  /**
   * Sends a job and waits for its value: Python's `apply`. It begins when it is waited for. The job is
   * the waiter's own: a cancel of the wait stops the job, too.
   *
   * @throws {TypeError} If `job` is a plain function.
   * @throws {ClosedError} If the pool has been closed or terminated.
   */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>> {
    return waitFor("apply", job, () => this.#core.submit(job, args)) as Operation<JobResult<F>>;
  }

  /**
   * Sends a job for every item, and evaluates to the results in the order of the items.
   *
   * Items are drawn as workers take them, at most `window` ahead of the results, and travel many at a
   * time. The first failure ends the map: nothing further is drawn or begun, jobs that run are told to
   * stop, the iterable is closed, and the error is thrown. So does a cancel. An async iterable is asked
   * for items ahead of need, in nobody's scope: it is not part of the task that waits.
   *
   * @param job A job function of one argument.
   * @param items An iterable or async iterable of arguments.
   * @param options A time limit for each job, how many at a time, how urgent.
   * @throws {TypeError} If `job` is a plain function, or `items` is no iterable.
   * @throws {RangeError} If an option is out of range.
   */
  map<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Items<JobItem<F>>,
    options: MapOptions = {},
  ): Operation<JobResult<F>[]> {
    return mapOn(false, this.#core, job, items, options) as Operation<JobResult<F>[]>;
  }

  /**
   * Like {@linkcode map}, for a job of any number of arguments: each item is the list of them.
   *
   * @example Sums of pairs
   * ```ts
   * import { jobs, WorkerPool } from "@weft/weft";
   * const { add } = jobs(import.meta, { add: (a: number, b: number) => a + b });
   * if (import.meta.main) {
   *   await using pool = new WorkerPool(2);
   *   const sums = await pool.starmap(add, [[1, 2], [3, 4]]);
   *   if (sums.join() !== "3,7") throw new Error(sums.join());
   * }
   * ```
   */
  starmap<F extends AnyFunction>(
    job: Addressed<F>,
    items: Items<Readonly<JobArguments<F>>>,
    options: MapOptions = {},
  ): Operation<JobResult<F>[]> {
    return mapOn(true, this.#core, job, items, options) as Operation<JobResult<F>[]>;
  }

  /**
   * Sends a job for every item, and gives the results one after another, in the order of the items.
   *
   * The iterable may be endless: at most `window` of its items are drawn and their results not yet
   * read, exactly. Code that stops reading stops the drawing; see {@linkcode ResultStream} for how, and for
   * what becomes of errors.
   *
   * @example The first results of an endless source
   * ```ts
   * import { jobs, WorkerPool } from "@weft/weft";
   * const { square } = jobs(import.meta, { square: (n: number) => n * n });
   * if (import.meta.main) {
   *   await using pool = new WorkerPool(2);
   *   const numbers = function* () {
   *     for (let n = 0;; n++) yield n;
   *   };
   *   const found: number[] = [];
   *   for await (const value of pool.imap(square, numbers())) {
   *     if (value > 10) break;
   *     found.push(value);
   *   }
   *   if (found.join() !== "0,1,4,9") throw new Error(found.join());
   * }
   * ```
   *
   * @param job A job function of one argument.
   * @param items An iterable or async iterable of arguments.
   * @param options A time limit for each job, how many at a time, how urgent.
   * @throws {TypeError} If `job` is a plain function, or `items` is no iterable.
   * @throws {RangeError} If an option is out of range.
   */
  imap<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Items<JobItem<F>>,
    options: MapOptions = {},
  ): ResultStream<JobResult<F>> {
    return streamOn(true, this.#core, job, items, options) as ResultStream<JobResult<F>>;
  }

  /**
   * Like {@linkcode imap}, but gives each result as soon as it comes, so that a slow job holds nobody up.
   */
  imapUnordered<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Items<JobItem<F>>,
    options: MapOptions = {},
  ): ResultStream<JobResult<F>> {
    return streamOn(false, this.#core, job, items, options) as ResultStream<JobResult<F>>;
  }

  /**
   * The same pool with options for single jobs: `pool.with({ timeout: 50, priority: 1 }).submit(fib, 30)`.
   *
   * @param options A time limit, a signal, how urgent, what a cancel does.
   * @throws {RangeError} If an option is out of range.
   */
  with(options: JobOptions): JobSender {
    const { signal } = checkOptions(options, "a job");
    return new OptionedSender(this.#core, demandOf(this.#core.usual, options), checkSignal(signal));
  }

  /**
   * The exported functions of a module that knows nothing of weft, as job functions of this pool:
   * called, they give a future.
   *
   * @example A module one does not own
   * ```ts ignore
   * const paths = pool.use<typeof import("./paths.ts")>(import.meta.resolve("./paths.ts"));
   * const base: string = await paths.basename("/a/b");
   * ```
   *
   * @typeParam M The type of the module.
   * @param url Its absolute URL.
   * @throws {TypeError} If the URL is not absolute.
   */
  use<M>(url: string | URL): ModuleJobs<M> {
    const { href } = moduleUrl(url);
    let found = this.#modules.get(href);
    if (found === undefined) {
      found = moduleJobs(href, (job, args) => this.#core.submit(job, args));
      this.#modules.set(href, found);
    }
    return found as ModuleJobs<M>;
  }

  /** Takes no more jobs; the workers end when those it has are done. May be called again. */
  close(): void {
    this.#core.close();
  }

  /**
   * Drops every job, and ends the workers. Futures that are pending are cancelled now; so are maps. May
   * be called again, and after `close`.
   */
  terminate(): void {
    this.#core.terminate();
  }

  /**
   * Waits until every worker has gone. A worker that computes and does not let itself be stopped is
   * not waited for.
   *
   * @throws {Error} If the pool is still open: close or terminate it first.
   */
  join(): Operation<void> {
    return this.#core.join();
  }

  /** A frozen record of workers and jobs. */
  statistics(): WorkerPoolStatistics {
    return this.#core.statistics();
  }

  /** Like {@linkcode terminate}. */
  [Symbol.dispose](): void {
    this.terminate();
  }

  /** Terminates the pool and waits until its workers have gone. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#core.release();
  }

  /** The name. */
  toString(): string {
    return this.#core.name;
  }
}

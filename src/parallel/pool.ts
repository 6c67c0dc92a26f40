/**
 * The pool: what its users see of jobs, dispatcher and workers.
 *
 * `submit` never waits, because a future must be there at once; so a bound on the queue cannot be kept
 * by `submit` alone. It is kept by whoever asks: `trySubmit` refuses, `ready` waits, and `map` draws
 * its items only as fast as workers take them.
 */
import { currentScope } from "../kernel/context.ts";
import { checkMs, ClosedError, WouldBlock } from "../kernel/errors.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { hold, letGo, type Resource } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { Dispatcher } from "./dispatcher.ts";
import { FailureLog } from "./failure_log.ts";
import type { Future } from "./future.ts";
import { Job, type JobTerms } from "./job.ts";
import { type Addressed, addressOf, type AnyFunction } from "./jobs.ts";
import { isLoading, loadingError } from "./loading.ts";
import { MapRun } from "./map_run.ts";
import { type ModuleJobs, moduleJobs } from "./module_jobs.ts";
import type {
  JobOptions,
  JobSender,
  MapOptions,
  PoolState,
  WorkerPoolOptions,
  WorkerPoolStatistics,
} from "./pool_options.ts";

export type {
  JobOptions,
  JobSender,
  MapOptions,
  PoolState,
  WorkerPoolOptions,
  WorkerPoolStatistics,
} from "./pool_options.ts";

/** How many items of a map may be out, per worker, unless said otherwise. */
const WINDOW = 4096;

/**
 * Some workers, and jobs for them.
 *
 * - Jobs begin in the order in which they were submitted; two that run at once may end in any order.
 * - Every future settles: see {@linkcode Future}. A job whose worker crashed before it began goes to
 *   another worker; one that had begun fails with `WorkerCrashedError` and is not tried again. A
 *   crashed worker is replaced.
 * - Workers are started when there is work for them. A pool that has nothing to do does not keep the
 *   process alive.
 * - A pool made inside a run is terminated when that run ends; made outside, by `close`, `terminate`,
 *   or `using`. What is terminated drops its jobs: their futures are cancelled.
 * - A worker imports the modules its jobs live in and inherits the permissions of its pool. A worker
 *   that runs out of memory takes the whole process with it, as Deno has it.
 *
 * `Worker.terminate` does not interrupt a loop on Deno. A cancelled job that is running sees its
 * `jobSignal` abort; if it does not stop within `grace`, the worker is given up: another takes its
 * place, and the old thread computes on, unheard, until it is through or the process ends. A job with
 * a `timeout` is interrupted even in a loop, and keeps its worker.
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
  readonly #name: string;
  readonly #limit: number;
  readonly #bound: number;
  readonly #warn: (message: string, error: unknown) => void;
  readonly #dispatcher: Dispatcher;
  readonly #run: Scheduler | null;
  readonly #ready: WaitQueue<void>;
  readonly #joins: WaitQueue<void>;
  readonly #resource: Resource = { release: () => this.#release(), toString: () => this.#name };
  #ends: (() => void)[] = [];
  #state: PoolState = "open";
  #terms: JobTerms | null = null;
  #submitted = 0;
  #lost = 0;
  #held = false;

  /**
   * Makes a pool; its workers start with the first jobs.
   *
   * @param workers How many workers, at least 1. @default as many as the machine has processors
   * @param options Bounds, time limits, a name.
   * @throws {RangeError} If a number is out of range.
   */
  constructor(workers: number = navigator.hardwareConcurrency, options: WorkerPoolOptions = {}) {
    const { queue = Infinity, recycle = Infinity, grace = 100, timeout } = options;
    this.#name = options.name ?? nextName("WorkerPool");
    this.#bound = checkCount(queue, "a bound for waiting jobs");
    this.#limit = checkLimit(timeout);
    this.#warn = options.warn ?? ((message) => console.warn(message));
    this.#dispatcher = new Dispatcher({
      name: this.#name,
      workers: checkCount(workers, "the number of workers", false),
      recycle: checkCount(recycle, "the number of jobs per worker"),
      grace: checkMs(grace, "a time of grace"),
    }, {
      dealt: () => this.#dealt(),
      lost: () => this.#lost++,
      strayed: (error) =>
        this.#warn(`Something in a worker of ${this} threw when no job ran: ${error}`, error),
    });
    this.#ready = new WaitQueue(this, "ready", "bound");
    this.#joins = new WaitQueue(this, "join", "bound");
    this.#run = currentRun();
    if (this.#run !== null) FailureLog.after(this.#resource, this.#run);
  }

  /** How many workers it may have at a time. */
  get size(): number {
    return this.#dispatcher.staff.size;
  }

  /** Whether `trySubmit` would refuse and `ready` would wait. */
  get full(): boolean {
    return this.#dispatcher.queue.waiting >= this.#bound;
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
    ...args: Parameters<F>
  ): Future<Awaited<ReturnType<F>>> {
    return this.#submit(job, args, this.#limit) as Future<Awaited<ReturnType<F>>>;
  }

  /**
   * Like {@linkcode submit}, but refuses when the queue is full. Never waits.
   *
   * @throws {WouldBlock} If as many jobs wait as the option `queue` allows.
   */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: Parameters<F>
  ): Future<Awaited<ReturnType<F>>> {
    this.#refuseIfFull();
    return this.submit(job, ...args);
  }

  /**
   * Waits until the queue has room, by its bound. Several who wait go on one by one, first come first
   * served, as places become free; none is kept for them.
   */
  ready(): Operation<void> {
    return operation(this.#ready, (wait: Wait<void>) => {
      if (this.#isFullNow()) this.#ready.park(wait);
      else wait.settle();
    });
  }

  /**
   * Sends a job for every item, and evaluates to the results in the order of the items.
   *
   * Items are drawn as workers take them, at most `window` ahead of the results, and travel many at a
   * time. The first failure ends the map: nothing further is drawn or begun, jobs that run are told to
   * stop, and the error is thrown. So does a cancel.
   *
   * @param job A job function of one argument.
   * @param items An iterable or async iterable of arguments.
   * @param options A time limit for each job, and the window.
   * @throws {TypeError} If `job` is a plain function, or `items` is no iterable.
   */
  map<F extends (item: never) => unknown>(
    job: Addressed<F>,
    items: Iterable<Parameters<F>[0]> | AsyncIterable<Parameters<F>[0]>,
    options: MapOptions = {},
  ): Operation<Awaited<ReturnType<F>>[]> {
    const kind = this.#dispatcher.kindOf(addressOf(job));
    const window = checkCount(options.window ?? WINDOW * this.size, "a window");
    const limit = options.timeout === undefined ? this.#limit : checkLimit(options.timeout);
    return operation(`${this}.map(${kind.name})`, (wait: Wait<Awaited<ReturnType<F>>[]>) => {
      this.#refuseIfClosed();
      const run = new MapRun(
        { kind, items, window, limit },
        wait as Wait<unknown[]>,
        this.#dispatcher,
      );
      this.#dispatcher.add(run);
    });
  }

  /**
   * The same pool with options for single jobs: `pool.with({ timeout: 50 }).submit(fib, 30)`.
   *
   * @param options A time limit and a signal.
   */
  with(options: JobOptions): JobSender {
    const limit = options.timeout === undefined ? this.#limit : checkLimit(options.timeout);
    const submit: JobSender["submit"] = (job, ...args) => {
      options.signal?.throwIfAborted();
      const future = this.#submit(job, args, limit) as ReturnType<typeof this.submit>;
      if (options.signal !== undefined) cancelBySignal(future, options.signal);
      return future as never;
    };
    const trySubmit: JobSender["trySubmit"] = (job, ...args) => {
      this.#refuseIfFull();
      return submit(job, ...args);
    };
    return { submit, trySubmit };
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
    return moduleJobs<M>(url, (job, args) => this.#submit(job, args, this.#limit));
  }

  /** Takes no more jobs; the workers end when those it has are done. May be called again. */
  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#dispatcher.more();
  }

  /**
   * Drops every job, and ends the workers. Futures that are pending are cancelled now; so are maps. May
   * be called again, and after `close`.
   */
  terminate(): void {
    if (this.#state === "ending" || this.#state === "ended") return;
    this.#state = "ending";
    this.#dispatcher.terminate(`${this} was terminated`);
    this.#ready.failAll(this.#closedError("wait for"));
    this.#dealt();
  }

  /**
   * Waits until every worker has gone. A worker that computes and does not let itself be stopped is
   * not waited for.
   *
   * @throws {Error} If the pool is still open: close or terminate it first.
   */
  join(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.#state === "open") {
        throw new Error(`Cannot join ${this}: it is open, so its workers stay; close() it first`);
      }
      if (this.#state === "ended") wait.settle();
      else this.#joins.park(wait);
    });
  }

  /** A frozen record of workers and jobs. */
  statistics(): WorkerPoolStatistics {
    const { queue, staff } = this.#dispatcher;
    return Object.freeze({
      state: this.#state,
      workers: staff.active.length,
      queued: queue.waiting,
      running: staff.owed,
      submitted: this.#submitted,
      started: staff.hired,
      lost: this.#lost,
    });
  }

  /** Like {@linkcode terminate}. */
  [Symbol.dispose](): void {
    this.terminate();
  }

  /** Terminates the pool and waits until its workers have gone. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#release();
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  #submit(job: Addressed<AnyFunction>, args: readonly unknown[], limit: number): Future<unknown> {
    if (this.#state !== "open") throw this.#closedError("submit to");
    if (isLoading()) throw loadingError(`submit to ${this}`);
    const kind = this.#dispatcher.kindOf(addressOf(job));
    const made = new Job(kind, args, this.#termsFor(limit));
    this.#submitted++;
    this.#dispatcher.submit(made);
    return made;
  }

  /** The terms for a job submitted here and now; as a rule the same as for the last one. */
  #termsFor(limit: number): JobTerms {
    const run = currentRun() ?? this.#run;
    const log = run === null ? null : FailureLog.of(run);
    const last = this.#terms;
    if (last !== null && last.limit === limit && last.log === log) return last;
    const dispatcher = this.#dispatcher;
    return this.#terms = {
      limit,
      log,
      withdraw: (job, reason) => dispatcher.withdraw(job, reason),
    };
  }

  #refuseIfFull(): void {
    if (!this.#isFullNow()) return;
    throw new WouldBlock(
      `Cannot submit to ${this} now: ${this.#dispatcher.queue.waiting} jobs wait, and ${this.#bound} may`,
    );
  }

  /** Whether the queue is full even after what a worker has room for was dealt. */
  #isFullNow(): boolean {
    if (this.full) this.#dispatcher.deal();
    return this.full;
  }

  #refuseIfClosed(): void {
    if (this.#state !== "open") throw this.#closedError("map on");
    if (isLoading()) throw loadingError(`map on ${this}`);
  }

  #closedError(verb: string): ClosedError {
    const how = this.#state === "closing" ? "closed" : "terminated or closed";
    return new ClosedError(`Cannot ${verb} ${this}: it has been ${how}`);
  }

  /** The dispatcher has changed something: moves on whoever waited for that. */
  #dealt(): void {
    const { busy, queue, staff } = this.#dispatcher;
    if (this.#state === "closing" && !busy) {
      this.#state = "ending";
      this.#dispatcher.dismiss();
    }
    for (let room = this.#bound - queue.waiting; room > 0 && this.#ready.wake(); room--);
    if (staff.empty === this.#held) this.#setHeld(!staff.empty);
    if (this.#state === "ending" && staff.empty) this.#end();
  }

  /** Enters the pool into the ledger of held resources with its first worker, and strikes it off with the last. */
  #setHeld(held: boolean): void {
    this.#held = held;
    if (held) hold(this.#resource);
    else letGo(this.#resource);
  }

  #end(): void {
    this.#state = "ended";
    this.#run?.resources.delete(this.#resource);
    this.#joins.wakeAll();
    for (const ended of this.#ends) ended();
    this.#ends = [];
  }

  #release(): Promise<void> {
    this.terminate();
    if (this.#state === "ended") return Promise.resolve();
    return new Promise((resolve) => this.#ends.push(resolve));
  }
}

/** The run whose code is running, or `null`. */
function currentRun(): Scheduler | null {
  const scope = currentScope();
  return scope === null ? null : schedulerOf(scope.task as Task);
}

function cancelBySignal(future: Job, signal: AbortSignal): void {
  const abort = (): void => void future.cancel(signal.reason);
  signal.addEventListener("abort", abort);
  future.watch(() => signal.removeEventListener("abort", abort));
}

function checkCount(count: number, what: string, endless = true): number {
  if ((count === Infinity && endless) || (Number.isInteger(count) && count > 0)) return count;
  throw new RangeError(`Cannot use ${count} as ${what}: it must be a whole number of at least 1`);
}

/** A time limit as it travels: 0 stands for none. */
function checkLimit(ms: number | undefined): number {
  if (ms === undefined) return 0;
  checkMs(ms, "a time limit");
  return ms === Infinity ? 0 : Math.max(1, Math.ceil(ms));
}

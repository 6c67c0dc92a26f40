/**
 * A job: one call of a job function, on its way through queue, batch and worker; also its own future.
 *
 * One object plays both parts because there may be a hundred thousand at a time, and then what they
 * cost is the memory they take. What waiting needs (a wait queue, links, reactions) is made when
 * somebody first waits.
 *
 * `await` inside a task is a wait like any other, which a cancel ends at once. `await` outside of
 * every task could be one too, in a run of its own, but a reaction does the same for a hundredth of
 * the price.
 */
import { currentScope } from "../../kernel/context.ts";
import { Entered } from "../../kernel/scope.ts";
import { checkMs } from "../../kernel/checks.ts";
import { cancelled, TimeoutError, WouldBlock } from "../../kernel/errors.ts";
import { Links } from "../../kernel/callback.ts";
import { type Operation, operation, sequence } from "../../kernel/operation.ts";
import type { Startable, Wait } from "../../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../../kernel/wait_queue.ts";
import type { Batch } from "./batch.ts";
import type { FailureLog } from "./failure_log.ts";
import { type CancelMeans, type CancelPolicy, checkPolicy, type Future } from "./future.ts";
import type { JobKind } from "./job_kinds.ts";
import { Reaction, type Reactor, reactSoon } from "./reaction.ts";
import { dropShared } from "../shared/pack.ts";
import { progressOf, type ProgressStream } from "./progress_stream.ts";
import { handleOf, type ReadyHandle } from "../shared/ready_handle.ts";

/** How a job is to be treated. */
export interface JobDemand {
  /** How many milliseconds it may take; 0 for any time. */
  readonly limit: number;
  /** How urgent it is; higher goes first. */
  readonly priority: number;
  /** What a cancel does to it if it runs. */
  readonly onCancel: CancelPolicy;
}

/** What many jobs have in common. */
export interface JobTerms extends JobDemand {
  /** Where failures go that nobody observes; `null` for the host. */
  readonly log: FailureLog | null;
  /** Sees to it that a job does not begin, or, if it has, that it is told to stop. */
  withdraw(job: Job, reason: unknown, policy: CancelPolicy): CancelMeans;
}

/** Where a job is: in the queue, in a batch with a worker, or settled in one of three ways. */
export type JobState = "queued" | "sent" | "value" | "error" | "cancelled";

const nothing: readonly unknown[] = [];

/** Promises that stand for unobserved failures before the host. */
const reports = new WeakMap<Job, Promise<never>>();

/**
 * One call of a job function.
 *
 * Its private methods are static: others would cost every job a hidden slot.
 */
export class Job implements Future<unknown>, Startable<unknown>, QueueOwner, Reactor {
  /** The function. */
  readonly kind: JobKind;
  /** What it shares with others. */
  readonly terms: JobTerms;
  /** The arguments, until it has settled. */
  args: readonly unknown[];
  /** Where it is. */
  state: JobState = "queued";
  /** The one behind it in the queue. (Not `next`: what has that and iterates passes for a generator.) */
  behind: Job | null = null;
  /** The batch it was sent in. */
  batch: Batch | null = null;
  /** Its place there. */
  index = 0;
  #result: unknown = undefined;
  #observed = false;
  #waits: WaitQueue<unknown> | null = null;
  #reactions: Reaction | null = null;
  #links: Links<(future: Future<unknown>) => void> | null = null;

  /** A job that is in no queue yet. */
  constructor(kind: JobKind, args: readonly unknown[], terms: JobTerms) {
    this.kind = kind;
    this.args = args;
    this.terms = terms;
  }

  // -- For callers: see Future --

  /** Whether it has settled. */
  get done(): boolean {
    return this.state !== "queued" && this.state !== "sent";
  }

  /** Whether its worker has begun it. */
  get running(): boolean {
    return this.state === "sent" && this.batch!.hasBegun(this.index);
  }

  /** Whether it returned. */
  get successful(): boolean {
    return this.state === "value";
  }

  /** Whether it was cancelled. */
  get cancelled(): boolean {
    return this.state === "cancelled";
  }

  /** Whether it failed. */
  get failed(): boolean {
    return this.state === "error";
  }

  /** What it returned. */
  get value(): unknown {
    return this.state === "value" ? this.#result : undefined;
  }

  /** What it threw. */
  get error(): unknown {
    if (!this.done || this.state === "value") return undefined;
    Job.#observe(this);
    return this.#result;
  }

  /** What it returned; throws if it did not. */
  get result(): unknown {
    if (this.state === "value") return this.#result;
    if (this.done) throw this.error;
    const state = this.running ? "runs" : "waits";
    throw new WouldBlock(`Cannot read the result of ${this} now: the job still ${state}`);
  }

  /** Waits for the value. */
  get(ms?: number): Operation<unknown> {
    if (ms === undefined) return operation(this, (wait: Wait<unknown>) => Job.#park(this, wait));
    checkMs(ms, "a timeout");
    return sequence(`${this}.get(${ms})`, () => Job.#within(this, ms));
  }

  /** Stops it. */
  cancel(reason?: unknown, onCancel?: CancelPolicy): CancelMeans {
    const policy = onCancel === undefined ? this.terms.onCancel : checkPolicy(onCancel);
    if (this.done) return "late";
    const means = this.terms.withdraw(this, reason, policy);
    this.end("explicit", reason);
    return means;
  }

  /** What it reports. */
  progress<P>(): ProgressStream<P> {
    return progressOf(this) as ProgressStream<P>;
  }

  /** For a poll registry. */
  get handle(): ReadyHandle {
    return handleOf(this, (told) => this.link(told));
  }

  /** Calls `fn` once it has settled. */
  link(fn: (future: Future<unknown>) => void): void {
    Job.#observe(this);
    this.watch(fn);
  }

  /** Forgets it. */
  unlink(fn: (future: Future<unknown>) => void): void {
    this.#links?.delete(fn);
  }

  /** For `yield*` in a `function*`. */
  [Symbol.iterator](): Iterator<unknown, unknown, unknown> {
    return this.get()[Symbol.iterator]();
  }

  /** For `yield*` in an `async function*`. */
  [Symbol.asyncIterator](): AsyncIterator<unknown, unknown, unknown> {
    return this.get()[Symbol.asyncIterator]();
  }

  /** For `await`. */
  then<A = unknown, B = never>(
    onValue?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    if (currentScope() !== null) return this.get().then(onValue, onError);
    Job.#observe(this);
    const reaction = this.#reactions = new Reaction(this.#reactions, onValue, onError);
    if (this.done) reactSoon(this);
    return reaction as PromiseLike<A | B>;
  }

  /** As in `fib(…)`. */
  toString(): string {
    return `${this.kind.name}(…)`;
  }

  // -- For the kernel --

  /** For `yield` without a star. */
  begin(wait: Wait<unknown>): void {
    wait.checkpoint();
    Job.#park(this, wait);
  }

  // -- For the pool --

  /** Like {@linkcode link}, but leaves a failure unobserved. */
  watch(fn: (future: Future<unknown>) => void): void {
    if (this.done) fn(this);
    else (this.#links ??= new Links()).add(fn, fn);
  }

  /** It was sent. */
  sent(batch: Batch, index: number): void {
    this.state = "sent";
    this.batch = batch;
    this.index = index;
  }

  /** It came back without having begun. */
  back(): void {
    this.state = "queued";
    this.batch = null;
  }

  /** It returned. */
  succeed(value: unknown): void {
    if (!this.done) Job.#settle(this, "value", value);
  }

  /** It failed. */
  fail(error: unknown): void {
    if (!this.done) Job.#settle(this, "error", error);
  }

  /** It was cancelled, or dropped at the end of the pool. */
  end(source: "explicit" | "shutdown", reason: unknown): void {
    if (!this.done) Job.#settle(this, "cancelled", cancelled(source, reason));
  }

  /** Runs the handlers that `then` was given, in their order. */
  react(): void {
    const failed = this.state !== "value";
    const last = this.#reactions;
    this.#reactions = null;
    if (last === null) return;
    if (last.before === null) return last.run(failed, this.#result);
    const all: Reaction[] = [];
    for (let each: Reaction | null = last; each !== null; each = each.before) all.push(each);
    for (const reaction of all.reverse()) reaction.run(failed, this.#result);
  }

  static #settle(job: Job, state: JobState, result: unknown): void {
    job.state = state;
    job.#result = result;
    dropShared(job.args); // an end of a pipe that never arrived
    job.args = nothing;
    job.batch = null;
    if (state === "error" && !job.#observed) Job.#report(job, result);
    if (job.#reactions !== null) reactSoon(job);
    if (job.#waits !== null) Job.#wake(job, job.#waits);
    if (job.#links !== null) Job.#callLinks(job, job.#links);
  }

  static #park(job: Job, wait: Wait<unknown>): void {
    Job.#observe(job);
    if (!job.done) (job.#waits ??= new WaitQueue(job, "get", "bound")).park(wait);
    else Job.#answer(job, wait);
  }

  static #answer(job: Job, wait: Wait<unknown>): void {
    if (job.state === "value") wait.settle(job.#result);
    else wait.fail(job.#result);
  }

  static #wake(job: Job, waits: WaitQueue<unknown>): void {
    job.#waits = null;
    for (let wait = waits.shift(); wait !== null; wait = waits.shift()) Job.#answer(job, wait);
  }

  /** A link that throws must not keep the others from hearing, nor the pool from its work. */
  static #callLinks(job: Job, links: Links<(future: Future<unknown>) => void>): void {
    links.callAll((link) => {
      try {
        link(job);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    });
    job.#links = null;
  }

  static *#within(job: Job, ms: number): Generator<unknown, unknown, unknown> {
    using entered = new Entered({ ms });
    try {
      return yield* job.get();
    } catch (error) {
      entered.absorb(error);
      throw new TimeoutError(ms, `job ${job}`);
    }
  }

  static #observe(job: Job): void {
    if (job.#observed) return;
    job.#observed = true;
    if (job.state !== "error") return;
    job.terms.log?.observed(job);
    reports.get(job)?.catch(() => {});
  }

  /** Nobody waits for this failure: the run's end will tell, or else the host. */
  static #report(job: Job, error: unknown): void {
    if (job.terms.log?.add(job, error) !== true) reports.set(job, Promise.reject(error));
  }
}

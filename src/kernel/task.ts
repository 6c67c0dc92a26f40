/**
 * A task: one generator on its way through a run, driven by the scheduler, watched by its users.
 *
 * It is its own outermost cancel scope, and the routine of a fast body: that spares a million parked tasks two
 * objects each, and a step the wait for their memory. It keeps two short lists, both linked through the waits
 * themselves: those it is parked in (one, but for `Promise.all` and the like in async code) and those that have
 * ended and await its turn.
 *
 * An error is observed when somebody could have seen it: a join, a `get`, a group, a link, a read of
 * `error`. What nobody observed by the end of the run makes the run reject. A task that ended by its own cancel
 * has not failed: `join` lets it pass (one cancels and then joins), `get` throws, having no value to give.
 *
 * What a step reads and writes stands first in the object, what few tasks need in a record of its own.
 */
import { goOnAsync } from "./async_routine.ts";
import { checkString } from "./checks.ts";
import { Cancelled, NOTHING } from "./errors.ts";
import { bodyResumer, type CompletionHandler, goOn } from "./fast_routine.ts";
import { forgottenError, type Maker } from "./forgotten.ts";
import { type Holding, Holdings } from "./resource.ts";
import { localsOf } from "./context.ts";
import { isAsync, isNative, type TaskGenerator, type TaskName } from "./generators.ts";
import type { Operation } from "./operation.ts";
import { functionName, printable } from "./printable.ts";
import type { AsyncSide } from "./trap.ts";
import {
  abandonHoldings,
  addLink,
  endOf,
  getOf,
  joinOf,
  type LinkCall,
  type RareFields,
  rareOf,
  tellWaiters,
  warnSwallowed,
} from "./task_end.ts";
import type { TaskHost } from "./scheduler_options.ts";
import { CancelScope, endWaits } from "./scope.ts";
import { spawnSite } from "./sites.ts";
import type { Timers } from "./clock.ts";
import type { Resumer, Wait } from "./wait.ts";
import type { WaitQueue } from "./wait_queue.ts";

/** Where a task stands: the five states of the textbook. */
export type TaskState = "new" | "ready" | "running" | "waiting" | "terminated";

/**
 * One generator being run. Made by {@linkcode spawn}; also an operation and awaitable, like `get()`.
 *
 * Can be set: `name`, which is what reports call it; `daemon`: the run ends without waiting for a
 * daemon, and cancels it then; and, until its first step, `isBystander`: its waits do not count.
 */
export class Task<T = unknown> extends CancelScope
  implements Operation<T>, CompletionHandler, Maker {
  /** Where it stands. The scheduler alone writes this. */
  state: TaskState = "new";
  /** Link in the ready queue. */
  nextReady: Task | null = null;
  /** The generator of a fast body, as long as it lives. */
  generator: Iterator<unknown, unknown, unknown> | null;
  /** Whether that is called by the methods of all generators. */
  readonly native: boolean;
  /** The innermost scope that a fast body is in. */
  scope: CancelScope;
  /** The first of its waits that have ended and await its turn. */
  endedWait: Wait | null = null;
  /** The last of them, where there are several. */
  lastEndedWait: Wait | null = null;
  /** The latest of the waits that it is parked in. */
  parkedWait: Wait | null = null;
  /** The record of its async code. A `function*` has some when a part of it is an `async function*`. */
  asyncSide: AsyncSide | null = null;
  /** An async body that has not started. */
  #body: AsyncIterator<unknown, unknown, unknown> | null;
  /** How many waits a fast body has begun; not those that a cancel, or their own begin, refused at once. */
  begun = 0;
  /** How many scopes a fast body is in. */
  depth = 0;
  /** The run it belongs to. */
  readonly host: TaskHost;
  /** Operations it made that nothing has waited for. */
  unstarted: object | Set<object> | null = null;
  #outcome: "none" | "value" | "error" | "cancelled" = "none";
  #result: unknown = undefined;
  /** Waits for its end. */
  joins: WaitQueue<T | undefined> | null = null;
  /** What only few tasks need. */
  rare: RareFields | null = null;
  /** Whether somebody could have seen its failure. */
  isObserved = false;
  /** The task that spawned this one, while this one lives. */
  spawner: Task | null;
  /** Link in the run's list of live tasks. */
  previous: Task | null = null;
  /** Link in the run's list of live tasks. */
  following: Task | null = null;
  /** Counts from 1 within a run. */
  readonly id: number;
  #name: TaskName;

  /** Made by the scheduler; use {@linkcode spawn}. */
  constructor(
    host: TaskHost,
    id: number,
    name: TaskName,
    generator: TaskGenerator<T>,
    spawner: Task | null,
  ) {
    super(null);
    this.host = host;
    const isFast = !isAsync(generator);
    this.generator = isFast ? generator as Iterator<unknown, unknown, unknown> : null;
    this.native = isFast && isNative(generator);
    this.scope = this;
    this.#body = isFast ? null : generator as AsyncIterator<unknown, unknown, unknown>;
    this.id = id;
    this.#name = name;
    this.spawner = spawner;
    if (spawner !== null) this.locals = localsOf(spawner);
  }

  /** How reports call it: `name#id` after its body, unless set. */
  get name(): string {
    const name = this.#name;
    return typeof name === "string" ? name : `${functionName(name) || "task"}#${this.id}`;
  }

  set name(name: string) {
    this.#name = checkString(name, "a task's name");
  }

  /** The line that spawned it, `file:///a.ts:12:5`, for the first thousand of a run and 32 of a loop, or for all. */
  get spawnSite(): string | undefined {
    return spawnSite(this);
  }

  /** Whether the run ends without waiting for this task, and cancels it then. Tasks it spawns are, too. */
  get daemon(): boolean {
    return this.rare !== null && this.rare.daemon;
  }

  set daemon(daemon: boolean) {
    if (daemon === this.daemon) return;
    rareOf(this).daemon = daemon;
    if (!this.done) this.host.overseer.daemonChanged(this);
  }

  /** Whether it has ended, in whatever way. */
  get done(): boolean {
    return this.#outcome !== "none";
  }

  /** Whether it ended by returning. */
  get successful(): boolean {
    return this.#outcome === "value";
  }

  /** Whether it ended by its own cancel. */
  get cancelled(): boolean {
    return this.#outcome === "cancelled";
  }

  /** Whether it ended by an error that was not its own cancel. Asking does not observe the error. */
  get failed(): boolean {
    return this.#outcome === "error";
  }

  /** What it returned; `undefined` before its end and when it did not return. */
  get value(): T | undefined {
    return this.#outcome === "value" ? this.#result as T : undefined;
  }

  /** What it threw, its {@linkcode Cancelled} if it was cancelled, else `undefined`. Reading it observes it. */
  get error(): unknown {
    if (this.#outcome === "none" || this.#outcome === "value") return undefined;
    this.observe();
    return this.#result;
  }

  /** Fires when the task is cancelled, with the {@linkcode Cancelled} as its reason. */
  get signal(): AbortSignal {
    const controller = rareOf(this).controller ??= new AbortController();
    if (this.cause !== null) controller.abort(this.cause);
    return controller.signal;
  }

  /**
   * Waits until the task has ended, and evaluates to its value. Throws what it threw; a cancelled
   * task counts as ended, with no value. With `ms`, gives up after that time with `undefined`: ask
   * `done`. A cancel of the waiter leaves the task alone.
   */
  join(ms?: number): Operation<T | undefined> {
    return joinOf(this, ms);
  }

  /**
   * Waits for the task's value. Throws what it threw, its {@linkcode Cancelled} if it was cancelled,
   * and {@linkcode TimeoutError} when `ms` have passed first.
   */
  get(ms?: number): Operation<T> {
    return getOf(this, ms);
  }

  /**
   * Cancels the task: throws {@linkcode Cancelled} at its wait, now, and at each later checkpoint until it
   * ends. One that has not started never runs; one that has ended is left alone. The first cancel counts.
   *
   * @param reason Kept in the `Cancelled`.
   * @returns Waits for the end and throws nothing of the task's. Nobody needs to wait for it.
   */
  cancel(reason?: unknown): Operation<void> {
    if (!this.done) this.abort("explicit", reason);
    return endOf(this);
  }

  /**
   * Calls `fn` once the task has ended, at once if it has. Observes the task's error. Links are called in the
   * order of their making; what one throws is reported through the run's `warn`, and spares the others.
   */
  link(fn: (task: Task<T>) => void): void {
    this.observe();
    this.watch(fn);
  }

  /**
   * Calls `fn` with the task's value once it has returned, at once if it has; never if it ends otherwise.
   * Leaves a failure unobserved.
   */
  onValue(fn: (value: T, task: Task<T>) => void): void {
    addLink(this, fn, (task) => task.successful ? fn(task.value as T, task as Task<T>) : undefined);
  }

  /**
   * Calls `fn` with the task's error once it has failed or was cancelled, at once if it has; never if it
   * returns. Observes the error.
   */
  onError(fn: (error: unknown, task: Task<T>) => void): void {
    this.observe();
    addLink(this, fn, (task) => task.successful ? undefined : fn(task.error, task as Task<T>));
  }

  /**
   * Forgets a callback of {@linkcode link}, {@linkcode onValue} or {@linkcode onError}, as often as it was given.
   * One that has been called, or was never given, is no error.
   */
  unlink(fn: (...args: never[]) => void): void {
    this.rare?.links?.delete(fn);
  }

  /** Like `link`, but leaves a failure unobserved. */
  watch(fn: (task: Task<T>) => void): void {
    addLink(this, fn, fn as LinkCall);
  }

  /** `yield* task` in a `function*`: like {@linkcode get}. */
  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    return this.get()[Symbol.iterator]();
  }

  /** `yield* task` in an `async function*`: like {@linkcode get}. */
  [Symbol.asyncIterator](): AsyncIterator<unknown, T, unknown> {
    return this.get()[Symbol.asyncIterator]();
  }

  /** `await task`, `yield task`: like {@linkcode get}. */
  then<A = T, B = never>(
    onValue?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    return this.get().then(onValue, onError);
  }

  /** The name, as reports show it: one line, without what would control a terminal. */
  override toString(): string {
    return printable(this.name);
  }

  /** The task that its joiners wait for: itself. */
  get holder(): this {
    return this;
  }

  /** Marks its failure, present or future, as seen. */
  observe(): void {
    if (this.isObserved) return;
    this.isObserved = true;
    if (this.failed) this.host.overseer.observed(this);
  }

  /** The timers of its run. */
  get timers(): Timers {
    return this.host.timers;
  }

  /** The waits it sits in, latest first. */
  get waits(): Wait[] {
    const waits: Wait[] = [];
    for (let wait = this.parkedWait; wait !== null; wait = wait.also) waits.push(wait);
    return waits;
  }

  /** Whether a wait of it has ended and awaits a turn. */
  get isDue(): boolean {
    return this.endedWait !== null || (this.asyncSide !== null && this.asyncSide.turn !== null);
  }

  /** Whether its next step only resolves a promise, so that it may begin within another task's step. */
  get stepsByPromise(): boolean {
    const wait = this.endedWait;
    if (wait !== null) return wait.owner === wait as unknown;
    return this.asyncSide !== null && this.asyncSide.turn !== null;
  }

  /** Whether async code of it is out in a foreign `await`. */
  get isAway(): boolean {
    return this.asyncSide !== null && this.asyncSide.inForeignAwait;
  }

  /** What it holds and others may wait for, latest first. */
  get holdings(): readonly Holding[] {
    return [...this.rare?.holdings ?? []];
  }

  /** It now holds something others may wait for. */
  take(holding: Holding): void {
    (rareOf(this).holdings ??= new Holdings()).add(holding);
  }

  /** It no longer does. */
  drop(holding: Holding): void {
    this.rare?.holdings?.remove(holding);
  }

  /** Whether its waits do not count: one that only watches the run must not hide a deadlock of the others. */
  get isBystander(): boolean {
    return this.rare !== null && this.rare.bystander;
  }

  set isBystander(bystander: boolean) {
    rareOf(this).bystander = bystander;
  }

  /**
   * Runs one step: from the start, from a bare `yield`, or with the first wait that ended. Returns
   * whether it ended in a bare `yield`: then the caller makes the task ready.
   */
  step(): boolean {
    const wait = this.endedWait;
    if (wait === null) {
      if (this.generator !== null) return goOn(this, this);
      const body = this.#body;
      this.#body = null;
      goOnAsync(this, body);
      return false;
    }
    this.endedWait = wait.also;
    wait.also = null;
    return wait.owner!.resume(wait);
  }

  /** Goes on with its `function*` when a wait of that has ended. */
  get resumer(): Resumer {
    return bodyResumer;
  }

  /** Called by its routine, once. */
  finish(failed: boolean, value: unknown): void {
    if (!failed && this.cause === null && this.unstarted !== null) {
      failed = true;
      value = forgottenError(String(this), this.unstarted);
    }
    if (!failed) {
      if (this.cause !== null && Cancelled.wasDelivered(this.cause)) warnSwallowed(this);
      this.#outcome = "value";
      this.#result = value;
    } else {
      const { cancel, rest } = this.part(value);
      this.#outcome = rest === NOTHING ? "cancelled" : "error";
      this.#result = rest === NOTHING ? cancel : rest;
    }
    this.generator = null;
    this.state = "terminated";
    this.unstarted = null;
    // What async code left behind it (the losers of a `Promise.race`) must not take what others wait for.
    if (this.parkedWait !== null) endWaits(this);
    const keeper = this.rare?.keeper ?? null;
    if (keeper !== null) this.isObserved = true;
    this.host.exited(this);
    abandonHoldings(this);
    keeper?.exited(this);
    this.spawner = null;
    tellWaiters(this);
  }
}

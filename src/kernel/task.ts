/**
 * A task: one generator on its way through a run, as its users see it.
 *
 * An error is observed when somebody could have seen it: a join, a `get`, a group, a link, a read of
 * `error`. What nobody observed by the end of the run makes the run reject. A task that ended by its
 * own cancel has not failed: `join` lets it pass (one cancels and then joins), `get` throws, because
 * there is no value to give.
 */
import { within } from "./enter_scope.ts";
import { abortSafely, callSafely, thrownText } from "./callback.ts";
import { checkMs, checkString } from "./checks.ts";
import { Cancelled, DeadlockError, TimeoutError } from "./errors.ts";
import { Fiber, type FiberHost, type TaskGenerator } from "./fiber.ts";
import { forgottenError } from "./forgotten.ts";
import { Links } from "./links.ts";
import { localsOf } from "./locals.ts";
import { type Operation, operation, sequence } from "./operation.ts";
import { NOTHING } from "./own_cancel.ts";
import { functionName, printable } from "./printable.ts";
import type { CancelScope } from "./scope.ts";
import { spawnSite, takeAsyncSite, withSite } from "./sites.ts";
import type { Wait } from "./wait.ts";
import { WaitQueue } from "./wait_queue.ts";

/**
 * What a `yield` without a star evaluates to. The language has one type for all of them in a body, so it may
 * be anything: it can be cast, and fits no type by itself. The text is what the compiler shows then.
 */
export type Untyped<Text extends string> =
  | { readonly "what to write": Text }
  | object
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined;

/** What the body of a task may be: a `function*` or an `async function*`. */
export type TaskBody<A extends readonly unknown[], T> = (
  ...args: A
) =>
  | Generator<unknown, T, Untyped<"write yield* for a value that has a type">>
  | AsyncGenerator<unknown, T, Untyped<"write yield* for a value that has a type">>;

/** What answers for a task's failure in place of the run: a group, `all`, a pool. */
export interface Keeper {
  /** Where a cancel comes from that it passes on to the task. */
  readonly scope?: CancelScope;
  /** Whether it may cancel the task at any moment, for reasons that lie with others. */
  readonly isFickle?: boolean;
  /** Called once, when the task has ended. */
  exited(task: Task): void;
}

/** What a task needs of its scheduler. */
export interface TaskHost extends FiberHost {
  /** Takes note that a task has ended. */
  exited(task: Task): void;
  /** Takes note that a failure has been seen. */
  observed(task: Task): void;
  /** Has `look` called after a while, if the run still goes on then. */
  suspect(look: () => void): void;
  /** Takes note that a task has become a daemon, or an ordinary task again. */
  daemonChanged(task: Task): void;
}

/** A name as it is, or the body, whose name is numbered when somebody asks. */
export type TaskName = string | { readonly name: string };

type TaskOutcome = "none" | "value" | "error" | "cancelled";

/** What is called for a link. */
export type LinkCall = (task: Task) => unknown;

/**
 * One generator being run. Made by {@linkcode spawn}; also an operation and awaitable, like `get()`.
 *
 * Can be set: `name`, which is what reports call it, and `daemon`: the run ends without waiting for a
 * daemon, and cancels it then.
 */
export class Task<T = unknown> extends Fiber implements Operation<T> {
  /** Counts from 1 within a run. */
  readonly id: number;
  /** The task that spawned this one, while this one lives. */
  spawner: Task | null;
  /** Link in the ready queue. */
  nextReady: Task | null = null;
  /** Link in the run's list of live tasks. */
  previous: Task | null = null;
  /** Link in the run's list of live tasks. */
  following: Task | null = null;
  /** The run it belongs to. */
  declare readonly host: TaskHost;
  /** Whether somebody could have seen its failure. */
  isObserved = false;
  #name: TaskName;
  #outcome: TaskOutcome = "none";
  #result: unknown = undefined;
  #joins: WaitQueue<T | undefined> | null = null;

  /** Made by the scheduler; use {@linkcode spawn}. */
  constructor(
    run: TaskHost,
    id: number,
    name: TaskName,
    generator: TaskGenerator<T>,
    spawner: Task | null,
  ) {
    super(run, generator);
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

  /**
   * The line that spawned it, as in `file:///a.ts:12:5`; noted for the first thousand tasks of a run, less what a
   * loop spawns after its first 32, or for all.
   */
  get spawnSite(): string | undefined {
    return spawnSite(this);
  }

  /** Whether the run ends without waiting for this task, and cancels it then. Tasks it spawns are, too. */
  get daemon(): boolean {
    return this.rare !== null && this.rare.daemon;
  }

  set daemon(daemon: boolean) {
    if (daemon === this.daemon) return;
    this.rareFields().daemon = daemon;
    if (!this.done) this.host.daemonChanged(this);
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
    const controller = this.rareFields().controller ??= new AbortController();
    if (this.cause !== null) controller.abort(this.cause);
    return controller.signal;
  }

  /**
   * Waits until the task has ended, and evaluates to its value. Throws what it threw; a cancelled
   * task counts as ended, with no value. With `ms`, gives up after that time with `undefined`: ask
   * `done`. A cancel of the waiter leaves the task alone.
   */
  join(ms?: number): Operation<T | undefined> {
    if (ms !== undefined) {
      checkMs(ms, "a timeout");
      return sequence(`${this}.join(${ms})`, () => within(ms, () => this.join(), () => undefined));
    }
    return operation("task.join()", (wait: Wait<T | undefined>) => {
      this.refuseSelf(wait);
      if (!this.done) (this.#joins ??= new WaitQueue(this, "join")).park(wait);
      else this.answer(wait, this.cancelled);
    });
  }

  /**
   * Waits for the task's value. Throws what it threw, its {@linkcode Cancelled} if it was cancelled,
   * and {@linkcode TimeoutError} when `ms` have passed first.
   */
  get(ms?: number): Operation<T> {
    if (ms !== undefined) {
      checkMs(ms, "a timeout");
      const site = takeAsyncSite();
      return sequence(`${this}.get(${ms})`, () =>
        within(ms, () => this.get(), (): never => {
          throw withSite(new TimeoutError(ms, `task "${this}"`), site);
        }));
    }
    return operation("task.get()", (wait: Wait<T>) => {
      this.refuseSelf(wait);
      if (!this.done) (this.rareFields().gets ??= new WaitQueue<unknown>(this, "get")).park(wait);
      else this.answer(wait, false);
    });
  }

  /**
   * Cancels the task: throws {@linkcode Cancelled} at its wait, now, and at each later checkpoint
   * until it ends. One that has not started never runs; one that has ended is left alone. The first
   * cancel counts.
   *
   * @param reason Kept in the `Cancelled`.
   * @returns Waits for the end and throws nothing of the task's. Nobody needs to wait for it.
   */
  cancel(reason?: unknown): Operation<void> {
    if (!this.done) this.abort("explicit", reason);
    return operation("task.cancel()", (wait: Wait<void>) => {
      if (this.done) return wait.settle();
      (this.rareFields().ends ??= new WaitQueue<void>(this, "cancel")).park(wait);
    }, { optional: true });
  }

  /**
   * Calls `fn` once the task has ended, at once if it has. Observes the task's error. Links are called in
   * the order in which they were made; what one throws is reported through the run's `warn`, and the
   * others are called all the same.
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
    this.addLink(fn, (task) => task.successful ? fn(task.value as T, task as Task<T>) : undefined);
  }

  /**
   * Calls `fn` with the task's error once it has failed or was cancelled, at once if it has; never if it
   * returns. Observes the error.
   */
  onError(fn: (error: unknown, task: Task<T>) => void): void {
    this.observe();
    this.addLink(fn, (task) => task.successful ? undefined : fn(task.error, task as Task<T>));
  }

  /**
   * Forgets a callback that was given to {@linkcode link}, {@linkcode onValue} or {@linkcode onError}, as
   * often as it was. One that has been called, or was never given, is no error.
   */
  unlink(fn: (...args: never[]) => void): void {
    this.rare?.links?.delete(fn);
  }

  /** Like {@linkcode link}, but leaves a failure unobserved. */
  watch(fn: (task: Task<T>) => void): void {
    this.addLink(fn, fn as LinkCall);
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

  /** Who answers for its failure in place of the run. */
  get keeper(): Keeper | null {
    return this.rare === null ? null : this.rare.keeper;
  }

  /** Has `keeper` answer for its failure in place of the run. */
  keepFor(keeper: Keeper): void {
    this.rareFields().keeper = keeper;
  }

  /** Marks its failure, present or future, as seen. */
  observe(): void {
    if (this.isObserved) return;
    this.isObserved = true;
    if (this.failed) this.host.observed(this);
  }

  /** Ends the waits under a scope; for the task's own, fires its signal too. */
  override interrupt(scope: CancelScope): void {
    const controller = scope === this ? this.rare?.controller : null;
    if (controller) {
      const failed = (error: unknown): void =>
        this.host.warn(thrownText(`A listener of the signal of task "${this}"`, error));
      abortSafely(controller, this.cause, failed);
    }
    super.interrupt(scope);
  }

  /** Called by its routine, once. */
  finish(failed: boolean, value: unknown): void {
    if (!failed && this.cause === null && this.unstarted !== null) {
      failed = true;
      value = forgottenError(String(this), this.unstarted);
    }
    if (!failed && this.cause !== null && Cancelled.wasDelivered(this.cause)) {
      this.host.warn(swallowedText(String(this)));
    }
    if (!failed) {
      this.#outcome = "value";
      this.#result = value;
    } else {
      const { cancel, rest } = this.part(value);
      this.#outcome = rest === NOTHING ? "cancelled" : "error";
      this.#result = rest === NOTHING ? cancel : rest;
    }
    this.release();
    const keeper = this.rare?.keeper ?? null;
    if (keeper !== null) this.isObserved = true;
    this.host.exited(this);
    this.abandonHoldings();
    keeper?.exited(this);
    this.spawner = null;
    this.tellWaiters();
  }

  // Not `#` methods: one of those costs every task a hidden slot.

  /** Refuses a task that would wait for its own end. */
  private refuseSelf(wait: Wait): void {
    if (wait.task !== this) return;
    throw new DeadlockError(`Cannot wait for task "${this}" in itself: it would never end`, [
      [this.name],
    ]);
  }

  /** Answers all who wait for the end, in the order in which they came. */
  private tellWaiters(): void {
    for (let wait = this.#joins?.shift(); wait; wait = this.#joins?.shift()) {
      this.answer(wait, this.cancelled);
    }
    this.#joins = null;
    const { rare } = this;
    if (rare === null) return;
    const { gets, ends, links } = rare;
    for (let wait = gets?.shift(); wait; wait = gets?.shift()) this.answer(wait, false);
    ends?.wakeAll();
    links?.callAll((call) => this.follow(call));
    // Of a bystander, waits that cannot be let go of may still end, and must not be counted then.
    if (rare.bystander) {
      rare.links =
        rare.gets =
        rare.ends =
        rare.keeper =
        rare.controller =
          null;
    } else this.rare = null;
  }

  /** Keeps a link until the end, or follows it at once. */
  private addLink(given: (...args: never[]) => void, call: LinkCall): void {
    if (this.done) this.follow(call);
    else (this.rareFields().links ??= new Links()).add(given, call);
  }

  /** Calls what was linked. */
  private follow(call: LinkCall): void {
    callSafely(
      () => call(this as Task),
      (error) => this.host.warn(thrownText(`A link of task "${this}"`, error)),
    );
  }

  /** Ends a wait for the task as it has ended; `lenient` lets a cancel pass. */
  private answer(wait: Wait, lenient: boolean): void {
    if (this.#outcome === "value") return wait.settle(this.#result);
    this.observe();
    if (lenient) wait.settle(undefined);
    else wait.fail(this.#result);
  }
}

function swallowedText(task: string): string {
  return `Task "${task}" was cancelled, caught Cancelled, and returned as if nothing had happened: ` +
    `rethrow it, or do the work under shield()`;
}

/**
 * The driven half of a task: its generator, the waits it sits in, and its turn in the ready queue.
 *
 * A task is its own outermost cancel scope, which spares a million parked tasks an object each. It
 * keeps two short lists, both linked through the waits themselves: those it is parked in (one, but
 * for `Promise.all` and the like in async code) and those that have ended and await its turn.
 * The half that users see (joins, values, cancel) is {@linkcode Task}.
 */
import type { BudgetHost } from "./budget.ts";
import { driveAsync } from "./async_routine.ts";
import { thrownText } from "./callback.ts";
import { type CompletionHandler, FastRoutine } from "./fast_routine.ts";
import { type Holding, Holdings } from "./holding.ts";
import type { Maker } from "./operation.ts";
import { printable } from "./printable.ts";
import { isAsync } from "./native_generators.ts";
import { AsyncSide } from "./promised_wait.ts";
import { CancelScope, type Dependent } from "./scope.ts";
import type { Keeper, LinkCall } from "./task.ts";
import type { Links } from "./links.ts";
import type { Timer, Timers } from "./timers.ts";
import type { WaitQueue } from "./wait_queue.ts";
import { take, type Wait } from "./wait.ts";

/** Where a task stands: the five states of the textbook. */
export type TaskState = "new" | "ready" | "running" | "waiting" | "terminated";

/** Either kind of generator, as a task drives it. */
export type TaskGenerator<T> = Iterator<unknown, T, never> | AsyncIterator<unknown, T, never>;

/** What a fiber needs of its scheduler. */
export interface FiberHost extends BudgetHost {
  /** The timers of the run. */
  readonly timers: Timers;
  /** Puts a task into the ready queue. */
  ready(fiber: Fiber): void;
  /** Takes note that a task waits. */
  parked(fiber: Fiber, wait: Wait): void;
  /** Takes note that a parked wait is leaving. */
  unparked(wait: Wait): void;
  /** Takes note that async code goes on in microtasks. */
  lendTurn(fiber: Fiber): void;
  /** Takes note that async code reached a checkpoint or its end. */
  returnTurn(fiber: Fiber): void;
  /** Reports what is no error but must not pass in silence. */
  warn(message: string): void;
}

/**
 * What only few tasks need, made when first needed: a million parked ones do without.
 *
 * @internal
 */
export interface RareFields {
  /** What it holds. */
  holdings: Holdings | null;
  /** The timer of one that is still to start. */
  delay: Timer | null;
  /** Who is told of cancels. */
  dependents: Set<Dependent> | null;
  /** Whether its waits do not count. */
  bystander: boolean;
  /** Called when the task has ended. */
  links: Links<LinkCall> | null;
  /** Fired when the task is cancelled. */
  controller: AbortController | null;
  /** Whether the run ends without waiting for it. */
  daemon: boolean;
  /** Waits for the value. */
  gets: WaitQueue<unknown> | null;
  /** Waits for the end that a cancel brings. */
  ends: WaitQueue<void> | null;
  /** Who answers for a failure in place of the run. */
  keeper: Keeper | null;
}

/**
 * One generator being driven, and its outermost cancel scope. `isBystander`, whether its waits are of no
 * account, can be set until its first step.
 */
export abstract class Fiber extends CancelScope implements CompletionHandler, Maker {
  /** Where it stands. The scheduler alone writes this. */
  state: TaskState = "new";
  /** Operations it made that nothing has waited for. */
  unstarted: object | Set<object> | null = null;
  /** The run it belongs to. */
  readonly host: FiberHost;
  /** What to go on with: a fast body's routine, an async body that has not started, or nothing. */
  #body: FastRoutine | AsyncIterator<unknown, unknown, unknown> | null;
  #parked: Wait | null = null;
  #ended: Wait | null = null;
  #lastEnded: Wait | null = null;
  #asyncSide: AsyncSide | null = null;
  /** What only few tasks need. */
  protected rare: RareFields | null = null;

  /** A fiber that has not started. */
  constructor(host: FiberHost, generator: TaskGenerator<unknown>) {
    super(null);
    this.host = host;
    this.#body = isAsync(generator)
      ? generator as AsyncIterator<unknown, unknown, unknown>
      : new FastRoutine(generator as Iterator<unknown, unknown, unknown>, this, this);
  }

  /** How reports call it. */
  abstract get name(): string;
  /** Takes what the generator returned or threw. */
  abstract finish(failed: boolean, value: unknown): void;

  /** The timers of its run. */
  get timers(): Timers {
    return this.host.timers;
  }

  /** The waits it sits in, latest first. */
  get waits(): Wait[] {
    const waits: Wait[] = [];
    for (let wait = this.#parked; wait !== null; wait = wait.also) waits.push(wait);
    return waits;
  }

  /** The wait of it that has ended and awaits its turn first, if there is one. */
  get endedWait(): Wait | null {
    return this.#ended;
  }

  /** Whether a wait of it has ended and awaits a turn. */
  get isDue(): boolean {
    return this.#ended !== null || (this.#asyncSide !== null && this.#asyncSide.turn !== null);
  }

  /** Whether its next step only resolves a promise, so that it may begin amid another task's step. */
  get stepsByPromise(): boolean {
    const wait = this.#ended;
    if (wait !== null) return wait.owner === wait as unknown;
    return this.#asyncSide !== null && this.#asyncSide.turn !== null;
  }

  /** The record of its async code. A `function*` has some when a part of it is an `async function*`. */
  get asyncSide(): AsyncSide {
    return this.#asyncSide ??= new AsyncSide();
  }

  /** Whether async code of it is out in a foreign `await`. */
  get isAway(): boolean {
    return this.#asyncSide !== null && this.#asyncSide.inForeignAwait;
  }

  /** What it holds and others may wait for, latest first. */
  get holdings(): readonly Holding[] {
    return [...this.rare?.holdings ?? []];
  }

  /** It now holds something others may wait for. */
  take(holding: Holding): void {
    (this.rareFields().holdings ??= new Holdings()).add(holding);
  }

  /** It no longer does. */
  drop(holding: Holding): void {
    this.rare?.holdings?.remove(holding);
  }

  /**
   * Whether its waits do not count: one that only watches the run must not keep it from finding
   * itself deadlocked. Set it before the task's first step.
   */
  get isBystander(): boolean {
    return this.rare !== null && this.rare.bystander;
  }

  set isBystander(bystander: boolean) {
    this.rareFields().bystander = bystander;
  }

  /** Stays new until `ms` have passed. */
  startAfter(ms: number): void {
    const rare = this.rareFields();
    rare.delay = this.timers.after(ms, () => {
      rare.delay = null;
      this.host.ready(this);
    });
  }

  /**
   * Runs one step: from the start, from a bare `yield`, or with the first wait that ended. Returns
   * whether it ended in a bare `yield`: then the caller makes the task ready.
   */
  step(): boolean {
    const wait = this.#ended;
    if (wait === null) {
      const body = this.#body;
      return body instanceof FastRoutine ? body.goOn() : this.goOnAsync(body);
    }
    this.#ended = wait.also;
    wait.also = null;
    return wait.owner!.resume(wait);
  }

  /**
   * Lets go of the generator, which has ended, and of waits that async code left behind it (the losers
   * of a `Promise.race`): they must not take what others wait for.
   */
  protected release(): void {
    this.#body = null;
    this.state = "terminated";
    this.unstarted = null;
    for (const wait of this.waits) {
      if (this.letGo(wait)) take(wait, "failed", undefined);
    }
  }

  /** Tells what it still holds that it has ended. */
  protected abandonHoldings(): void {
    this.rare?.holdings?.abandon(this, (error, what) => {
      const told = `${printable(what)}, told that its holder "${printable(this.name)}" has ended,`;
      this.host.warn(thrownText(told, error));
    });
  }

  /** Goes to the back of the ready queue from an async body, for less than a wait costs. */
  cedeAsync(): Promise<void> {
    const turn = new Promise<void>((resolve) => {
      this.asyncSide.turn = resolve;
    });
    if (this.state !== "ready") this.host.ready(this);
    this.returnTurn();
    return turn;
  }

  /** Async code of it goes on, in microtasks. */
  lendTurn(): void {
    this.asyncSide.turnsLent++;
    this.host.lendTurn(this);
  }

  /** Async code of it has reached a checkpoint or its end. */
  returnTurn(): void {
    this.asyncSide.turnsReturned++;
    this.host.returnTurn(this);
  }

  /** A wait of it has parked. */
  parked(wait: Wait): void {
    const latest = this.#parked;
    wait.also = latest;
    if (latest !== null) latest.prior = wait;
    this.#parked = wait;
    this.host.parked(this, wait);
  }

  /** A parked wait of it is leaving. */
  unparked(wait: Wait): void {
    const { prior, also } = wait;
    if (prior === null) this.#parked = also;
    else prior.also = also;
    if (also !== null) also.prior = prior;
    wait.also = wait.prior = null;
    this.host.unparked(wait);
  }

  /** A wait of it ended as it began, and the step goes on. */
  goesOn(): void {
    if (this.state === "waiting") this.state = "running";
  }

  /** Its body ceded right after a part of it had ended. */
  ceded(): void {
    this.host.ready(this);
  }

  /** A wait of it has ended: it gets a turn. */
  ended(wait: Wait): void {
    if (this.state === "terminated") return;
    const first = this.#ended;
    if (first === null) {
      this.#ended = wait;
    } else {
      // Of several, the last is kept; of one, it need not be.
      const last = first.also === null ? first : this.#lastEnded!;
      last.also = this.#lastEnded = wait;
    }
    if (this.state !== "ready") this.host.ready(this);
  }

  /** Ends the waits under a scope that has just been cancelled; one that cannot be let go of stays. */
  interrupt(scope: CancelScope): void {
    const { rare } = this;
    if (rare !== null && rare.delay !== null) {
      this.timers.cancel(rare.delay);
      rare.delay = null;
      this.host.ready(this);
    }
    for (const wait of this.waits) {
      // None any more, if the one before took it along.
      if (wait.source === null || !wait.scope!.isUnder(scope) || !this.letGo(wait)) continue;
      wait.fail(wait.scope!.pending);
    }
    for (const dependent of rare?.dependents ?? []) {
      const reached = dependent.scope.isUnder(scope) ? dependent.scope.reaching : null;
      if (reached !== null) dependent.cancelled(reached);
    }
  }

  /** Has a dependent told of cancels that reach its scope, until {@linkcode forget}. */
  attach(dependent: Dependent): void {
    (this.rareFields().dependents ??= new Set()).add(dependent);
  }

  /** Tells a dependent nothing more. */
  forget(dependent: Dependent): void {
    this.rare?.dependents?.delete(dependent);
  }

  /** Ends every wait with `error`, shielded or not, whether its source lets go or not: the last resort. */
  breakWaits(error: unknown): void {
    for (const wait of this.waits) {
      if (wait.source === null || wait.source.nested) continue;
      this.letGo(wait);
      wait.fail(error);
    }
  }

  /** Has a wait's source forget it. One that throws counts as having done so: the cancel must get on. */
  private letGo(wait: Wait): boolean {
    const { source } = wait;
    if (source === null) return false;
    try {
      return source.abandon(wait);
    } catch (error) {
      const told = `${printable(source)}, told to forget a wait of "${printable(this.name)}",`;
      this.host.warn(thrownText(told, error));
      return true;
    }
  }

  /** Makes the record of what only few tasks need. */
  protected rareFields(): RareFields {
    return this.rare ??= {
      holdings: null,
      delay: null,
      dependents: null,
      bystander: false,
      links: null,
      controller: null,
      daemon: false,
      gets: null,
      ends: null,
      keeper: null,
    };
  }

  /** Goes on with async code: from a bare `yield`, or with an async body from its start. */
  private goOnAsync(body: AsyncIterator<unknown, unknown, unknown> | null): boolean {
    const turn = this.#asyncSide === null ? null : this.#asyncSide.turn;
    if (turn !== null) {
      this.asyncSide.turn = null;
      this.lendTurn();
      turn();
      return false;
    }
    this.#body = null;
    if (body !== null) driveAsync(body, this, this, this);
    return false;
  }
}

/**
 * Cancel scopes: the nested regions of a task's code that can be cancelled on their own, and entering and leaving
 * them.
 *
 * A task is its own outermost scope; a timeout, a group and a shield each add one. Cancelling a
 * scope is a lasting state, not an event (Trio's level trigger): every checkpoint inside it throws
 * until the scope is left, so a `catch {}` in a loop delays the end by one round and cannot prevent
 * it. Whose cancel it was is told by identity: a scope converts only the `Cancelled` it made itself,
 * so an inner and an outer deadline that expire together never take each other's place.
 *
 * A scope is entered by a `function*` that runs in the task itself, not by a child task: a lock taken
 * inside a timeout must belong to the same holder as outside. The frame (what drives that
 * `function*`) carries the innermost scope, so entering is a store and leaving is a store.
 */
import { abortSafely, thrownText } from "./callback.ts";
import {
  Cancelled,
  cancelled as makeCancelled,
  type CancelSource,
  InternalError,
  NOTHING,
  partCancel,
  type Parts,
} from "./errors.ts";
import { printable } from "./printable.ts";
import type { Task } from "./task.ts";
import { take, type Wait } from "./wait.ts";
import { fastLane, type Frame } from "./context.ts";
import type { Timer } from "./clock.ts";
import { cedeTrap } from "./trap.ts";

/** Values of task-locals. */
export type Locals = ReadonlyMap<object, unknown>;

/** What a cancel of a scope must reach besides the waits of its task: children of a group. */
export interface Dependent {
  /** Where it was set up. */
  readonly scope: CancelScope;
  /** Called when a cancel reaches that scope. */
  cancelled(cancel: Cancelled): void;
}

/** One cancellable region. */
export class CancelScope {
  /** The region around this one; `null` for a task itself. */
  readonly parent: CancelScope | null;
  /** The cancel of this very scope, once there is one. */
  cause: Cancelled | null = null;
  /** Values of task-locals that are seen in here; a task's are shared with its spawner until one writes. */
  locals: Locals | null = null;

  /** Opens a region inside `parent`, or the outermost one of a task. */
  constructor(parent: CancelScope | null) {
    this.parent = parent;
  }

  /** Whether cancels from outside stop here. */
  get shielded(): boolean {
    return false;
  }

  /** When it will be cancelled by itself, on the clock of the run. */
  get deadline(): number {
    return Infinity;
  }

  /** Whether a deadline will cancel it. */
  get bounded(): boolean {
    return this.deadline !== Infinity;
  }

  /** The task whose region this is: the outermost scope of all. */
  get task(): Task {
    // deno-lint-ignore no-this-alias -- walks outwards, starting here
    let scope: CancelScope = this;
    while (scope.parent !== null) scope = scope.parent;
    return scope as Task;
  }

  /**
   * What a checkpoint here must throw, or `null`: the outermost cancel that no shield holds off.
   * Outermost, because an inner scope would otherwise take the cancel for its own and go on. A task that
   * asks must throw it.
   */
  get pending(): Cancelled | null {
    if (this.cause === null && this.parent === null) return null;
    const scope = outermostCancelled(this);
    return scope === null ? null : Cancelled.deliver(scope.cause!);
  }

  /** The same, for those who only want to know. */
  get reaching(): Cancelled | null {
    if (this.cause === null && this.parent === null) return null;
    return outermostCancelled(this)?.cause ?? null;
  }

  /** Cancels the region: its waits throw now, its later checkpoints as they come. The first cancel counts. */
  abort(source: CancelSource, reason?: unknown, cause?: unknown): void {
    if (this.cause !== null) return;
    this.cause = makeCancelled(source, reason, cause);
    interrupt(this.task, this);
  }

  /** Takes out of an error the cancel of this scope, which ends here. */
  part(error: unknown): Parts {
    return partCancel(error, (leaf) => leaf !== null && leaf === this.cause);
  }

  /** Takes out of an error the cancels of this scope and of those around it, which are on their way out. */
  partAll(error: unknown): Parts {
    return partCancel(error, (leaf) => leaf !== null && isCauseAround(this, leaf));
  }

  /** Whether a cancel of `outer` reaches waits that stand in this scope. */
  isUnder(outer: CancelScope): boolean {
    // deno-lint-ignore no-this-alias -- walks outwards, starting here
    let scope: CancelScope | null = this;
    while (scope !== null) {
      if (scope === outer) return true;
      if (scope.shielded) return false;
      scope = scope.parent;
    }
    return false;
  }
}

/** A region that a deadline may end; the deadline may move. */
class TimedScope extends CancelScope {
  #deadline = Infinity;

  override get deadline(): number {
    return this.#deadline;
  }

  override set deadline(at: number) {
    this.#deadline = at;
  }
}

/** A region that cancels from outside do not enter; it may have a deadline of its own all the same. */
export class Shield extends TimedScope {
  override get shielded(): boolean {
    return true;
  }
}

function isCauseAround(inner: CancelScope, leaf: unknown): boolean {
  let scope: CancelScope | null = inner;
  while (scope !== null && scope.cause !== leaf) scope = scope.parent;
  return scope !== null;
}

function outermostCancelled(inner: CancelScope): CancelScope | null {
  let found: CancelScope | null = null;
  let scope: CancelScope | null = inner;
  do {
    if (scope.cause !== null) found = scope;
    if (scope.shielded) break;
    scope = scope.parent;
  } while (scope !== null);
  return found;
}

// -- What a cancel does to the waits of a task --

/**
 * Ends the waits under a scope that has just been cancelled, and fires the signal of a task that was
 * itself. A wait that cannot be let go of stays.
 */
function interrupt(task: Task, scope: CancelScope): void {
  const { rare } = task;
  if (rare !== null && rare.controller !== null && scope === task) {
    const failed = (error: unknown): void =>
      task.host.warn(thrownText(`A listener of the signal of task "${task}"`, error));
    abortSafely(rare.controller, task.cause, failed);
  }
  if (rare !== null && rare.delay !== null) {
    task.timers.cancel(rare.delay);
    rare.delay = null;
    task.host.ready(task);
  }
  for (const wait of task.waits) {
    // None any more, if the one before took it along.
    if (wait.source === null || !wait.scope!.isUnder(scope) || !letGo(task, wait)) continue;
    wait.fail(wait.scope!.pending);
  }
  for (const dependent of rare?.dependents ?? []) {
    const reached = dependent.scope.isUnder(scope) ? dependent.scope.reaching : null;
    if (reached !== null) dependent.cancelled(reached);
  }
}

/** Ends every wait of a task with `error`, shielded or not, whether its source lets go or not: the last resort. */
export function breakWaits(task: Task, error: unknown): void {
  for (const wait of task.waits) {
    if (!wait.isLeaf) continue;
    letGo(task, wait);
    wait.fail(error);
  }
}

/** Ends what waits a task has left, without a turn: it has ended. */
export function endWaits(task: Task): void {
  for (const wait of task.waits) {
    if (letGo(task, wait)) take(wait, "failed", undefined);
  }
}

/** Has a wait's source forget it. One that throws counts as having done so: the cancel must get on. */
function letGo(task: Task, wait: Wait): boolean {
  const { source } = wait;
  if (source === null) return false;
  try {
    return source.abandon(wait);
  } catch (error) {
    const told = `${printable(source)}, told to forget a wait of "${printable(task.name)}",`;
    task.host.warn(thrownText(told, error));
    return true;
  }
}

// -- Entering and leaving --

/** The program that is running this very line; only for code inside a {@linkcode sequence}. */
export function currentFrame(): Frame {
  const frame = fastLane.running;
  if (frame === null) throw new InternalError("Cannot enter a scope outside of a sequence");
  return frame;
}

/**
 * Whether the running program has waited since this was made. An operation whose work ends without one wait
 * (an empty group) must make a wait of its own: a loop over it would starve everybody, and no cancel
 * would end it.
 */
export class WaitMark {
  readonly #frame = currentFrame();
  readonly #waits = this.#frame.begun;

  /** Whether it has not. */
  get untouched(): boolean {
    return this.#frame.begun === this.#waits;
  }
}

/** How a scope is to be. */
export interface EnterOptions {
  /** Whether cancels from outside stop there. @default {false} */
  readonly shielded?: boolean;
  /** After how many milliseconds it is cancelled. @default {Infinity} */
  readonly ms?: number;
  /** Whether it may be given a deadline later. @default {false} */
  readonly movable?: boolean;
}

/** An entered scope, left when disposed. Its `deadline`, on the clock of the run, can be set. */
export class Entered {
  /** The scope inside which the code now runs. */
  readonly scope: CancelScope;
  readonly #frame: Frame;
  #timer: Timer | null = null;

  /** Enters a new scope in the current frame. */
  constructor(options: EnterOptions = {}) {
    this.#frame = currentFrame();
    const outer = this.#frame.scope;
    const { ms = Infinity } = options;
    const scope = this.scope = options.shielded === true
      ? new Shield(outer)
      : options.movable === true || ms !== Infinity
      ? new TimedScope(outer)
      : new CancelScope(outer);
    this.#frame.scope = scope;
    this.#frame.depth++;
    if (ms !== Infinity) this.#expireAt(scope.task.timers.now() + ms, `${ms} ms`);
  }

  /** When the scope is cancelled, on the clock of the run. */
  get deadline(): number {
    return this.scope.deadline;
  }

  set deadline(at: number) {
    if (this.#timer !== null) this.scope.task.timers.cancel(this.#timer);
    this.#timer = null;
    this.#expireAt(at, "its deadline has passed");
  }

  /** Returns if an error is this scope's own cancel, which ends here; throws it, or what else is in it. */
  absorb(error: unknown): void {
    const { rest } = this.scope.part(error);
    if (rest !== NOTHING) throw rest;
  }

  /** Leaves the scope and forgets its deadline. */
  [Symbol.dispose](): void {
    if (this.#timer !== null) this.scope.task.timers.cancel(this.#timer);
    this.#frame.scope = this.scope.parent!;
    this.#frame.depth--;
  }

  #expireAt(at: number, why: string): void {
    const scope = this.scope as TimedScope;
    scope.deadline = at;
    if (at !== Infinity) this.#timer = scope.task.timers.at(at, () => scope.abort("timeout", why));
  }
}

/**
 * Does `work`; when `ms` have passed first, cancels it, lets its clean-up finish, and goes on with what
 * `late` gives, or throws. For use inside a sequence. Everything that ends a wait by a time of its own
 * does it here.
 *
 * @param ms The time allowed, checked by the caller.
 * @param work Called once the time has begun; the wait that it gives is delegated to.
 * @param late Called with the cancel that ended the work.
 */
export function within<T, L>(
  ms: number,
  work: () => Iterable<unknown, T, unknown>,
  late: (cancel: unknown) => L,
): Generator<unknown, T | L, unknown> {
  return inScope({ ms }, work, late);
}

/**
 * Does `work` in a scope of its own, and goes on with what `ended` gives, or throws, when the scope's own
 * cancel ended it. For use inside a sequence. Work that ends without one wait is followed by a cede.
 *
 * @param options How the scope is to be.
 * @param work Called inside the scope, with it; the wait that it gives is delegated to.
 * @param ended Called with the cancel of the scope that ended the work. Needed where it can be cancelled.
 */
export function* inScope<T, L = never>(
  options: EnterOptions,
  work: (entered: Entered) => Iterable<unknown, T, unknown>,
  ended?: (cancel: unknown) => L,
): Generator<unknown, T | L, unknown> {
  const mark = new WaitMark();
  let value: T | L;
  {
    using entered = new Entered(options);
    try {
      value = yield* work(entered);
    } catch (error) {
      if (ended === undefined) throw error;
      entered.absorb(error);
      value = ended(error);
    }
  }
  if (mark.untouched) yield cedeTrap;
  return value;
}

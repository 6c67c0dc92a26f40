/**
 * Entering and leaving cancel scopes from task code.
 *
 * A scope is entered by a `function*` that runs in the task itself, not by a child task: a lock taken
 * inside a timeout must belong to the same holder as outside. The frame (what drives that
 * `function*`) carries the innermost scope, so entering is a store and leaving is a store.
 */
import { fastLane, type Frame } from "./context.ts";
import { InternalError, NOTHING } from "./errors.ts";
import { CEDES, operation } from "./operation.ts";
import { CancelScope, Shield, TimedScope } from "./scope.ts";
import type { Timer } from "./timers.ts";
import { cedeTrap } from "./trap.ts";

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
  readonly #waits = this.#frame.waits;

  /** Whether it has not. */
  get untouched(): boolean {
    return this.#frame.waits === this.#waits;
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
  if (mark.untouched) yield* operation<void>(cedeTrap, (wait) => cedeTrap.begin(wait), CEDES);
  return value;
}

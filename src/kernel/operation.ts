/**
 * Operations: lazy descriptions of something to wait for, waited for with `yield*`, `yield` or `await`.
 *
 * An operation does nothing until it is waited for, may be waited for again, and looks the same from
 * both lanes. In a `function*`, `yield*` drives a {@linkcode Wait}, whose object passes out to the
 * task's routine and comes back with the result. In an `async function*`, `yield*` and `await` never
 * leave the task's code: a {@linkcode PromisedWait} hands them a native promise, resolved at the
 * task's turn. The async iterator is our own: letting the language wrap the sync one costs twice as
 * much (measured).
 *
 * Two kinds. One made by {@linkcode operation} begins with one call and parks on one source. One made
 * by {@linkcode sequence} is a `function*` over other operations: inside a `function*` it simply is
 * that generator, elsewhere a nested routine drives it within the same task.
 *
 * Rejected: promises as the base (eager, not cancellable, a microtask for each hop), and plain
 * generators as operations (they cannot be awaited, and a forgotten `yield*` would do nothing in
 * silence). An operation is noted with the task that made it until something waits for it; a task
 * that ends well with one left fails instead, because the wait it meant never happened.
 */
import { mayGoOn, spent } from "./turn.ts";
import { currentScope, fastLane } from "./context.ts";
import { forget, Forgotten, type Maker, note } from "./forgotten.ts";
import { nest } from "./fast_routine.ts";
import { keepHandled, PromisedWait } from "./trap.ts";
import type { CancelScope } from "./scope.ts";
import { noteSite, passSite, siting } from "./sites.ts";
import {
  AsyncDone,
  Done,
  type HostPart,
  leavingWait,
  type Startable,
  Wait,
  type WaitSource,
} from "./wait.ts";
import type { Task } from "./task.ts";

/**
 * Something to wait for: `yield* op` in either kind of generator, `yield op`, or `await op`.
 *
 * Operations are lazy: to call `queue.put(1)` does nothing yet, what it names happens when somebody waits
 * for it. One that is made and never waited for makes its task fail at the end; one made outside of a run
 * is reported by a warning, when nobody can wait for it any more.
 *
 * Where the value itself can be awaited, a task or a future, `yield*` gives it as it is. `await op`, and
 * `yield op` in an `async function*`, cannot: the language goes on to wait for that value, too. The same
 * goes for what an `async function*`, or a `function*` that one delegates to, returns.
 *
 * @typeParam T What it evaluates to.
 */
export interface Operation<T> extends PromiseLike<T> {
  /** For `yield* op` in a `function*`. */
  [Symbol.iterator](): Iterator<unknown, T, unknown>;
  /** For `yield* op` in an `async function*`. */
  [Symbol.asyncIterator](): AsyncIterator<unknown, T, unknown>;
}

/** A name for reports; an object's `toString` is called only when a report is made. */
export type Label = string | { toString(): string };

/** How an operation is to be treated. */
export interface OperationOptions<T> {
  /** Whether nobody has to wait for it: what it does was done when it was made. @default {false} */
  optional?: boolean;
  /** Whether it is a schedule point in any case, be it done at once. @default {false} */
  cedes?: boolean;
  /**
   * Gives back what the operation evaluated to in `task`, where that can reach nobody any more: `all` has
   * failed, a loser of `race` could not be stopped. A lock is released then. @default it is dropped
   */
  undo?: (value: T, task: Task) => void;
  /**
   * Does it at once for `task`, if nobody needs to wait for that, or says {@linkcode NOT_NOW}: the way without
   * a wait, for what is done very often. It must give what beginning a wait would give, and is given
   * what {@linkcode operationOn} was given.
   */
  now?: (task: Task, argument: never, place: never) => T | typeof NOT_NOW;
}

/**
 * The same options as an object of one shape, for what is asked for them a million times a second: with a
 * shape for each primitive, to look for `now` costs as much as to take a lock.
 */
export function inOneShape<T>(options: OperationOptions<T>): OperationOptions<T> {
  const { optional, cedes, undo, now } = options;
  return { optional, cedes, undo, now } as OperationOptions<T>;
}

/** It cannot be done at once. */
export const NOT_NOW: unique symbol = Symbol("not now");

/** Stands as the maker of an operation that was done at once, and that its place may give out again. */
const SPENT: Maker = { unstarted: null };

/** How many scopes may be nested in one routine. */
const DEEPEST = 128;

/** For an operation that does nothing but let others go first. */
export const CEDES: { readonly cedes: true } = inOneShape<never>({ cedes: true }) as {
  readonly cedes: true;
};

type Begin<T> = (wait: Wait<T>, label: Label, argument: unknown) => void;
type Body<T> = () => Iterator<unknown, T, unknown>;

/** The one class behind every operation. A sequence is also the source its own wait is parked on. */
class LazyOperation<T> implements Operation<T>, Startable<T>, WaitSource {
  /** The task that made it, until something waits for it. */
  maker: Maker | null = null;
  readonly #label: Label;
  readonly #begin: Begin<T> | null;
  readonly #body: Body<T> | null;
  readonly #options: OperationOptions<T> | null;
  readonly #argument: unknown;

  constructor(
    label: Label,
    begin: Begin<T> | null,
    body: Body<T> | null,
    options: OperationOptions<T> | null,
    argument?: unknown,
  ) {
    this.#argument = argument;
    this.#label = label;
    this.#begin = begin;
    this.#body = body;
    this.#options = options;
    if (options !== null && options.optional === true) return;
    const scope = currentScope();
    if (scope === null) {
      this.maker = new Forgotten(this, label);
      return;
    }
    note(this, scope.task);
    if (siting.runs > 0) noteSite(this);
  }

  [Symbol.iterator](): Iterator<unknown, T, unknown> {
    const { running } = fastLane;
    const options = this.#options;
    if (this.#body !== null) {
      // Only a routine of the fast lane can run a sequence in its own frame. In an `async function*` a
      // `function*` may stand between (`yield* helper()`); there the sequence gets a routine of its own.
      // So it does where very many scopes are nested: each step goes through all generators of a routine, and
      // the host's stack has an end.
      if (running !== null && running.depth < DEEPEST) {
        forget(this);
        return this.#body();
      }
      return leavingWait<T>(this) as unknown as Iterator<unknown, T, unknown>;
    }
    if (running !== null && options !== null) {
      if (options.now !== undefined) {
        const value = this.attempt(running.scope);
        if (value !== NOT_NOW) {
          running.begun++;
          return new Done(value) as Iterator<unknown, T, unknown>;
        }
      } else if (options.cedes === true) {
        return leavingWait<T>(this) as unknown as Iterator<unknown, T, unknown>;
      }
    }
    return new Wait<T>(this) as unknown as Iterator<unknown, T, unknown>;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, T, unknown> {
    if (this.#options !== null && this.#options.now !== undefined) {
      const scope = currentScope();
      if (scope !== null && scope.task.host.hasBudget) {
        const value = this.attempt(scope);
        if (value !== NOT_NOW) {
          return new AsyncDone(value) as unknown as AsyncIterator<unknown, T, unknown>;
        }
      }
    }
    return new PromisedWait<T>(this) as unknown as AsyncIterator<unknown, T, unknown>;
  }

  then<A = T, B = never>(
    onValue?: ((value: T) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    let promise: Promise<T>;
    try {
      promise = new PromisedWait<T>(this).promise();
    } catch (error) {
      promise = Promise.reject(error);
    }
    return promise.then(onValue, onError);
  }

  /** Does it without a wait, if the step may go on and nobody needs to wait for it. */
  private attempt(scope: CancelScope): T | typeof NOT_NOW {
    if (!mayGoOn(scope) || scope.reaching !== null) return NOT_NOW;
    forget(this);
    const now = this.#options!.now!;
    const value = now(scope.task, this.#argument as never, this.#label as never);
    if (value === NOT_NOW) spent.operations--; // to begin a wait asks again
    else this.maker = SPENT;
    return value;
  }

  begin(wait: Wait<T>): void {
    forget(this);
    if (siting.runs > 0) passSite(this, wait);
    if (this.#body !== null) return nest(this.#body(), wait, this);
    wait.checkpoint();
    this.#begin!(wait, this.#label, this.#argument);
  }

  /** What it waits on, where that outlives it: the same for each `get()` of one queue. */
  get place(): object | null {
    return typeof this.#label === "object" ? this.#label : null;
  }

  /** Whether it is made of other operations. */
  get composite(): boolean {
    return this.#body !== null;
  }

  /** Whether it is a schedule point in any case. */
  get cedes(): boolean {
    return this.#options !== null && this.#options.cedes === true;
  }

  /** How its value can be given back, if it can. */
  get undoing(): OperationOptions<T> | null {
    return this.#options?.undo === undefined ? null : this.#options;
  }

  /** Gives back a value that nobody can have. */
  undo(value: T, task: Task): void {
    this.#options?.undo?.(value, task);
  }

  /** As a source: the waits inside a sequence say what the host has to do with it. */
  get host(): HostPart {
    return "none";
  }

  /** As a source: a sequence only stands for the waits inside it. */
  get nested(): boolean {
    return true;
  }

  /** As a source: a sequence is cancelled through the waits inside it. */
  abandon(): boolean {
    return false;
  }

  toString(): string {
    return String(this.#label);
  }
}

/**
 * Makes an operation from the one call that begins it.
 *
 * `begin` runs in the waiting task's step. It must end the wait (`wait.settle`, `wait.fail`), park it
 * (`wait.park(source)`, usually by a wait queue), or throw. It is not called when a cancel is pending.
 * When it settles at once, the task goes on without a turn as long as its step has some of its budget left.
 *
 * @param label How reports name it, as in `Queue#1.get()`.
 * @param begin Begins the wait.
 * @param options Whether nobody has to wait for it, and how to give back its value.
 * @returns An operation that calls `begin` each time it is waited for.
 */
export function operation<T>(
  label: Label,
  begin: (wait: Wait<T>) => void,
  options: OperationOptions<T> | null = null,
): Operation<T> {
  return new LazyOperation(label, begin, null, options);
}

/**
 * The same for an operation that is made for each message: `begin` is one function for all of them, and is given
 * what it needs, so that no closure is made.
 *
 * @param place What it waits on; reports name it so.
 * @param begin Begins the wait.
 * @param argument What the caller asked for.
 * @param options How the operation is to be treated.
 * @returns An operation that calls `begin` each time it is waited for.
 */
export function operationOn<T, P extends { toString(): string }, A>(
  place: P,
  begin: (wait: Wait<T>, place: P, argument: A) => void,
  argument: A,
  options: OperationOptions<T> | null = null,
): Operation<T> {
  return new LazyOperation(place, begin as Begin<T>, null, options, argument);
}

/**
 * The same for an operation that a place makes over and over and that is always the same, as `acquire()` of a
 * lock. When the latest was done at once, where it was waited for by `yield*`, it is given out again: that
 * spares most of what an uncontended lock costs. Any other may still be in somebody's hands, in a set of
 * operations to wait for.
 */
export class Repeated<T> {
  readonly #label: Label;
  readonly #begin: Begin<T>;
  readonly #options: OperationOptions<T>;
  #latest: LazyOperation<T> | null = null;

  /** What it makes; `options` of {@linkcode inOneShape}. */
  constructor(label: Label, begin: (wait: Wait<T>) => void, options: OperationOptions<T>) {
    this.#label = label;
    this.#begin = begin;
    this.#options = options;
  }

  /** The operation, for code that runs in `scope`. */
  make(scope: CancelScope | null): Operation<T> {
    const latest = this.#latest;
    if (latest !== null && latest.maker === SPENT && scope !== null && siting.runs === 0) {
      note(latest, scope.task);
      return latest;
    }
    return this.#latest = new LazyOperation(this.#label, this.#begin, null, this.#options);
  }
}

/**
 * Makes an operation from a `function*` over other operations, run within the waiting task.
 *
 * @param label How reports name it.
 * @param body Called each time the operation is waited for.
 * @param options Whether nobody has to wait for it, and how to give back its value.
 * @returns An operation that evaluates to what the body returns.
 */
export function sequence<T>(
  label: Label,
  body: () => Iterator<unknown, T, unknown>,
  options: OperationOptions<T> | null = null,
): Operation<T> {
  return new LazyOperation(label, null, body, options);
}

/**
 * Takes over an operation or a promise that somebody else made: from now on it is the taker's affair
 * whether it is waited for. For combinators, which may end before they reach it; they do so before
 * anything can throw. Other values pass untouched.
 */
export function takeOver(value: unknown): void {
  if (value instanceof LazyOperation) forget(value);
  else keepHandled(value);
}

/** For an operation around another, with the same value: how that is given back. */
export function undoOf<T>(work: unknown): OperationOptions<T> | null {
  return work instanceof LazyOperation ? work.undoing as OperationOptions<T> | null : null;
}

/** The same for one that may also evaluate to `undefined`, when it has not reached the inner value. */
export function undoOfMaybe<T>(work: unknown): OperationOptions<T> | null {
  const undo = undoOf<T>(work)?.undo;
  if (undo === undefined) return null;
  return { undo: (value, task) => value === undefined ? undefined : undo(value, task) };
}

/** What an operation waits on, where that outlives it: the same for each `get()` of one queue. */
export function placeOf(value: unknown): object | null {
  return value instanceof LazyOperation ? value.place : null;
}

/**
 * Every trap: what a task can wait for that is no operation, a turn or a promise, and the promise by which async code
 * waits.
 *
 * A promise is subscribed to once, however often it is waited for. The language keeps every `then` until the
 * promise settles, and there is no way to take one back. A race in a loop beside a promise that never settles
 * (a stop signal of a server) would leave two closures and a wait behind at each turn: 1.6 kB, measured. So
 * the kernel calls `then` once; its own waits stand in a line like all others, which they leave when they are
 * cancelled or lose. That goes only for promises whose `then` is the language's own. What anything else does
 * at a `then` is its own affair (it may start the work anew), so there each wait calls it.
 *
 * `await op` and `yield* op` in async code never reach the routine that drives the generator, so the
 * wait itself stands between: it is resolved when its task's turn comes, in the order of the ready
 * queue, and its promise's reactions then run as the task's step. Only `resolve` is kept, and an
 * error travels as a rejected promise: keeping `reject` too would cost every parked task 64 bytes.
 *
 * Code outside of every task may wait as well (`await registry.poll(100)` at the top of a script):
 * then the operation gets a run of its own, which `outside` starts.
 */
import { mayGoOn } from "./turn.ts";
import { currentScope } from "./context.ts";
import type { CancelScope } from "./scope.ts";
import {
  type IterationStep,
  lastStep,
  type Resumer,
  type Startable,
  Wait,
  type WaitSource,
} from "./wait.ts";
import { show } from "./printable.ts";
import type { Task } from "./task.ts";
import { WaitQueue } from "./wait_queue.ts";

// -- What comes out of a bare `yield x` --

/** Goes to the back of the ready queue. */
export const cedeTrap: Startable<void> = {
  cedes: true,
  begin(wait) {
    wait.checkpoint();
    wait.settle();
  },
  toString: () => "cede()",
};

/** What to start for a value that came out of a bare `yield x`, or `null` if it is nothing to wait for. */
export function toStartable(value: unknown): Startable<unknown> | null {
  if (value === undefined) return cedeTrap;
  if (typeof value !== "object" || value === null) return null;
  if ("begin" in value && typeof value.begin === "function") return value as Startable<unknown>;
  if ("then" in value && typeof value.then === "function") {
    return new PromiseTrap(value as unknown as PromiseLike<unknown>);
  }
  return null;
}

/** The error for a value that nobody can wait for. */
export function notWaitable(value: unknown): TypeError {
  return new TypeError(
    `Cannot wait for ${
      show(value)
    }: yield an operation, a promise, or nothing; for another generator, write "yield*"`,
  );
}

// -- A task waits for a promise --

/**
 * Waits for a promise that code outside of weft will settle.
 *
 * The promise cannot be stopped: a cancelled wait lets go of it, and its result is dropped.
 */
export class PromiseTrap<T> implements Startable<T> {
  /** To begin calls a `then`, which may be anybody's. */
  readonly composite = true;
  readonly #promise: PromiseLike<T>;

  constructor(promise: PromiseLike<T>) {
    keepHandled(promise);
    this.#promise = promise;
  }

  /** Joins those who wait for it. */
  begin(wait: Wait<T>): void {
    wait.checkpoint();
    waitsFor(this.#promise).add(wait as Wait);
  }

  toString(): string {
    return "wait(promise)";
  }
}

/** A source of waits that is told when its promise has settled, just before the wait ends. */
export interface PromiseSource extends WaitSource {
  /** Lets go of what it held for the wait. */
  left(): void;
}

type Outcome = "pending" | "settled" | "failed";

const owner = { toString: () => "promise" };

/** The waits for one promise, in the order in which they came. Also their source, when they have no other. */
export class PromiseWaits extends WaitQueue<unknown> implements PromiseSource {
  #outcome: Outcome = "pending";
  #value: unknown = undefined;

  /** For a promise that is not subscribed to yet; a `then` that throws counts as a rejection, as for `await`. */
  constructor(promise: PromiseLike<unknown>) {
    super(owner, "wait", "bound");
    try {
      promise.then((value) => this.#end("settled", value), (error) => this.#end("failed", error));
    } catch (error) {
      this.#end("failed", error);
    }
  }

  /** Ends the wait if the promise has settled as far as is known, or else parks it. */
  add(wait: Wait, source: PromiseSource = this): void {
    if (this.#outcome === "pending") return this.park(wait, source);
    source.left();
    if (this.#outcome === "settled") wait.settle(this.#value);
    else wait.fail(this.#value);
  }

  /** Holds nothing for a wait. */
  left(): void {}

  override toString(): string {
    return "wait(promise)";
  }

  #end(outcome: Outcome, value: unknown): void {
    if (this.#outcome !== "pending") return;
    this.#outcome = outcome;
    this.#value = value;
    for (let wait = this.shift(); wait !== null; wait = this.shift()) {
      (wait.source as PromiseSource).left();
      if (outcome === "settled") wait.settle(value);
      else wait.fail(value);
    }
  }
}

const known = new WeakMap<object, PromiseWaits>();

/** The waits for a promise, or for anything with a `then`. */
export function waitsFor(promise: PromiseLike<unknown>): PromiseWaits {
  let waits = known.get(promise);
  if (waits !== undefined) return waits;
  waits = new PromiseWaits(promise);
  if (isPlain(promise)) known.set(promise, waits);
  return waits;
}

/** Promises with a `then` of their own that have a handler. */
const handled = new WeakSet<object>();

/**
 * Takes it upon weft that a promise may reject: the task that was to wait for it may be cancelled before, and
 * the host ends a process for a rejection that nobody has asked for by then. To be called as soon as a
 * promise is given, before anything can throw. Only promises of the language are watched by the host; to
 * call the `then` of anything else might start what it stands for.
 */
export function keepHandled(value: unknown): void {
  try {
    if (!(value instanceof Promise)) return;
    if (isPlain(value)) return void waitsFor(value);
    if (handled.has(value)) return;
    handled.add(value);
    Promise.prototype.then.call(value, undefined, () => {});
  } catch {
    // A subclass whose constructor throws, or a proxy that was revoked; a task that waits for it will be told.
  }
}

/** Whether a promise's `then` is the language's. */
export function isPlain(value: unknown): value is Promise<unknown> {
  try {
    return value instanceof Promise && value.then === Promise.prototype.then;
  } catch {
    return false;
  }
}

// -- Async code waits by a promise --

/** Every so many refusals of a wait, one takes a turn. */
const MOST_REFUSALS = 32;

/** What the promise of a turn resolves with. */
export const TURN: unique symbol = Symbol("turn");

/** What a task keeps of its async code, once it has some. */
export class AsyncSide {
  /** Goes on after a bare `yield` of an async body. */
  turn: ((turn: symbol) => void) | null = null;
  /** Set when one of its promised waits ended with a value; the routine clears it before each step. */
  resumed = false;
  /** How often the turn was lent to the code. */
  turnsLent = 0;
  /** How often the code gave it back, at a checkpoint or at its end. */
  turnsReturned = 0;
  /** Whether it is in a foreign `await`, so that no turn of the task ends that. */
  inForeignAwait = false;
  /** Whether the host is bound to end that, as far as can be told. */
  isBound = false;
  /** How often a wait was refused as it began, since that last took a turn. */
  refusals = 0;
  /** Promises the turn after a bare `yield`. */
  awaitTurn(): Promise<symbol> {
    yielding = this;
    return new Promise(keepTurn);
  }
}

/** The record of a task, made when first needed. */
export function asyncSideOf(task: Task): AsyncSide {
  return task.asyncSide ??= new AsyncSide();
}

/** Whose turn is being promised: so one function serves all, and a step leaves no closure behind. */
let yielding: AsyncSide;

function keepTurn(resolve: (turn: symbol) => void): void {
  yielding.turn = resolve;
}

/**
 * How code outside of every task waits: by a run of its own. Set by the scheduler's module. The value
 * comes in a box: a promise would wait for a task that it resolved with.
 */
export const outside: { wait: <T>(operation: Startable<T>) => Promise<readonly [T]> } = {
  wait: () => Promise.reject(new Error("Cannot wait here: no scheduler is loaded")),
};

/** A wait that ends by resolving a promise. */
export class PromisedWait<T> extends Wait<T> implements Resumer {
  #resolve: ((value: unknown) => void) | null = null;
  #whole = true;

  /** An `await` may have others beside it. */
  override get alone(): boolean {
    return this.#whole;
  }

  /** Begins, and resolves with the operation's value: for `await op`. */
  promise(scope: CancelScope | null = currentScope()): Promise<T> {
    this.#whole = false;
    const begun = this.begin(scope);
    if (begun !== this) return begun as Promise<T>;
    this.task.asyncSide!.resumed = true;
    return Promise.resolve(this.value as T);
  }

  /**
   * Begins, and resolves with an iterator result: for `yield* op`. So the value never is what a promise
   * resolves with, and a task among the values is given out, and not waited for.
   */
  override next(): IterationStep | Promise<IterationStep> {
    return this.whole(currentScope());
  }

  /** The same under a given scope. */
  whole(scope: CancelScope | null): IterationStep | Promise<IterationStep> {
    const begun = this.begin(scope);
    return begun === this ? lastStep(this.value) : begun as Promise<IterationStep>;
  }

  /** Called at the task's turn. */
  resume(): boolean {
    const task = this.task;
    task.asyncSide!.resumed = this.state === "settled";
    task.host.lendTurn(task);
    const resolve = this.#resolve!;
    if (this.state === "failed") resolve(Promise.reject(this.value));
    else resolve(this.#whole ? lastStep(this.value) : this.value);
    return false;
  }

  /** Begins. It is the result itself where the step may go on and the operation was done at once. */
  private begin(scope: CancelScope | null): Promise<unknown> | this {
    if (scope === null) {
      return outside.wait(this.operation!).then(([value]) => this.#whole ? lastStep(value) : value);
    }
    const task = scope.task;
    const asyncSide = asyncSideOf(task);
    const { turnsLent } = asyncSide;
    if (task.host.hasBudget && this.operation!.cedes !== true && mayGoOn(scope)) {
      this.startWithin(scope, this);
      if (this.done) {
        if (this.state === "failed") throw this.value;
        return this;
      }
      return this.leave(task, turnsLent);
    }
    try {
      this.start(scope, this);
    } catch (error) {
      // Code that catches every error and goes on must let others have their turn now and then.
      if (++asyncSide.refusals < MOST_REFUSALS || this.scope === null) throw error;
      asyncSide.refusals = 0;
      this.fail(error);
    }
    return this.leave(task, turnsLent);
  }

  /** Makes the promise. The step is over, unless a part with async code of its own has just been lent the turn. */
  private leave(task: Task, turnsLent: number): Promise<unknown> {
    const promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (task.asyncSide!.turnsLent === turnsLent) task.host.returnTurn(task);
    return promise;
  }
}

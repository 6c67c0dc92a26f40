/**
 * Drives a `function*`: the whole body of a fast-lane task, or an operation made of operations.
 *
 * A step is one synchronous call of `next` or `throw`. What comes out is a wait (from `yield*`, on
 * whose way in and out nothing is allocated), `undefined` (a bare `yield`: cede), an operation or a
 * promise (from `yield x`), or nonsense, which is thrown back to the very line that yielded it.
 *
 * Never `return()`: a child whose `finally` yields would later finish through `next()`, and the
 * language would let its parent run on past the halt. A cancel is thrown, always.
 */
import { mayGoOn } from "./turn.ts";
import { fastLane, type Frame } from "./context.ts";
import type { CancelScope } from "./scope.ts";
import { generatorNext, generatorThrow, isNative } from "./generators.ts";
import { cedeTrap, notWaitable, toStartable } from "./trap.ts";
import {
  type Resumer,
  type Startable,
  SubstituteWait,
  take,
  Wait,
  type WaitSource,
} from "./wait.ts";

/** What a routine tells that its generator has ended. */
export interface CompletionHandler {
  /** Called once with the value returned, or with the error thrown. */
  finish(failed: boolean, value: unknown): void;
}

/** The result of a step when the generator has not ended: it waits, or it ceded without a wait. */
const waiting = Symbol("waiting");
const ceded = Symbol("ceded");
/** So many refusals a step may get at once: a body that catches every error would else never let others go on. */
const MOST_REFUSALS = 32;

/** A `function*` on its way: the body of a task, which is the task itself, or a part of one. */
export interface Routine extends Frame {
  /** What is gone on with; `null` when it has ended. */
  readonly generator: Iterator<unknown, unknown, unknown> | null;
  /** Whether its methods are those of all generators. */
  readonly native: boolean;
}

/** Goes on with bodies of tasks: one for all of them, since a wait knows its task. */
class BodyResumer implements Resumer {
  resume(wait: Wait): boolean {
    const { task } = wait;
    return goOnWith(task, task, wait);
  }

  peek(wait: Wait): void {
    wait.task.generator?.next();
  }
}

/** The one of them. */
export const bodyResumer: Resumer = new BodyResumer();

/** A part of a task, and the cancel scope it is in. */
class PartRoutine implements Routine, Resumer {
  scope: CancelScope;
  begun = 0;
  depth = 0;
  readonly generator: Iterator<unknown, unknown, unknown>;
  readonly native: boolean;
  readonly #handler: CompletionHandler;

  constructor(
    generator: Iterator<unknown, unknown, unknown>,
    scope: CancelScope,
    handler: CompletionHandler,
  ) {
    this.generator = generator;
    this.native = isNative(generator);
    this.scope = scope;
    this.#handler = handler;
  }

  get resumer(): this {
    return this;
  }

  resume(wait: Wait): boolean {
    return goOnWith(this, this.#handler, wait);
  }

  peek(): void {
    this.generator.next();
  }
}

/** Runs a part of a task that stands in `wait`. It starts at once, and its end ends the wait. */
export function nest(
  generator: Iterator<unknown, unknown, unknown>,
  wait: Wait,
  source: WaitSource,
): void {
  goOnWith(new PartRoutine(generator, wait.scope!, wait), wait, null);
  if (!wait.done) wait.park(source);
}

/**
 * Runs one step of a body, from its start or from a bare `yield`. Returns whether it ended in a bare
 * `yield`: then its task is ready again, and only that.
 */
export function goOn(routine: Routine, handler: CompletionHandler): boolean {
  const cancel = routine.scope.pending;
  fastLane.running = routine;
  let failed = false;
  let result: unknown;
  try {
    const generator = routine.generator!;
    const native = routine.native;
    const step = cancel !== null
      ? throwInto(generator, native, cancel)
      : native
      ? generatorNext.call(generator)
      : generator.next();
    result = step.done !== true && step.value === undefined && fastLane.parked === null
      ? ceded
      : advance(routine, generator, native, handler, step);
  } catch (error) {
    failed = true;
    result = error;
  }
  fastLane.running = null;
  return hasCeded(handler, failed, result);
}

/**
 * Runs one step with a wait that has ended, and returns the same. With `null`, runs the first step of
 * a part; that is no checkpoint: a shield must get to its own first line, whatever is pending.
 */
export function goOnWith(
  routine: Routine,
  handler: CompletionHandler,
  wait: Wait | null,
): boolean {
  const outer = fastLane.running;
  fastLane.running = routine;
  let failed = false;
  let result: unknown;
  try {
    const generator = routine.generator!;
    const native = routine.native;
    const step = wait?.state === "failed"
      ? throwInto(generator, native, wait.value)
      : native
      ? generatorNext.call(generator, wait?.value)
      : generator.next(wait?.value);
    result = advance(routine, generator, native, handler, step);
  } catch (error) {
    failed = true;
    result = error;
  }
  fastLane.running = outer;
  return hasCeded(handler, failed, result);
}

/** The end of a step: tells the handler if the generator has ended, and says if it has ceded. */
function hasCeded(handler: CompletionHandler, failed: boolean, result: unknown): boolean {
  if (result === ceded) return true;
  if (result !== waiting) handler.finish(failed, result);
  return false;
}

/** Starts what the generator yielded; an error of that goes back in, and so on until it waits or returns. */
function advance(
  routine: Routine,
  generator: Iterator<unknown, unknown, unknown>,
  native: boolean,
  handler: CompletionHandler,
  step: IteratorResult<unknown, unknown>,
): unknown {
  let refusals = 0;
  while (step.done !== true) {
    const { parked } = fastLane;
    if (parked !== null) {
      fastLane.parked = null;
      if (parked === step || parked === step.value) return waiting;
      dropped(parked as Wait);
    }
    const yielded = step.value;
    if (yielded === undefined && !(handler instanceof Wait)) return ceded;
    let wait: Wait | null = null;
    try {
      if (yielded instanceof Wait) {
        wait = yielded;
      } else {
        const start = startable(yielded);
        wait = new SubstituteWait(start);
        if (start.cedes !== true && mayGoOn(routine.scope)) {
          wait.startWithin(routine.scope, routine.resumer);
          routine.begun++;
          if (!wait.done) return waiting;
          if (wait.state === "failed") throw wait.value;
          step = native ? generatorNext.call(generator, wait.value) : generator.next(wait.value);
          continue;
        }
      }
      wait.start(routine.scope, routine.resumer);
      routine.begun++;
      return waiting;
    } catch (error) {
      if (++refusals > MOST_REFUSALS) return delay(routine, wait, error);
      step = throwInto(generator, native, error);
    }
  }
  if (fastLane.parked !== null) dropped(fastLane.parked as Wait);
  return step.value;
}

/**
 * A wait has begun whose iterator was asked by hand, as `[...operation]` does, and which nobody waits for: it is
 * taken back, and counts as forgotten.
 */
function dropped(wait: Wait): void {
  fastLane.parked = null;
  const { source } = wait;
  const { task } = wait;
  if (source === null) return;
  if (source.abandon(wait)) take(wait, "failed", undefined);
  task.unstarted ??= source;
}

/** Has a refusal wait for the task's next turn. */
function delay(routine: Routine, refused: Wait | null, error: unknown): typeof waiting {
  const wait = refused === null || refused.scope === null ? new SubstituteWait(cedeTrap) : refused;
  wait.scope = routine.scope;
  wait.owner = routine.resumer;
  wait.fail(error);
  return waiting;
}

function throwInto(
  generator: Iterator<unknown, unknown, unknown>,
  native: boolean,
  error: unknown,
): IteratorResult<unknown, unknown> {
  if (native) return generatorThrow.call(generator, error);
  if (generator.throw === undefined) throw error;
  return generator.throw(error);
}

/**
 * What to begin for a value that is waited for without a star.
 *
 * @throws {TypeError} If nobody can wait for it.
 */
export function startable(value: unknown): Startable<unknown> {
  const found = isWaitedForElsewhere(value) ? new Delegated(value) : toStartable(value);
  if (found === null) throw notWaitable(value);
  return found;
}

/** A task, a future: an operation of its own making, which both lanes could wait for by `yield*`. */
type OperationLike = PromiseLike<unknown> & Iterable<unknown, unknown, unknown>;

function isWaitedForElsewhere(value: unknown): value is OperationLike {
  return typeof value === "object" && value !== null && Symbol.iterator in value &&
    "then" in value && !("begin" in value);
}

/** `yield task` as `yield* task`: through its iterator, and not through a promise that hides the wait. */
class Delegated implements Startable<unknown>, WaitSource {
  readonly host = "none";
  readonly nested = true;
  readonly composite = true;
  readonly #operation: OperationLike;

  constructor(operation: OperationLike) {
    this.#operation = operation;
  }

  begin(wait: Wait): void {
    nest(this.#operation[Symbol.iterator](), wait, this);
  }

  abandon(): boolean {
    return false;
  }

  toString(): string {
    return String(this.#operation);
  }
}

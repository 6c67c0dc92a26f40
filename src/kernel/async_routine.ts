/**
 * Drives an `async function*`: the body of an async-lane task, or a part of a task.
 *
 * The routine is started once under the generator's scope, and goes on only in reactions of promises,
 * so the host itself restores the current task for every step and after every `await` of the user's
 * code. While the generator waits by `yield*` or `await`, the routine just sits at its `next()`; only
 * what the generator yields comes here. Two callbacks serve all its steps: written as an async function
 * with a loop, it would be shorter and cost every parked task 400 bytes more (measured).
 *
 * The language awaits the operand of `yield` in an async generator before it hands it out. So from
 * `yield op` the driver sees the result, after the wait has happened, and cannot tell `undefined`
 * from a bare `yield`. A cancel must not be thrown between a finished wait and its result (a taken
 * item would vanish), so what comes out right after a wait of this task is never a cancel point; the
 * wait was one. A bare `yield` anywhere else is both.
 */
import { withScope } from "./context.ts";
import type { CompletionHandler } from "./fast_routine.ts";
import { asyncGeneratorNext, asyncGeneratorThrow, isNative } from "./generators.ts";
import { AsyncSide, asyncSideOf, cedeTrap, notWaitable, PromisedWait, TURN } from "./trap.ts";
import { type CancelScope, Shield } from "./scope.ts";
import { isGenerator } from "./checks.ts";
import { type IterationStep, Wait } from "./wait.ts";
import type { Task } from "./task.ts";

/** Runs `generator` under `scope`, from now on, and tells `handler` when it has ended. */
export function driveAsync(
  generator: AsyncIterator<unknown, unknown, unknown>,
  task: Task,
  scope: CancelScope,
  handler: CompletionHandler,
): void {
  const routine = new AsyncRoutine(generator, task, scope, handler);
  if (handler === task as unknown) task.asyncSide = routine;
  if (depth < DEEPEST) return launch(routine, task, scope);
  task.host.lendTurn(task);
  queueMicrotask(() => launch(routine, task, scope));
}

/**
 * Runs a step of a task that no wait has ended: an async body from its start, or async code that has ceded
 * in a bare `yield`.
 */
export function goOnAsync(
  task: Task,
  body: AsyncIterator<unknown, unknown, unknown> | null,
): void {
  if (body !== null) return driveAsync(body, task, task, task);
  const asyncSide = task.asyncSide!;
  const { turn } = asyncSide;
  if (turn === null) return;
  asyncSide.turn = null;
  task.host.lendTurn(task);
  turn(TURN);
}

/** Goes to the back of the ready queue from an async body, for less than a wait costs. */
function awaitTurn(task: Task): Promise<symbol> {
  const turn = task.asyncSide!.awaitTurn();
  if (task.state !== "ready") task.host.ready(task);
  task.host.returnTurn(task);
  return turn;
}

/** A part that begins within another's first step is on the host's stack; beyond this many it begins anew. */
const DEEPEST = 64;
let depth = 0;

function launch(routine: AsyncRoutine, task: Task, scope: CancelScope): void {
  const asyncSide = task.asyncSide!;
  const { turnsReturned } = asyncSide;
  depth++;
  try {
    withScope(scope, () => routine.start());
  } finally {
    depth--;
  }
  // It ran up to its first `await` or `yield`. If that was no checkpoint, it is still under way.
  if (asyncSide.turnsReturned === turnsReturned) task.host.lendTurn(task);
}

/**
 * One async generator being driven. That of a body also is what its task keeps of async code, so that a step goes
 * through fewer objects: with thousands of tasks each of them is out of the processor's cache when its turn comes.
 */
class AsyncRoutine extends AsyncSide {
  readonly #generator: AsyncIterator<unknown, unknown, unknown>;
  readonly #native: boolean;
  readonly #task: Task;
  readonly #side: AsyncSide;
  readonly #goOn = (step: IteratorResult<unknown, unknown> | symbol): void =>
    step === TURN ? this.goOn(undefined) : this.took(step as IteratorResult<unknown, unknown>);
  readonly #onError = (error: unknown): void => this.end(true, error);
  readonly #scope: CancelScope;
  readonly #handler: CompletionHandler;

  constructor(
    generator: AsyncIterator<unknown, unknown, unknown>,
    task: Task,
    scope: CancelScope,
    handler: CompletionHandler,
  ) {
    super();
    this.#generator = generator;
    this.#native = isNative(generator);
    this.#task = task;
    this.#side = handler === task as unknown ? this : asyncSideOf(task);
    this.#scope = scope;
    this.#handler = handler;
  }

  /** The first step; that of a body is a checkpoint, that of a part is not. */
  start(): void {
    const cancel = this.isBody ? this.#scope.pending : null;
    this.step(cancel !== null, cancel);
  }

  private get isBody(): boolean {
    return this.#side === this;
  }

  private step(failed: boolean, input: unknown): void {
    this.#side.resumed = false;
    const generator = this.#generator;
    const next = this.#native
      ? (failed ? asyncGeneratorThrow : asyncGeneratorNext).call(generator, input)
      : failed
      ? throwInto(generator, input)
      : generator.next(input);
    next.then(this.#goOn, this.#onError);
  }

  private took(step: IteratorResult<unknown, unknown>): void {
    if (step.done === true) return this.end(false, step.value);
    const yielded = step.value;
    const afterWait = this.#side.resumed;
    if (yielded === undefined) return this.cede(afterWait);
    let refusal: unknown = null;
    try {
      if (yielded instanceof Wait && yielded.state === "idle") return this.wait(yielded);
      if (isGenerator(yielded)) refusal = notWaitable(yielded);
    } catch (error) {
      refusal = error; // a proxy that will not be looked at
    }
    if (refusal !== null) return this.step(true, refusal);
    if (afterWait) return this.step(false, yielded);
    this.nextTurn().then(() => this.goOn(yielded));
  }

  /** Lets others go first; right after a wait, which was a cancel point, a cancel waits for the next one. */
  private cede(afterWait: boolean): void {
    const task = this.#task;
    if (this.isBody && task.host.cedesAlone(task)) {
      if (afterWait) this.step(false, undefined);
      else this.goOn(undefined);
    } else if (afterWait) {
      this.nextTurn().then(() => this.step(false, undefined));
    } else if (this.isBody) {
      awaitTurn(task).then(this.#goOn);
    } else {
      this.nextTurn().then(() => this.goOn(undefined));
    }
  }

  private nextTurn(): Promise<unknown> {
    if (this.isBody) return awaitTurn(this.#task);
    return new PromisedWait<void>(cedeTrap).promise(new Shield(this.#scope));
  }

  /** The next step, which a cancel may reach. */
  private goOn(input: unknown): void {
    const cancel = this.#scope.pending;
    this.step(cancel !== null, cancel ?? input);
  }

  /** Waits for what a `function*` asks for that the generator delegates to by `yield*`. */
  private wait(wait: Wait): void {
    let begun: IterationStep | Promise<IterationStep>;
    try {
      begun = new PromisedWait(wait.operation!).whole(this.#scope);
    } catch (error) {
      return this.step(true, error);
    }
    const ended = ({ value }: IterationStep): void => {
      wait.conclude(value);
      this.step(false, value);
    };
    if (begun instanceof Promise) begun.then(ended, (error) => this.step(true, error));
    else ended(begun);
  }

  /** Ends the generator's part, and the step with it unless other async code of the task goes on at once. */
  private end(failed: boolean, value: unknown): void {
    const task = this.#task;
    const side = this.#side;
    const { turnsLent } = side;
    this.#handler.finish(failed, value);
    if (side.turnsLent === turnsLent) task.host.returnTurn(task);
  }
}

function throwInto(
  generator: AsyncIterator<unknown, unknown, unknown>,
  error: unknown,
): Promise<IteratorResult<unknown, unknown>> {
  return generator.throw === undefined ? Promise.reject(error) : generator.throw(error);
}

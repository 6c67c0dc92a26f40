/**
 * Running whatever can be run, inside the current task: the common ground of every combinator.
 *
 * Users hand a timeout, a shield or a group an operation, a task, a promise, a generator function of
 * either lane, or a generator already made. All of it becomes one `yield*`. Work of the same lane
 * is delegated to; an `async function*` inside a `function*` gets a routine of its own within the
 * task, so that locks, locals and the current task stay the same.
 *
 * What `race` and `all` are given is sorted: what can be begun in the caller's own task, and bodies, which
 * get child tasks. All of them are sorted, and bodies called, before anything begins: one that throws as it
 * is called has left nothing running.
 *
 * What is given is checked before anything is started, so that the error points at the line that passed it.
 * Where a call was almost right, the compiler says what to write: a signature that nothing fits comes last
 * among a function's, and its parameter has a {@linkcode Hint} as its type. The error shows that one; the
 * other signatures tell it with so many types that nobody finds the missing star in them.
 */
import { driveAsync } from "../kernel/async_routine.ts";
import type { CaseStart } from "../kernel/combined_waits.ts";
import {
  checkArray,
  hasMethod,
  isClass,
  isGenerator,
  isGeneratorFunction,
} from "../kernel/checks.ts";
import { currentScope, fastLane, type Frame } from "../kernel/context.ts";
import { type CompletionHandler, startable } from "../kernel/fast_routine.ts";
import { type Operation, operation, takeOver } from "../kernel/operation.ts";
import { functionName, printable, show } from "../kernel/printable.ts";
import {
  type AsyncSide,
  asyncSideOf,
  keepHandled,
  notWaitable,
  PromiseTrap,
} from "../kernel/trap.ts";
import { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

/** A generator of either lane. */
export type EitherGenerator<T> = ReturnType<TaskBody<[], T>>;

/** What a combinator can run: an operation, a task, a promise, a body, or a generator. */
export type Work<T> =
  | Operation<T>
  | PromiseLike<T>
  | EitherGenerator<T>
  | (() => EitherGenerator<T>);

/** What {@linkcode Work} evaluates to. */
export type WorkResult<W> = W extends () => EitherGenerator<infer T> ? T
  : W extends EitherGenerator<infer T> ? T
  : W extends PromiseLike<infer T> ? T
  : never;

/**
 * Makes sure that `body` is a generator function. Promises among its arguments are taken care of: the
 * task may be cancelled before its first step, and nobody would be there to see them reject.
 *
 * @param body What was passed.
 * @param verb The function it was passed to, for the message.
 * @param args What the body is to be called with.
 * @throws {TypeError} If it is anything else.
 */
export function checkBody(body: unknown, verb: string, args: readonly unknown[] = []): void {
  for (let i = 0; i < args.length; i++) keepHandled(args[i]); // each spawn does so, mostly for none
  if (isGeneratorFunction(body)) return;
  throw new TypeError(
    `Cannot ${verb} ${describe(body)}: a task body is a function* or an async function*, ` +
      `passed uncalled, with its arguments behind it`,
  );
}

function describe(body: unknown): string {
  if (typeof body === "function") {
    const kind = show(Object.getPrototypeOf(body)).includes("Async")
      ? "the async function"
      : "the function";
    const name = functionName(body as () => void);
    return `${kind} ${name === "" ? "(anonymous)" : `"${printable(name)}"`}`;
  }
  if (typeof body === "object" && hasMethod(body, "next")) {
    return "a generator already called";
  }
  return show(body);
}

/** A type that no value has; its text says what to write instead. */
export interface Hint<Text extends string> {
  /** Never there. */
  readonly "what to write": Text;
}

/**
 * Makes sure that a combinator can run something, before it runs anything.
 *
 * @throws {TypeError} If it is none of what {@linkcode Work} names.
 */
export function checkWork(work: unknown, verb: string): void {
  if (typeof work === "function" ? !isClass(work) : isBegun(work)) return;
  throw new TypeError(
    `Cannot ${verb} ${
      show(work)
    }: it must be an operation, a task, a promise, a generator, or a function ` +
      "that makes a generator",
  );
}

/** Whether something that is no function can be waited for: it has a `next`, or a `then`, to call. */
function isBegun(work: unknown): boolean {
  if (typeof work !== "object" || work === null) return false;
  return hasMethod(work, "then") || (hasMethod(work, "next") && isIterable(work));
}

function isIterable(work: object): boolean {
  return hasMethod(work, Symbol.iterator) || hasMethod(work, Symbol.asyncIterator);
}

const asyncBody: WaitSource = {
  host: "none",
  nested: true,
  abandon: () => false,
  toString: () => "an async body",
};

/**
 * Runs the work to its end within the current task; for `yield*` inside a sequence. A plain function, since
 * every generator between a task and its wait is gone through at each step, and takes of the host's stack.
 */
export function perform<T>(work: Work<T>): Iterable<unknown, T, unknown> {
  return begun(typeof work === "function" ? work() : work);
}

/** The same for work that may not have a body left to call. */
export function begun<T>(work: Exclude<Work<T>, () => unknown>): Iterable<unknown, T, unknown> {
  if (!isBegun(work)) throw notWaitable(work);
  if (hasMethod(work, Symbol.iterator)) return work as Iterable<unknown, T, unknown>;
  if (hasMethod(work, Symbol.asyncIterator)) {
    return asyncPart(work as AsyncGenerator<unknown, T, never>);
  }
  const trap = new PromiseTrap(work as PromiseLike<T>);
  return operation<T>(trap, (wait) => trap.begin(wait)) as Iterable<unknown, T, unknown>;
}

function asyncPart<T>(generator: AsyncGenerator<unknown, T, never>): Iterable<unknown, T, unknown> {
  return operation<T>(asyncBody, (wait) => {
    const task = currentScope()!.task;
    const ending = new PartCompletion(wait as Wait<unknown>, asyncSideOf(task), fastLane.running!);
    driveAsync(generator as AsyncIterator<unknown, T, unknown>, task, wait.scope!, ending);
    wait.park(asyncBody);
  }) as Iterable<unknown, T, unknown>;
}

/** Ends the wait for an async part; one that reached no checkpoint does not count as a wait. */
class PartCompletion implements CompletionHandler {
  readonly #wait: Wait<unknown>;
  readonly #asyncSide: AsyncSide;
  readonly #frame: Frame;
  readonly #turnsReturned: number;

  constructor(wait: Wait<unknown>, asyncSide: AsyncSide, frame: Frame) {
    this.#wait = wait;
    this.#asyncSide = asyncSide;
    this.#frame = frame;
    this.#turnsReturned = asyncSide.turnsReturned;
  }

  finish(failed: boolean, value: unknown): void {
    if (this.#asyncSide.turnsReturned === this.#turnsReturned) this.#frame.begun--;
    this.#wait.finish(failed, value);
  }
}

/** Works as they were given, sorted by where they are done. */
export interface SortedWorks {
  /** What begins in the caller's own task. */
  readonly starts: CaseStart[];
  /** Which work each of them is. */
  readonly places: number[];
  /** What gets a child task, and which work it is. */
  readonly bodies: { readonly index: number; readonly generator: EitherGenerator<unknown> }[];
}

/**
 * Checks a list of works, and each of them, before any begins. Promises among them are handled first: a
 * list that is refused has been given all the same.
 *
 * @throws {TypeError} If one cannot be done.
 */
export function checkWorks<W>(works: readonly W[], verb: string): void {
  keepHandled(works);
  for (const work of checkArray(works, `works of ${verb}()`)) keepHandled(work);
  for (const work of works) checkWork(work, verb);
}

/** Whether a work certainly begins in the caller's own task. */
export function isBare(work: unknown): boolean {
  return !isGenerator(work) && isThenable(work);
}

/** Sorts works; calls bodies, each as its turn comes. */
export function sortWorks(works: readonly Work<unknown>[]): SortedWorks {
  const sorted: SortedWorks = { starts: [], places: [], bodies: [] };
  for (const [index, work] of works.entries()) {
    const made: unknown = typeof work === "function" ? work() : work;
    if (isGenerator(made)) {
      sorted.bodies.push({ index, generator: made });
    } else {
      sorted.starts.push(toCase(made));
      sorted.places.push(index);
    }
  }
  return sorted;
}

/** What to begin for an operation, a task, a future or a promise. */
export function toCase(made: unknown): CaseStart {
  if (made === undefined) throw notWaitable(made);
  const start: CaseStart = startable(made instanceof Task ? made.get() : made);
  takeOver(start);
  return start;
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}

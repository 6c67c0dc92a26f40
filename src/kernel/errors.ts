/**
 * The errors of weft, by whose doing they are; and taking an error apart.
 *
 * Wrong arguments use the built-in `TypeError` and `RangeError`. Each class below stands for a
 * condition a caller can act on. There is no common base: nobody wants to catch "any weft error",
 * and `Cancelled` must never be swallowed along with the rest.
 *
 * JavaScript wraps what is thrown. A cancel that meets a disposer which waits, and so is cancelled as
 * well, comes out as a `SuppressedError` of two; `Promise.any` of cancelled waits as an `AggregateError`.
 * To ask `error === cause` is to take either for a failure. So all code that asks "is this my cancel" calls
 * {@linkcode partCancel}, and gets both answers: a cancel alone never surfaces as an error, and an error
 * beside it never goes down with it.
 *
 * What is left when the cancel is taken out is thrown as plain code would throw it: one error as it is,
 * several in the kind of wrap they came in. An error that merely names a cancel as its `cause` is an
 * error: somebody decided to throw it. The walk is a loop, because ten thousand disposers nest ten
 * thousand deep.
 */
import { errorText, messageText, printable } from "./printable.ts";

/** What set off a cancellation. */
export type CancelSource = "explicit" | "timeout" | "group" | "shutdown";

/**
 * Thrown at a task's wait when the task, or a scope around the wait, was cancelled.
 *
 * It is level-triggered: code that catches it and goes on gets it again at the next checkpoint. Let
 * it pass, or clean up under {@linkcode shield} and rethrow.
 *
 * What the language makes of it on the way is known as well: a `SuppressedError` of `await using`, the
 * `AggregateError` of `Promise.any`. If they hold nothing but cancels, that is the cancel; an error beside
 * it is thrown where the cancel ends, alone, or in such a wrap if there are several.
 *
 * @example The reason travels with it
 * ```ts
 * import { Cancelled, run, sleep, spawn } from "@weft/weft";
 * await run(async function* () {
 *   const task = spawn(async function* () {
 *     yield* sleep(1000);
 *   });
 *   yield; // let it start
 *   task.cancel("enough");
 *   yield* task.join();
 *   if (!(task.error instanceof Cancelled) || task.error.reason !== "enough") throw new Error();
 * });
 * ```
 */
export class Cancelled extends Error {
  /** The class name. */
  override readonly name: string = "Cancelled";
  /** What set it off: a call of `cancel`, a deadline, a failing sibling, or the end of the run. */
  readonly source: CancelSource;
  /** What the canceller gave as its reason, or `undefined`. */
  readonly reason: unknown;
  #delivered = false;

  /** Made by the kernel; take it from a `catch`, do not make your own. */
  constructor(source: CancelSource, reason?: unknown, cause?: unknown) {
    super(describeCancel(source, reason), cause === undefined ? undefined : { cause });
    this.source = source;
    this.reason = reason;
  }

  /** Notes that a checkpoint is about to throw it, and gives it back. */
  static deliver(cancel: Cancelled): Cancelled {
    cancel.#delivered = true;
    return cancel;
  }

  /** Whether a checkpoint has thrown it. */
  static wasDelivered(cancel: Cancelled): boolean {
    return cancel.#delivered;
  }
}

function describeCancel(source: CancelSource, reason: unknown): string {
  const why = reason === undefined ? "" : `: ${messageText(reason)}`;
  return `Cancelled (${printable(source)})${why}`;
}

/**
 * Makes a `Cancelled` without a stack: a hundred thousand tasks cancelled at once would spend their
 * time on stacks that all show the same line of the kernel. Who cancelled stands in `reason` and `cause`.
 */
export function cancelled(source: CancelSource, reason?: unknown, cause?: unknown): Cancelled {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new Cancelled(source, reason, cause);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/**
 * Thrown to a task that waits for, or asks for, something whose holder ended while it held it: nobody is
 * left to give it back, and what it guards may be half done.
 */
export class AbandonedError extends Error {
  /** The class name. */
  override readonly name: string = "AbandonedError";
  /** Name of the holder that is gone. */
  readonly holder: string;

  /** `what` could not be done, as in `acquire Lock#1`. */
  constructor(what: string, holder: string) {
    super(`Cannot ${what}: its holder "${printable(holder)}" died while holding it`);
    this.holder = holder;
  }
}

/** Thrown by the scope whose time ran out: {@linkcode withTimeout}, `task.get(ms)`, a socket's timeout. */
export class TimeoutError extends Error {
  /** The class name. */
  override readonly name: string = "TimeoutError";
  /** How many milliseconds were allowed. */
  readonly ms: number;

  /** Says what took longer than `ms`. */
  constructor(ms: number, what = "the body", cause?: unknown) {
    super(`Timed out after ${ms} ms: ${what}`, cause === undefined ? undefined : { cause });
    this.ms = ms;
  }
}

/** Thrown by a `tryX` call that would have had to wait. */
export class WouldBlock extends Error {
  /** The class name. */
  override readonly name: string = "WouldBlock";
}

/** Something was used after its owner closed it, or was closed while one waited on it. */
export class ClosedError extends Error {
  /** The class name. */
  override readonly name: string = "ClosedError";
}

/** A barrier was broken or reset while somebody waited at it, or before they came. */
export class BrokenBarrierError extends Error {
  /** The class name. */
  override readonly name: string = "BrokenBarrierError";
}

/** A second waiter at a place that serves one at a time. */
export class BusyError extends Error {
  /** The class name. */
  override readonly name: string = "BusyError";
}

/** Every task waits for another one and nothing outside can wake any: the message shows who for whom. */
export class DeadlockError extends Error {
  /** The class name. */
  override readonly name: string = "DeadlockError";
  /** Each closed circle of tasks that wait for one another, as names. */
  readonly cycles: readonly (readonly string[])[];

  /** Made by the scheduler, with its report as the message. */
  constructor(report: string, cycles: readonly (readonly string[])[]) {
    super(report);
    this.cycles = cycles;
  }
}

/** The errors of a group's body and children, all of them, even when there is one. */
export class GroupError extends AggregateError {
  /** The class name. */
  override readonly name: string = "GroupError";

  /** Made by {@linkcode group} when its children are done. */
  constructor(errors: readonly unknown[], group: string) {
    super(errors, `Cannot finish group "${printable(group)}": ${summary(errors)}`);
  }
}

/** An operation or a spawn came after its run, or its task, had ended. */
export class RunFinishedError extends Error {
  /** The class name. */
  override readonly name: string = "RunFinishedError";
}

/** A state weft itself promises never to reach: please report it. */
export class InternalError extends Error {
  /** The class name. */
  override readonly name: string = "InternalError";
}

/** One error as it is, several as one `AggregateError`: the rule of `run`, `joinAll` and `all`. */
export function combine(errors: readonly unknown[], what: string): unknown {
  if (errors.length === 1) return errors[0];
  return new AggregateError(errors, `Cannot finish ${what}: ${summary(errors)}`);
}

function summary(errors: readonly unknown[]): string {
  const texts = errors.slice(0, 3).map(errorText);
  const more = errors.length > 3 ? `, and ${errors.length - 3} more` : "";
  return `${errors.length} error${errors.length === 1 ? "" : "s"} (${texts.join("; ")}${more})`;
}

// -- Taking an error apart --

/** Stands for "no error is left", since `undefined` can be thrown, too. */
export const NOTHING: unique symbol = Symbol("nothing");

/** An error taken apart. */
export interface Parts {
  /** The cancel that was looked for, if it was there. */
  readonly cancel: Cancelled | null;
  /** The error without it; {@linkcode NOTHING} if that was all. */
  readonly rest: unknown;
}

/** Takes out of an error every cancel that `isOwn` knows. */
export function partCancel(error: unknown, isOwn: (leaf: unknown) => boolean): Parts {
  if (isOwn(error)) return { cancel: error as Cancelled, rest: NOTHING };
  if (partsOf(error) === null) return { cancel: null, rest: error };
  let cancel: Cancelled | null = null;
  const rest: unknown[] = [];
  for (const leaf of leavesOf(error)) {
    if (isOwn(leaf)) cancel ??= leaf as Cancelled;
    else rest.push(leaf);
  }
  if (cancel === null) return { cancel, rest: error };
  return { cancel, rest: rest.length === 0 ? NOTHING : rewrap(error as Error, rest) };
}

/** What is not a wrap, left to right; a wrap that holds itself counts as one. */
function leavesOf(error: unknown): unknown[] {
  const leaves: unknown[] = [];
  const seen = new Set<unknown>();
  const stack = [error];
  while (stack.length > 0) {
    const one = stack.pop();
    const parts = seen.has(one) ? null : partsOf(one);
    if (parts === null) {
      leaves.push(one);
    } else {
      seen.add(one);
      for (const part of [...parts].reverse()) stack.push(part);
    }
  }
  return leaves;
}

/** What a wrap of the language holds, or `null` for everything else. */
function partsOf(error: unknown): readonly unknown[] | null {
  try {
    if (error instanceof SuppressedError) return [error.error, error.suppressed];
    if (error instanceof AggregateError && error.errors.length > 0) return [...error.errors];
  } catch {
    // A getter of the user's: then it is no wrap of the language.
  }
  return null;
}

function rewrap(wrap: Error, errors: readonly unknown[]): unknown {
  if (errors.length === 1) return errors[0];
  if (wrap instanceof AggregateError) return new AggregateError(errors, wrap.message);
  return errors.reduceRight((suppressed, error) => new SuppressedError(error, suppressed));
}

/**
 * The errors of weft, told apart by whose doing they are.
 *
 * Wrong arguments use the built-in `TypeError` and `RangeError`. Each class below stands for a
 * condition a caller can act on. There is no common base: nobody wants to catch "any weft error",
 * and `Cancelled` must never be swallowed along with the rest.
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

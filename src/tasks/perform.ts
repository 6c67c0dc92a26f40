/**
 * Running whatever can be run, inside the current task: the common ground of every combinator.
 *
 * Users hand a timeout, a shield or a group an operation, a task, a promise, a generator function of
 * either lane, or a generator already made. All of it becomes one `yield*`. Work of the same lane
 * is delegated to; an `async function*` inside a `function*` gets a routine of its own within the
 * task, so that locks, locals and the current task stay the same.
 */
import { driveAsync } from "../kernel/async_routine.ts";
import { currentScope } from "../kernel/context.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { AsyncParty } from "../kernel/promised_wait.ts";
import { notWaitable, PromiseTrap } from "../kernel/trap.ts";
import type { WaitSource } from "../kernel/wait.ts";

/** A generator of either lane. */
export type EitherGenerator<T> = Generator<unknown, T, never> | AsyncGenerator<unknown, T, never>;

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

const asyncBody: WaitSource = {
  host: "none",
  nested: true,
  abandon: () => false,
  toString: () => "an async body",
};

/** Runs the work to its end within the current task; for `yield*` inside a sequence. */
export function* perform<T>(work: Work<T>): Generator<unknown, T, unknown> {
  return yield* begun(typeof work === "function" ? work() : work);
}

/** The same for work that may not have a body left to call. */
export function begun<T>(work: Exclude<Work<T>, () => unknown>): Iterable<unknown, T, unknown> {
  if (typeof work === "object" && work !== null) {
    if (Symbol.iterator in work) return work as Iterable<unknown, T, unknown>;
    if (Symbol.asyncIterator in work) return asyncPart(work);
    if ("then" in work) {
      const trap = new PromiseTrap(work);
      return operation<T>(trap, (wait) => trap.begin(wait)) as Iterable<unknown, T, unknown>;
    }
  }
  throw notWaitable(work);
}

function asyncPart<T>(generator: AsyncGenerator<unknown, T, never>): Iterable<unknown, T, unknown> {
  return operation<T>(asyncBody, (wait) => {
    const task = currentScope()!.task as unknown as AsyncParty;
    driveAsync(generator as AsyncIterator<unknown, T, unknown>, task, wait.scope!, wait);
    wait.park(asyncBody);
  }) as Iterable<unknown, T, unknown>;
}

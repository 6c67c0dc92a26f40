/**
 * Waits that give up: `event.wait(ms)` of Python beside the `withTimeout` of this library.
 *
 * Time running out is an answer here, and no error, so these waits need no `try` around them. For use
 * inside a sequence.
 */
import { Entered } from "../kernel/deadline.ts";
import { checkMs } from "../kernel/checks.ts";
import { type Operation, operation } from "../kernel/operation.ts";

/** Waits for `work`; when `ms` have passed first, evaluates to what `late` gives, or throws. */
export function* within<T, L>(
  ms: number,
  work: Iterable<unknown, T, unknown>,
  late: () => L,
): Generator<unknown, T | L, unknown> {
  using entered = new Entered({ ms: checkMs(ms, "a timeout") });
  try {
    return yield* work;
  } catch (error) {
    entered.absorb(error);
    return late();
  }
}

/** An operation as a `function*` inside a sequence waits for it. */
export function waitingFor<T>(work: Operation<T>): Iterable<unknown, T, unknown> {
  return work as Iterable<unknown, T, unknown>;
}

/** A checkpoint and nothing else. */
export function checkpoint(label: string): Iterable<unknown, void, unknown> {
  return waitingFor(operation<void>(label, (wait) => wait.settle()));
}

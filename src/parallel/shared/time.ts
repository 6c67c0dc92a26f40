/** Waits in shared memory that end after a time: then they give an answer, as in Python, and no error. */
import { Entered } from "../../kernel/deadline.ts";
import { checkMs } from "../../kernel/checks.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import { type Operation, sequence } from "../../kernel/operation.ts";

/** Waits for `work`, at most `ms` milliseconds if that is given; then evaluates to what `late` gives. */
export function within<T, L>(
  ms: number | undefined,
  label: string,
  work: () => Operation<T>,
  late: () => L,
): Operation<T | L> {
  if (ms === undefined) return work();
  checkMs(ms, "a timeout");
  return sequence<T | L>(label, function* () {
    using entered = new Entered({ ms });
    try {
      return yield* work();
    } catch (error) {
      entered.absorb(error);
      return late();
    }
  });
}

/** Calls `block`, and turns the end of its time into `false`. */
export function inTime(block: () => void): boolean {
  try {
    block();
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

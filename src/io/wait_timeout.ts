/**
 * The time limit of a parked wait: what a socket's `timeout` sets.
 *
 * A scope around each operation (`withTimeout`) would do the same for a whole `sequence`; for the
 * single wait of a `recv` a timer is enough, set only when the wait has parked.
 */
import { checkMs } from "../kernel/checks.ts";
import { TimeoutError } from "../kernel/errors.ts";
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

/** A socket's `timeout`: milliseconds, or `undefined` for none. */
export type Timeout = number | undefined;

/** Checks a timeout as it is set. */
export function checkTimeout(ms: Timeout, what: string): Timeout {
  return ms === undefined ? undefined : checkMs(ms, what);
}

/**
 * Ends `wait` with a `TimeoutError` after `ms`, unless it has ended by then.
 *
 * @param wait A wait parked on `source`.
 * @param source Forgets the wait when the time is up.
 * @param ms The time allowed.
 * @param expired Called with the error before it is thrown.
 */
export function startTimeout(
  wait: Wait,
  source: WaitSource,
  ms: number,
  expired?: (error: TimeoutError) => void,
): Timer {
  return wait.scope!.task.timers.after(ms, () => {
    if (wait.done) return;
    const error = new TimeoutError(ms, String(source));
    expired?.(error);
    if (source.abandon(wait)) wait.fail(error);
  });
}

/** Forgets the limit of a wait. */
export function stopTimeout(wait: Wait, timer: Timer | null): void {
  if (timer !== null) wait.scope!.task.timers.cancel(timer);
}

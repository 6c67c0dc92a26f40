/** Letting time pass, and letting others go first. */
import { checkMs } from "../kernel/checks.ts";
import { CEDES, type Operation, operation } from "../kernel/operation.ts";
import type { Timer } from "../kernel/timers.ts";
import { cedeTrap } from "../kernel/trap.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

/** A sleep under way. */
class Sleeping implements WaitSource {
  readonly host = "none";
  readonly #ms: number;
  readonly #timer: Timer;

  constructor(ms: number, wait: Wait<void>) {
    this.#ms = ms;
    this.#timer = wait.scope!.task.timers.after(ms, () => wait.settle());
  }

  abandon(wait: Wait): boolean {
    wait.scope!.task.timers.cancel(this.#timer);
    return true;
  }

  toString(): string {
    return `sleep(${this.#ms})`;
  }
}

/**
 * Sleeps for `ms` milliseconds, at least. Sleepers wake in the order of their deadlines; those with the
 * same deadline in the order in which they fell asleep. `sleep(0)` waits for the next look at the
 * timers; to let others go first, use {@linkcode cede}. `sleep(Infinity)` waits for a cancel.
 *
 * @example On the virtual clock it takes no time
 * ```ts
 * import { run, sleep } from "@weft/weft";
 * import { VirtualClock } from "@weft/weft/testing";
 * const clock = new VirtualClock();
 * await run(async function* () {
 *   yield* sleep(3_600_000);
 * }, { clock });
 * if (clock.now() !== 3_600_000) throw new Error("overslept");
 * ```
 *
 * @param ms How long, in milliseconds.
 * @returns An operation; a cancel ends the sleep at once.
 * @throws {RangeError} If `ms` is negative or not a number.
 */
export function sleep(ms: number): Operation<void> {
  checkMs(ms, "a time to sleep");
  return operation("sleep()", (wait: Wait<void>) => wait.park(new Sleeping(ms, wait)));
}

/**
 * Goes to the back of the ready queue: every task that is ready now gets a turn first. A bare `yield`
 * does the same for less.
 *
 * @returns An operation that is a checkpoint and nothing else.
 */
export function cede(): Operation<void> {
  return operation<void>(cedeTrap, (wait) => cedeTrap.begin(wait), CEDES);
}

/** Checks of the numbers that users hand to a pool. */
import { checkFinite, checkMs } from "../kernel/checks.ts";

/**
 * A time limit as it travels: 0 stands for none.
 *
 * @throws {RangeError} If it is no time.
 */
export function checkLimit(ms: number | undefined): number {
  if (ms === undefined) return 0;
  checkMs(ms, "a time limit");
  return ms === Infinity ? 0 : Math.max(1, Math.ceil(ms));
}

/**
 * A priority: any finite number.
 *
 * @throws {RangeError} If it is none.
 */
export function checkPriority(priority: number): number {
  return checkFinite(priority, "a priority");
}

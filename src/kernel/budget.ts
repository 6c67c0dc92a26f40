/**
 * The budget of a step: how many operations that need not wait a task may do before others have a turn.
 *
 * To go to the back of the ready queue for a lock that is free costs more than the lock, and lets others in
 * who gain nothing by it. But a loop over such operations would starve everybody. So a step has a budget, as
 * in tokio: so many operations, and no longer than the slice lasts. Whatever does wait begins anew.
 *
 * The clock is read after 16 and after 32 operations, since that costs as much as an operation. Once a task was
 * found to overdraw its slice, because it computes for long between two of them, it is read after each of the
 * next ones: so the second time it overdraws by one.
 *
 * A run whose interleavings are to be seen or replayed (a seed, a policy, steps by hand) has no budget: there
 * every operation is a schedule point.
 */
import type { CancelScope } from "./scope.ts";

/** How many operations a step may do at once. */
export const BUDGET = 32;

/** The step that runs just now; there is only one at a time, whatever run it belongs to. */
export const spent: {
  /** How much of {@linkcode BUDGET} is gone. */
  operations: number;
  /** After how many operations to come the clock is read each time. */
  closely: number;
} = { operations: BUDGET, closely: 0 };

/** A run, as a step asks it for more. */
export interface BudgetHost {
  /** Whether steps of this run have a budget at all. */
  readonly hasBudget: boolean;
  /** Whether the slice still lasts. */
  inSlice(): boolean;
}

/** Whether code that runs in `scope` may do one more operation without a turn, if that need not wait. */
export function mayGoOn(scope: CancelScope): boolean {
  const operations = ++spent.operations;
  if (operations > BUDGET) return false;
  if ((operations & 15) !== 0 && spent.closely === 0) return true;
  const inSlice = scope.task.host.inSlice();
  if (!inSlice) spent.closely = BUDGET;
  else if (spent.closely > 0) spent.closely--;
  return inSlice;
}

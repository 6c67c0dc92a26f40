/** How a job is to be treated, checked. */
import { checkOneOf, checkString, checkWhole, COUNT } from "../../kernel/checks.ts";
import { checkLimit, checkPriority } from "../../parallel/checks.ts";
import type { JobDemand } from "../../parallel/pool/job.ts";
import type { CancelPolicy } from "../../parallel/pool/future.ts";
import type { ClusterJobOptions, ClusterOptions } from "./options.ts";

/** How a job of a cluster is to be treated. */
export interface ClusterDemand extends JobDemand {
  /** How often it may be started. */
  readonly maxAttempts: number;
  /** The word of those that run one after another; `null` for none. */
  readonly order: string | null;
}

const POLICIES = ["wait", "flag", "kill"] as const satisfies readonly CancelPolicy[];

/** What jobs get that demand nothing. */
export function usualDemand(options: ClusterOptions): ClusterDemand {
  const { timeout, onCancel = "kill", maxAttempts = 5 } = options;
  return {
    limit: checkLimit(timeout),
    onCancel: checkOneOf(onCancel, POLICIES, "onCancel"),
    priority: 0,
    maxAttempts: checkAttempts(maxAttempts),
    order: null,
  };
}

/** What a job gets that demands something. */
export function demandOf(usual: ClusterDemand, options: ClusterJobOptions): ClusterDemand {
  const { timeout, onCancel, priority, maxAttempts, order } = options;
  return {
    limit: timeout === undefined ? usual.limit : checkLimit(timeout),
    onCancel: onCancel === undefined ? usual.onCancel : checkOneOf(onCancel, POLICIES, "onCancel"),
    priority: priority === undefined ? usual.priority : checkPriority(priority),
    maxAttempts: maxAttempts === undefined ? usual.maxAttempts : checkAttempts(maxAttempts),
    order: order === undefined ? usual.order : checkString(order, "a word for an order"),
  };
}

function checkAttempts(count: number): number {
  return checkWhole(count, "use", "as the most attempts", { ...COUNT, most: 1_000_000 });
}

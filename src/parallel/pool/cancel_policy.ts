/** What becomes of a job that runs when its future is cancelled. */

/**
 * What a cancel does to a job that runs. Its future settles at once in any case, and a job that has not
 * begun is dropped.
 *
 * - `"wait"`: nothing. The job is let finish, and its result is dropped; its worker is busy until then.
 * - `"flag"`: it is told to stop: its `jobSignal` aborts, and a task body gets a `Cancelled` at its
 *   wait. Its worker is kept, however long that takes.
 * - `"kill"`: it is told to stop; if it has not within `grace`, its worker is given up and another takes
 *   its place. Tasks that share a worker given up fail with it. A task body that has heard is left to
 *   its clean-up.
 */
export type CancelPolicy = "wait" | "flag" | "kill";

/** Checks what a user has chosen. */
export function checkPolicy(policy: CancelPolicy): CancelPolicy {
  if (policy === "wait" || policy === "flag" || policy === "kill") return policy;
  throw new TypeError(
    `Cannot use ${JSON.stringify(policy)} as onCancel: it must be "wait", "flag" or "kill"`,
  );
}

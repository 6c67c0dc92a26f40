/** What goes wrong between a program and its cluster. */
import { messageText, printable } from "../../kernel/printable.ts";
import type { FailureCode } from "../wire/protocol.ts";

/**
 * The cluster cannot be used: its server was not reached in time, refused the user, has no JetStream or
 * no quorum, or refused to store something. What the client or the server said is the `cause`.
 */
export class ClusterError extends Error {
  /** `"ClusterError"`. */
  override readonly name = "ClusterError";
}

/**
 * A job could not be carried out, for a reason that is not its function's. The `code` says which:
 *
 * - `"unknown"`: no node was started with a module of this version that has such a function;
 * - `"unreadable"`: a node could make nothing of its arguments;
 * - `"unsendable"`: what it returned cannot travel;
 * - `"attempts"`: it was started as often as it may be, and never ended, as where it takes its
 *   worker or its node down with it. The `history` names each start.
 */
export class JobFailedError extends Error {
  /** `"JobFailedError"`. */
  override readonly name = "JobFailedError";
  /** Why. */
  readonly code: FailureCode;
  /** What happened to it before, the oldest first. */
  readonly history: readonly string[];

  /** Says why a job could not be carried out. */
  constructor(code: FailureCode, message: string, history: readonly string[] = []) {
    super(message);
    this.code = code;
    this.history = history;
  }
}

/** An error of the cluster, with what the client or the server said. */
export function clusterError(what: string, cause?: unknown): ClusterError {
  if (cause === undefined) return new ClusterError(what);
  return new ClusterError(`${what}: ${printable(messageText(cause))}`, { cause });
}

/**
 * A job that a node has: from its delivery until the server may forget it.
 *
 * `buffered` → `starting` (what is stored about it is read) → `running` (its function) → `storing` (its
 * result) → `over`. A cancel may come in each of them; the same job may be delivered again in each of them,
 * too, after a server was killed or a lease has run out. It is not run twice at the same time then: only what
 * is said to the server goes by the newer delivery.
 */
import type { CancelPolicy, Future } from "../../parallel/pool/future.ts";
import { type JobKey, keyText } from "../wire/names.ts";
import type { JobHead } from "../wire/protocol.ts";
import type { Answers, Delivery } from "./delivery.ts";

/** Where a held job is. */
export type HeldState = "buffered" | "starting" | "running" | "storing" | "over";

/** One job. */
export class HeldJob {
  /** Its key. */
  readonly key: JobKey;
  /** Its key as text. */
  readonly text: string;
  /** What is said of it. */
  readonly head: JobHead;
  /** Its body; empty where that is an object. */
  readonly data: Uint8Array;
  /** Its class, as a priority for the pool. */
  readonly priority: number;
  /** What can be said of it. */
  answers: Answers;
  /** Where it is. */
  state: HeldState = "buffered";
  /** Its future, while it runs. */
  future: Future<unknown> | null = null;
  /** Why it is not wanted any more. */
  cancelled: { readonly reason: unknown } | null = null;

  /** A job that has just come. */
  constructor({ key, head, data, answers, jobClass }: Delivery) {
    this.key = key;
    this.text = keyText(key);
    this.head = head;
    this.data = data;
    this.priority = jobClass === "high" ? 1 : jobClass === "low" ? -1 : 0;
    this.answers = answers;
  }

  /** Notes that it is not wanted, and stops it if it runs. */
  cancel(policy: CancelPolicy, reason: unknown): void {
    if (this.cancelled !== null || this.state === "storing" || this.state === "over") return;
    if (this.state === "running" && policy === "wait") return;
    this.cancelled = { reason };
    this.future?.cancel(reason, policy);
  }
}

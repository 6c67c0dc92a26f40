/**
 * The jobs that a node has: each from its delivery until the server may forget it.
 *
 * `buffered` → `starting` (what is stored about it is read) → `running` (its function) → `storing` (its
 * result) → `over`. A cancel may come in each of them; the same job may be delivered again in each of them,
 * too, after a server was killed or a lease has run out. It is not run twice at the same time then: only what
 * is said to the server goes by the newer delivery.
 */
import { Deque } from "../../internal/deque.ts";
import type { CancelPolicy, Future } from "../../parallel/pool/future.ts";
import { CLASSES, type JobClass, type JobKey, keyText } from "../wire/names.ts";
import type { JobHead } from "../wire/protocol.ts";
import type { Answers, Delivery } from "./delivery.ts";

/** Where a held job is. */
export type HeldState = "buffered" | "starting" | "running" | "storing" | "over";

/** A job, and where it stands. */
export class HeldJob {
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

/** All of them; those that have not begun wait in a buffer for each class. */
export class HeldJobs implements Iterable<HeldJob> {
  readonly #all = new Map<string, HeldJob>();
  readonly #buffers: Readonly<Record<JobClass, Deque<HeldJob>>> = {
    high: new Deque(),
    normal: new Deque(),
    low: new Deque(),
  };

  /** How many there are. */
  get size(): number {
    return this.#all.size;
  }

  /** How many have not begun. */
  get buffered(): number {
    return CLASSES.reduce((sum, jobClass) => sum + this.bufferedOf(jobClass), 0);
  }

  /** How many of a class have not begun. */
  bufferedOf(jobClass: JobClass): number {
    return this.#buffers[jobClass].size;
  }

  /** The job of that key, if this node has it. */
  get(key: JobKey): HeldJob | undefined {
    return this.#all.get(keyText(key));
  }

  /** Takes note of a job. */
  add(job: HeldJob): void {
    this.#all.set(job.text, job);
  }

  /** Puts a job behind those of its class that have not begun. */
  buffer(jobClass: JobClass, job: HeldJob): void {
    this.#buffers[jobClass].push(job);
  }

  /** Takes the next that has not begun out of its buffer, the most urgent class first. */
  next(): HeldJob | undefined {
    for (const jobClass of CLASSES) {
      for (let job; (job = this.#buffers[jobClass].shift()) !== undefined;) {
        if (job.state === "buffered") return job;
      }
    }
    return undefined;
  }

  /** Forgets a job. */
  delete(job: HeldJob): void {
    this.#all.delete(job.text);
  }

  /** Gives all of them up: others will get them. */
  loseAll(): void {
    for (const job of this.#all.values()) job.state = "over";
    this.#all.clear();
  }

  /** Every one, in the order of delivery. */
  [Symbol.iterator](): Iterator<HeldJob> {
    return this.#all.values();
  }
}

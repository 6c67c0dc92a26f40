/**
 * A job of a cluster: a job of a pool, its future included, with a key and a place on the way to a server.
 */
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import { Job, type JobTerms } from "../../parallel/pool/job.ts";
import type { ProgressStream } from "../../parallel/pool/progress_stream.ts";
import type { JobKind } from "../../parallel/pool/job_kinds.ts";
import { classOf, type JobClass, type JobKey, keyText } from "../wire/names.ts";
import type { ClusterDemand, ClusterFuture } from "./options.ts";

/**
 * Where it is: behind another of its order, in the line, on its way to the server, stored; or it is
 * another submitter's and only waited for here.
 */
export type ClusterJobStage = "held" | "waiting" | "storing" | "stored" | "foreign";

/** How a job is to be treated, and who is told of it. */
export interface ClusterTerms extends JobTerms, ClusterDemand {
  /** It has ended. */
  over(job: ClusterJob): void;
  /** Somebody wants to read what it reports. */
  wanted(job: ClusterJob): void;
}

const nothing: readonly unknown[] = [];

/** One call, on its way through a cluster. */
export class ClusterJob extends Job implements ClusterFuture<unknown> {
  /** How it is to be treated. */
  declare readonly terms: ClusterTerms;
  /** By this it is found again. */
  readonly key: string;
  /** The same, in parts. */
  readonly parts: JobKey;
  jobClass: JobClass;
  /** Its arguments as bytes, until it has settled. */
  body: Uint8Array | null;
  /** How often it was stored before. */
  again = 0;
  /** When it was stored last. */
  storedAt = 0;
  /** How often, one time after another, nobody said that he has it. */
  silent = 0;
  /** Whether its arguments are an object of their own. */
  large = false;
  /** Where it is. */
  stage: ClusterJobStage = "waiting";
  /** Its number in the stream, once it is stored. */
  seq = 0;
  /** When it was handed in, or stored, or last looked after. */
  seenAt: number = performance.now();
  #accepts: WaitQueue<void> | null = null;

  /** A job that is in no line yet. */
  constructor(kind: JobKind, terms: ClusterTerms, parts: JobKey, body: Uint8Array | null) {
    super(kind, nothing, terms);
    this.parts = parts;
    this.key = keyText(parts);
    this.jobClass = classOf(terms.priority);
    this.body = body;
  }

  /** Whether a node may have begun it. */
  override get running(): boolean {
    return !this.done && (this.stage === "stored" || this.stage === "foreign");
  }

  /** What it reports. */
  override progress<P>(): ProgressStream<P> {
    this.terms.wanted(this);
    return super.progress<P>();
  }

  /** Waits until it is stored. */
  accepted(): Operation<void> {
    const accepts = this.#accepts ??= new WaitQueue<void>(this, "accepted", "bound");
    return operation(accepts, (wait: Wait<void>) => {
      if (this.stage === "stored" || this.stage === "foreign" || this.successful) wait.settle();
      else if (this.done) wait.fail(this.error);
      else accepts.park(wait);
    });
  }

  /** The server has it. */
  stored(seq: number): void {
    this.stage = "stored";
    this.seq = seq;
    this.seenAt = this.storedAt = performance.now();
    this.silent = 0;
    this.#accepts?.wakeAll();
  }

  override succeed(value: unknown): void {
    if (this.done) return;
    super.succeed(value);
    this.#leave();
  }

  override fail(error: unknown): void {
    if (this.done) return;
    super.fail(error);
    this.#leave();
  }

  override end(source: "explicit" | "shutdown", reason: unknown): void {
    if (this.done) return;
    super.end(source, reason);
    this.#leave();
  }

  #leave(): void {
    this.body = null;
    if (this.#accepts !== null && this.stage !== "stored") {
      if (this.successful) this.#accepts.wakeAll();
      else this.#accepts.failAll(this.error);
    }
    this.terms.over(this);
  }
}

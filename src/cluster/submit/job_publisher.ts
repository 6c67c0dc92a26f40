/**
 * Jobs on their way to the server, and off it again when they are cancelled.
 *
 * A job keeps its bytes until it has ended: should the server have lost it (a power cut can
 * cost what was not synced), it is stored anew.
 */
import type { CancelPolicy } from "../../parallel/pool/future.ts";
import { printable } from "../../kernel/printable.ts";
import { encode } from "../codec/encode.ts";
import { ClusterError } from "../link/errors.ts";
import { headOnly, headSigned, headWithId } from "../link/raw_headers.ts";
import { NOT_PERMITTED, type PublishAnswer, TOO_LARGE } from "../link/publisher.ts";
import { moduleHash } from "../wire/job_hash.ts";
import { CLASSES } from "../wire/names.ts";
import {
  formatCancelHead,
  formatJobHead,
  formatResultHead,
  HEAD,
  parseJobHead,
} from "../wire/protocol.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { ServerConnection } from "./server_connection.ts";

/** The server finds a message too large, in its own words. */
const TOO_BIG = 10054;
/** Between two tries to store a large body, in milliseconds. */
const AGAIN_MS = 1000;

const empty = new Uint8Array();

/** What becomes of a job that was sent. */
export interface JobPublisherOwner {
  /** There may be room for another. */
  pumpSoon(): void;
  /** Something is under way that should be finished before the connection is closed. */
  errand(work: Promise<unknown>): void;
  /** Who submits. */
  readonly submitter: string;
}

/** Sends the jobs of one submitter. */
export class JobPublisher {
  /** Jobs that were stored anew. */
  restored = 0;
  /** What the server last refused to store a job for, although it may do so later. */
  lastRefusal: string | null = null;
  readonly #connection: ServerConnection;
  readonly #owner: JobPublisherOwner;

  /** Has sent nothing. */
  constructor(connection: ServerConnection, owner: JobPublisherOwner) {
    this.#connection = connection;
    this.#owner = owner;
  }

  /** Has a job stored. */
  store(job: ClusterJob): void {
    job.stage = "storing";
    const { names, inline } = this.#connection.link;
    job.large = job.body!.length > inline;
    if (!job.large) this.#publish(job, job.body!, null);
    else this.#owner.errand(this.#storeLarge(job, names.argumentsObject(job.parts)));
  }

  /** Has a job stored once more, which the server has lost. */
  restore(job: ClusterJob): void {
    this.restored++;
    job.again++;
    this.store(job);
  }

  /** Has a job stored once more that nobody has, and deletes what was stored before. */
  async renew(job: ClusterJob): Promise<void> {
    const { manager, names } = this.#connection.link;
    const subject = names.job(job.jobClass, job.parts);
    const found = await manager.direct.getMessage(names.jobs(job.jobClass), {
      last_by_subj: subject,
    });
    const before = found === null ? null : parseJobHead(found.header?.get(HEAD) ?? "");
    if (found === null || before === null || job.done) return;
    const again = before.again + 1;
    const head = formatJobHead({ ...before, again });
    const headers = headWithId(head, `${job.key}~${again}`);
    const answer = await new Promise<PublishAnswer>((resolve) =>
      this.#connection.publisher.publish(subject, found.data, headers, resolve)
    );
    if (answer.kind === "refused") return;
    this.restored++;
    job.again = again;
    if (job.stage === "foreign") job.seq = answer.seq;
    else if (!job.done) job.stored(answer.seq);
    await manager.streams.deleteMessage(names.jobs(job.jobClass), found.seq);
    if (job.cancelled) await this.#delete(job, answer.seq);
  }

  /** Takes a job off the server: nothing further of it begins, and what runs is told to stop. */
  withdraw(job: ClusterJob, reason: unknown, policy: CancelPolicy): void {
    const body = encodeReason(reason);
    const { link } = this.#connection;
    const headers = headOnly(formatCancelHead(policy));
    if (link.up) link.nc.publish(link.names.cancel(job.parts), body, { headers });
    this.#owner.errand(this.#storeCancelled(job, body));
    this.clear(job, null);
    if (job.seq > 0) this.#owner.errand(this.#delete(job, job.seq));
  }

  /** Removes what large bodies of a job there were. */
  clear(job: ClusterJob, resultObject: string | null): void {
    const { objects, link } = this.#connection;
    if (job.large) this.#owner.errand(objects.remove(link.names.argumentsObject(job.parts)));
    if (resultObject !== null) this.#owner.errand(objects.remove(resultObject));
  }

  /** Finds out in which class a job is stored that somebody else submitted. Returns whether it is. */
  async locate(job: ClusterJob): Promise<boolean> {
    const { manager, names } = this.#connection.link;
    for (const jobClass of CLASSES) {
      const found = await manager.direct.getMessage(names.jobs(jobClass), {
        last_by_subj: names.job(jobClass, job.parts),
      });
      if (found === null) continue;
      job.jobClass = jobClass;
      job.seq = found.seq;
      job.large = (parseJobHead(found.header?.get(HEAD) ?? "")?.object ?? null) !== null;
      return true;
    }
    return false;
  }

  /** Whether the server still has a job that was stored. */
  async isStored(job: ClusterJob): Promise<boolean> {
    const { manager, names } = this.#connection.link;
    const found = await manager.direct.getMessage(names.jobs(job.jobClass), {
      last_by_subj: names.job(job.jobClass, job.parts),
    });
    return found !== null;
  }

  async #storeLarge(job: ClusterJob, object: string): Promise<void> {
    while (!job.done && this.#connection.link.ended === null) {
      try {
        await this.#connection.objects.put(object, job.body!);
        break;
      } catch (error) {
        this.lastRefusal = String(error);
        await this.#connection.link.pause(AGAIN_MS);
      }
    }
    if (job.done) return this.#connection.objects.remove(object);
    this.#publish(job, empty, object);
  }

  #publish(job: ClusterJob, body: Uint8Array, object: string | null): void {
    const { names } = this.#connection.link;
    const { kind, terms } = job;
    const head = formatJobHead({
      name: kind.name,
      hash: moduleHash(kind.address.url),
      timeout: terms.limit,
      maxAttempts: terms.maxAttempts,
      again: job.again,
      object,
    });
    const headers = headWithId(head, job.again === 0 ? job.key : `${job.key}~${job.again}`);
    const subject = names.job(job.jobClass, job.parts);
    this.#connection.publisher.publish(
      subject,
      body,
      headers,
      (answer) => this.#answered(job, answer),
    );
  }

  #answered(job: ClusterJob, answer: PublishAnswer): "again" | void {
    this.#owner.pumpSoon();
    if (answer.kind === "stored") {
      if (!job.done) job.stored(answer.seq);
      else if (job.cancelled) this.#owner.errand(this.#delete(job, answer.seq));
      return;
    }
    if (job.done) return;
    if (answer.code === NOT_PERMITTED || answer.code === TOO_LARGE || answer.code === TOO_BIG) {
      return job.fail(
        new ClusterError(`Cannot store job "${job}": the server says: ${printable(answer.why)}`),
      );
    }
    this.lastRefusal = answer.why;
    return "again";
  }

  async #storeCancelled(job: ClusterJob, body: Uint8Array): Promise<void> {
    const { link: { names }, publisher, signer } = this.#connection;
    const subject = names.result(job.parts);
    const text = formatResultHead({
      status: "cancelled",
      attempt: 0,
      node: this.#owner.submitter,
      ms: 0,
      object: null,
    });
    const headers = signer === null
      ? headOnly(text)
      : headSigned(text, await signer.sign(subject, text, body));
    // A refusal says that the job had ended before.
    await new Promise<void>((resolve) =>
      publisher.publish(subject, body, headers, () => resolve())
    );
  }

  async #delete(job: ClusterJob, seq: number): Promise<void> {
    const { manager, names } = this.#connection.link;
    await manager.streams.deleteMessage(names.jobs(job.jobClass), seq);
  }
}

/** A reason as it travels; what cannot travel goes as text. */
function encodeReason(reason: unknown): Uint8Array {
  try {
    return encode(reason);
  } catch {
    return encode(printable(reason));
  }
}

/**
 * Finding out who has a job, where its result is late.
 *
 * A server that was killed begins every lease anew, and may have forgotten a job; so the lease alone does not
 * bring a job back whose node is gone, as long as servers are killed more often than leases run out. Nodes
 * know what they have, and say so when they are asked. A job that was delivered, and that nobody claims
 * twice in a row, is stored once more. At worst it runs a second time; the first result counts.
 */
import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Link } from "../link/link.ts";
import { headOnly } from "../link/raw_headers.ts";
import { CLASSES, DURABLE, keyText } from "../wire/names.ts";
import { HEAD, isBareHead, PROTOCOL } from "../wire/protocol.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { JobPublisher } from "./job_publisher.ts";

/** A job is asked for no sooner than this after it was stored, in milliseconds. */
const LATE_MS = 5000;
/** Nodes have so long to answer, in milliseconds. */
const ANSWER_MS = 500;
/** So often nobody must claim a job. */
const SILENCES = 2;

const empty = new Uint8Array();

/** Asks for jobs. */
export class Claims {
  readonly #link: Link;
  readonly #heard = new Set<string>();
  #claims: Subscription | null = null;

  /** Asks for nothing yet. */
  constructor(link: Link) {
    this.#link = link;
  }

  /** Asks for those of the jobs that are late and were delivered, and stores anew what nobody has. */
  async check(jobs: readonly ClusterJob[], publisher: JobPublisher): Promise<void> {
    const now = performance.now();
    const late = await this.#delivered(jobs.filter(({ storedAt }) => now - storedAt >= LATE_MS));
    if (late.length === 0) return;
    const { nc, names, up } = this.#link;
    this.#claims ??= nc.subscribe(names.claim({ submitter: "*", id: "*" }), {
      callback: (error, msg) => {
        if (error === null) this.#hear(msg);
      },
    });
    this.#heard.clear();
    if (!up) return;
    for (const job of late) {
      nc.publish(names.question(job.parts), empty, { headers: headOnly(PROTOCOL) });
    }
    await this.#link.pause(ANSWER_MS);
    if (!this.#link.up) return;
    for (const job of late) {
      if (job.done || !job.running) continue;
      job.silent = this.#heard.has(job.key) ? 0 : job.silent + 1;
      if (job.silent < SILENCES) continue;
      job.silent = 0;
      await publisher.renew(job);
    }
  }

  #hear(msg: Msg): void {
    const key = this.#link.names.parseAbout("h", msg.subject);
    if (key !== null && isBareHead(msg.headers?.get(HEAD) ?? "")) this.#heard.add(keyText(key));
  }

  /** Those that the consumer has given to somebody, or thinks that it has; the others are only queued. */
  async #delivered(jobs: readonly ClusterJob[]): Promise<ClusterJob[]> {
    const found: ClusterJob[] = [];
    for (const jobClass of CLASSES) {
      const some = jobs.filter((job) => job.jobClass === jobClass && job.seq > 0);
      if (some.length === 0) continue;
      const { manager, names } = this.#link;
      const { delivered } = await manager.consumers.info(names.jobs(jobClass), DURABLE);
      found.push(...some.filter(({ seq }) => seq <= delivered.stream_seq));
    }
    return found;
  }
}

/**
 * What jobs report while they run, where somebody wants to read it.
 *
 * One subscription serves all jobs of the submitter; a job of another has one of its own, until it has
 * ended. Anybody may publish on these subjects who may publish there at all, so what is no report is
 * dropped, and a report says nothing of the result.
 */
import type { Msg, Subscription } from "@nats-io/transport-node";
import { report } from "../../parallel/pool/progress_stream.ts";
import { decode } from "../codec/decode.ts";
import type { Link } from "../link/link.ts";
import { keyText } from "../wire/names.ts";
import { HEAD, parseProgressHead } from "../wire/protocol.ts";
import type { ClusterJob } from "./cluster_job.ts";

/** Listens for reports. */
export class ProgressSubscription {
  readonly #submitter: string;
  /** Jobs whose reports somebody wants, by key. */
  readonly #wanted = new Map<string, ClusterJob>();
  readonly #foreign = new Map<string, Subscription>();
  #link: Link | null = null;
  #own: Subscription | null = null;

  /** Listens for nothing yet. */
  constructor(submitter: string) {
    this.#submitter = submitter;
  }

  /** From now on there is a connection. */
  open(link: Link): void {
    this.#link = link;
    for (const job of this.#wanted.values()) this.#listen(job);
  }

  /** Somebody wants to read what a job reports. */
  want(job: ClusterJob): void {
    if (job.done || this.#wanted.has(job.key)) return;
    this.#wanted.set(job.key, job);
    this.#listen(job);
  }

  /** A job has ended. */
  over(job: ClusterJob): void {
    if (!this.#wanted.delete(job.key)) return;
    const subscription = this.#foreign.get(job.key);
    this.#foreign.delete(job.key);
    if (this.#link !== null && !this.#link.nc.isClosed()) subscription?.unsubscribe();
  }

  #listen(job: ClusterJob): void {
    if (this.#link === null || this.#link.nc.isClosed() || this.#link.nc.isDraining()) return;
    if (job.stage === "foreign") this.#foreign.set(job.key, this.#subscribe(this.#link, job.parts));
    else this.#own ??= this.#subscribe(this.#link, { submitter: this.#submitter, id: "*" });
  }

  #subscribe({ nc, names }: Link, key: { submitter: string; id: string }): Subscription {
    return nc.subscribe(names.progress(key), {
      callback: (error, msg) => {
        if (error === null) this.#hear(msg);
      },
    });
  }

  #hear(msg: Msg): void {
    const key = this.#link!.names.parseAbout("p", msg.subject);
    const job = key === null ? undefined : this.#wanted.get(keyText(key));
    if (job === undefined || parseProgressHead(msg.headers?.get(HEAD) ?? "") === null) return;
    let value: unknown;
    try {
      value = decode(msg.data);
    } catch {
      return; // no value: somebody else's message
    }
    report(job, value);
  }
}

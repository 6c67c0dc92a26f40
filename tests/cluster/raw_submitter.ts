/** A submitter by hand, for tests of nodes: it says what the protocol says, and shows what is stored. */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type NatsConnection } from "@nats-io/transport-node";
import { decode } from "../../src/cluster/codec/decode.ts";
import { encode } from "../../src/cluster/codec/encode.ts";
import { moduleHash } from "../../src/cluster/wire/job_hash.ts";
import { DURABLE, type JobClass, keyText, Names } from "../../src/cluster/wire/names.ts";
import {
  formatCancelHead,
  formatJobHead,
  HEAD,
  type JobHead,
  MESSAGE_ID,
  parseResultHead,
  type ResultHead,
} from "../../src/cluster/wire/protocol.ts";
import { until } from "../lib/nats_server.ts";

/** Where the jobs of these tests are. */
export const MODULE = import.meta.resolve("./fixtures/node_jobs.ts");

/** How a raw job may differ. */
export interface RawOptions extends Partial<JobHead> {
  /** Its class. */
  jobClass?: JobClass;
  /** Its body, instead of the list of arguments. */
  body?: Uint8Array;
  /** Its head, whatever it says. */
  raw?: string;
}

/** One connection that plays submitter. */
export class RawSubmitter implements AsyncDisposable {
  readonly names = new Names("lab");
  readonly #nc: NatsConnection;
  #next = 0;

  private constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  /** Connects. */
  static async connect(servers: string): Promise<RawSubmitter> {
    return new RawSubmitter(await connect({ servers }));
  }

  get nc(): NatsConnection {
    return this.#nc;
  }

  /** Stores a job and gives its id. */
  async submit(name: string, args: readonly unknown[], options: RawOptions = {}): Promise<string> {
    const { jobClass = "normal", body = encode(args), raw, ...head } = options;
    const id = `job${this.#next++}`;
    const hash = moduleHash(MODULE);
    const heads = headers();
    heads.set(
      HEAD,
      raw ??
        formatJobHead({ name, hash, timeout: 0, maxAttempts: 3, again: 0, object: null, ...head }),
    );
    heads.set(MESSAGE_ID, keyText({ submitter: "raw", id }));
    const subject = this.names.job(jobClass, { submitter: "raw", id });
    await jetstream(this.#nc).publish(subject, body, { headers: heads });
    return id;
  }

  /** Cancels a job. */
  cancel(id: string, policy: "wait" | "flag" | "kill", reason: unknown): void {
    const heads = headers();
    heads.set(HEAD, formatCancelHead(policy));
    this.#nc.publish(this.names.cancel({ submitter: "raw", id }), encode(reason), {
      headers: heads,
    });
  }

  /** The result of a job, once it is stored. */
  async result(id: string): Promise<{ readonly head: ResultHead; readonly value: unknown }> {
    let found: { head: ResultHead; value: unknown } | null = null;
    await until(async () => (found = await this.stored(id)) !== null, `there is a result of ${id}`);
    return found!;
  }

  /** The stored result of a job, if there is one. */
  async stored(id: string): Promise<{ head: ResultHead; value: unknown } | null> {
    const manager = await jetstreamManager(this.#nc);
    const found = await manager.direct.getMessage(this.names.results, {
      last_by_subj: this.names.result({ submitter: "raw", id }),
    });
    if (found === null) return null;
    const head = parseResultHead(found.header.get(HEAD))!;
    return { head, value: head.object === null ? decode(found.data) : null };
  }

  /** How many jobs of a class are stored. */
  async left(jobClass: JobClass = "normal"): Promise<number> {
    const manager = await jetstreamManager(this.#nc);
    return (await manager.streams.info(this.names.jobs(jobClass))).state.messages;
  }

  /** How many jobs of a class have not been delivered. */
  async pending(jobClass: JobClass = "normal"): Promise<number> {
    const manager = await jetstreamManager(this.#nc);
    return (await manager.consumers.info(this.names.jobs(jobClass), DURABLE)).num_pending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nc.drain();
  }
}

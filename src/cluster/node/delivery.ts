/**
 * A job's message as a node got it, and what the node can say of it.
 *
 * Neither its subject nor its reply subject is believed. Anybody who knows a node's inbox could send it a
 * message with any of the two; so both are taken apart, and what the server is told is told on a subject
 * that is built of the parts.
 */
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { DURABLE, type JobClass, type JobKey, type Names } from "../wire/names.ts";
import { HEAD, type JobHead, parseJobHead } from "../wire/protocol.ts";

/** What is said without any more. */
const [ACK, WORKING, NAK, TERM] = ["+ACK", "+WPI", "-NAK", "+TERM"].map((word) =>
  new TextEncoder().encode(word)
) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** A reply subject as servers without a domain give it: the most common, told by one look. */
const USUAL = /^\$JS\.ACK\.([A-Za-z0-9_-]+)\.([a-z]+)\.([0-9]{1,20})(?:\.[0-9]{1,20}){4}$/;
const NUMBER = /^[0-9]{1,20}$/;
const TOKEN = /^[A-Za-z0-9_@-]{1,128}$/;

/** What a node can tell the server of a delivery. */
export class Answers {
  /** How often the server says that it has delivered the message, this time included. */
  readonly deliveries: number;
  readonly #nc: NatsConnection;
  readonly #subject: string;

  private constructor(nc: NatsConnection, subject: string, deliveries: number) {
    this.#nc = nc;
    this.#subject = subject;
    this.deliveries = deliveries;
  }

  /** Takes a reply subject apart; `null` if it is none that the consumer of this class gives. */
  static of(nc: NatsConnection, reply: string | undefined, stream: string): Answers | null {
    const usual = USUAL.exec(reply ?? "");
    if (usual !== null) {
      const [subject, of, consumer, count] = usual;
      if (of !== stream || consumer !== DURABLE) return null;
      return new Answers(nc, subject, Number(count));
    }
    const parts = (reply ?? "").split(".");
    if (parts[0] !== "$JS" || parts[1] !== "ACK") return null;
    // Newer servers put the domain and a hash of the account in front, and a token at the end.
    const at = parts.length === 9 ? 2 : parts.length >= 11 && parts.length <= 12 ? 4 : 0;
    if (at === 0 || parts[at] !== stream || parts[at + 1] !== DURABLE) return null;
    if (!parts.slice(2, at).every((part) => TOKEN.test(part))) return null;
    if (!parts.slice(at + 2, at + 7).every((part) => NUMBER.test(part))) return null;
    if (!parts.slice(at + 7).every((part) => TOKEN.test(part))) return null;
    return new Answers(nc, parts.join("."), Number(parts[at + 2]));
  }

  /** It is done: the server may forget it. */
  ack(): void {
    this.#say(ACK);
  }

  /** It is being worked on: the lease begins anew. */
  working(): void {
    this.#say(WORKING);
  }

  /** Another is to have it, after a while. */
  nak(ms: number): void {
    this.#say(ms === 0 ? NAK : `-NAK {"delay":${Math.round(ms * 1e6)}}`);
  }

  /** It is no job, and nobody is to have it again. */
  term(): void {
    this.#say(TERM);
  }

  /** What is said while there is no connection is lost; then the lease runs out, or nothing is left to do. */
  #say(what: Uint8Array | string): void {
    if (this.#nc.isClosed()) return;
    this.#nc.publish(this.#subject, what);
  }
}

/** A job that was delivered. */
export interface Delivery {
  readonly key: JobKey;
  readonly jobClass: JobClass;
  /** What is said of it besides its arguments. */
  readonly head: JobHead;
  /** Its body; empty where that is an object. */
  readonly data: Uint8Array;
  /** What can be said of it. */
  readonly answers: Answers;
}

/**
 * Reads a message. `null` if it is no job: then the server is told so, where it was the server that
 * delivered it.
 */
export function readDelivery(
  nc: NatsConnection,
  names: Names,
  jobClass: JobClass,
  msg: Msg,
): Delivery | null {
  const answers = Answers.of(nc, msg.reply, names.jobs(jobClass));
  if (answers === null) return null;
  const found = names.parseJob(msg.subject);
  const head = parseJobHead(msg.headers?.get(HEAD) ?? "");
  const isJob = found !== null && found.jobClass === jobClass && head !== null &&
    (head.object === null || head.object === names.argumentsObject(found.key));
  if (isJob) return { key: found.key, jobClass, head, data: msg.data, answers };
  answers.term();
  return null;
}

/**
 * A publisher whose messages are stored, or whose owner hears why not.
 *
 * The client drops what is published while there is no connection, without an error, and a request that
 * is under way when the connection goes runs into its timeout. So each message is kept until the server
 * has said that it is stored, and is sent again, byte for byte, when the connection is back and when no
 * answer came: the server knows a message that it has by its id, or refuses a second of its subject. One
 * inbox for all answers is three to four times as fast as a request for each.
 *
 * A window bounds what is under way, in messages and bytes; the rest waits here, in order. What is sent
 * again may be stored behind what was sent later.
 */
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import { Deque } from "../../internal/deque.ts";
import type { Link } from "./link.ts";
import { Ticker } from "./ticker.ts";

/** What became of a message: it is stored, or the server refuses it. */
export type PublishAnswer =
  | { readonly kind: "stored"; readonly seq: number; readonly duplicate: boolean }
  | { readonly kind: "refused"; readonly code: number; readonly why: string };

/** Hears what became of a message. Gives `"again"` to have it sent again in a moment. */
export type Answered = (answer: PublishAnswer) => "again" | void;

/** How much may be under way. */
export interface PublisherOptions {
  /** In messages. @default {4096} */
  readonly window?: number;
  /** In bytes. @default 16 MiB */
  readonly bytes?: number;
  /** After how many milliseconds without an answer a message is sent again. @default {5000} */
  readonly resend?: number;
}

interface Entry {
  readonly number: number;
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers: MsgHdrs;
  readonly answered: Answered;
  readonly bytes: number;
  sentAt: number;
  sends: number;
}

/** The code of a refusal for lack of permission, which is not the server's. */
export const NOT_PERMITTED = -1;
/** The code of a refusal because the client finds the message too large, which is not the server's. */
export const TOO_LARGE = -2;
/** So often it is looked for messages without an answer, in milliseconds. */
const LOOK_MS = 500;
/** What a message takes besides its body, about. */
const OVERHEAD = 256;

/** Publishes for one link. */
export class Publisher {
  /** How many messages were sent again. */
  resent = 0;
  /** Answers that could not be read. */
  strange = 0;
  readonly #link: Link;
  readonly #inbox: string;
  readonly #answers: Subscription;
  readonly #window: number;
  readonly #mostBytes: number;
  readonly #resend: number;
  readonly #waiting = new Deque<Entry>();
  /** In the order of sending, as long as nothing is sent again. */
  readonly #under = new Map<number, Entry>();
  readonly #ticker: Ticker;
  #bytes = 0;
  #next = 0;
  #closed = false;

  constructor(link: Link, options: PublisherOptions = {}) {
    const { window = 4096, bytes = 16 << 20, resend = 5000 } = options;
    this.#link = link;
    this.#window = window;
    this.#mostBytes = bytes;
    this.#resend = resend;
    const prefix = (link.nc as NatsConnection & { options?: { inboxPrefix?: string } }).options
      ?.inboxPrefix;
    this.#inbox = createInbox(prefix);
    this.#answers = link.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#answer(msg);
      },
    });
    this.#ticker = new Ticker(LOOK_MS, () => this.#look());
    link.onUp(() => this.#sendAllAgain());
    link.onRefusal((subject, error) => this.#refuse(subject, error));
  }

  /** How many messages have not been answered, waiting ones included. */
  get pending(): number {
    return this.#under.size + this.#waiting.size;
  }

  /** Whether what is published now has to wait. */
  get full(): boolean {
    return this.#waiting.size > 0 || this.#under.size >= this.#window ||
      this.#bytes >= this.#mostBytes;
  }

  /** Has a message stored. `answered` is called once, or again and again if it says so; never if closed. */
  publish(subject: string, body: Uint8Array, headers: MsgHdrs, answered: Answered): void {
    const entry: Entry = {
      number: this.#next++,
      subject,
      body,
      headers,
      answered,
      bytes: body.length + OVERHEAD,
      sentAt: 0,
      sends: 0,
    };
    if (this.full) this.#waiting.push(entry);
    else this.#take(entry);
  }

  /** Sends nothing any more, and forgets what is under way. */
  close(): void {
    this.#closed = true;
    this.#ticker.stop();
    this.#waiting.clear();
    this.#under.clear();
    if (!this.#link.nc.isClosed()) this.#answers.unsubscribe();
  }

  #take(entry: Entry): void {
    this.#under.set(entry.number, entry);
    this.#bytes += entry.bytes;
    this.#send(entry);
  }

  #send(entry: Entry): void {
    entry.sentAt = performance.now();
    if (!this.#link.up || this.#closed) return;
    if (entry.sends++ > 0) this.resent++;
    const { subject, body, headers } = entry;
    try {
      const reply = `${this.#inbox}.${entry.number.toString(36)}`;
      this.#link.nc.publish(subject, body, { headers, reply });
    } catch (error) {
      if (this.#link.nc.isClosed() || this.#link.nc.isDraining()) return;
      const why = error instanceof Error ? error.message : String(error);
      queueMicrotask(() => this.#settle(entry, { kind: "refused", code: TOO_LARGE, why }));
    }
  }

  #answer(msg: Msg): void {
    const entry = this.#under.get(parseInt(msg.subject.slice(this.#inbox.length + 1), 36));
    if (entry === undefined) return; // answered before: it was sent twice
    // "No responders": there is no stream, or no leader, at this moment. The look sends it again.
    if (msg.data.length === 0) return;
    const answer = parseAnswer(msg.data);
    if (answer === null) this.strange++;
    else this.#settle(entry, answer);
  }

  #settle(entry: Entry, answer: PublishAnswer): void {
    if (this.#under.get(entry.number) !== entry || this.#closed) return;
    if (entry.answered(answer) === "again") {
      entry.sentAt = performance.now();
      return;
    }
    this.#under.delete(entry.number);
    this.#bytes -= entry.bytes;
    this.#fill();
  }

  #fill(): void {
    while (
      this.#waiting.size > 0 && this.#under.size < this.#window && this.#bytes < this.#mostBytes
    ) {
      this.#take(this.#waiting.shift()!);
    }
  }

  /** What a stopped server had not answered by the time it went, it may have stored or not. */
  #sendAllAgain(): void {
    for (const entry of this.#under.values()) this.#send(entry);
  }

  #look(): void {
    if (!this.#link.up) return;
    const now = performance.now();
    for (const entry of this.#under.values()) {
      const wait = this.#resend * Math.min(8, Math.max(1, entry.sends));
      if (now - entry.sentAt >= wait) this.#send(entry);
    }
  }

  #refuse(subject: string, error: Error): void {
    for (const entry of [...this.#under.values()]) {
      if (entry.subject !== subject) continue;
      this.#settle(entry, { kind: "refused", code: NOT_PERMITTED, why: error.message });
    }
  }
}

const utf8 = new TextDecoder();

/** A PubAck. In one that refuses, `code` is no help: several refusals have 503. */
function parseAnswer(data: Uint8Array): PublishAnswer | null {
  let ack: { seq?: unknown; duplicate?: unknown; error?: unknown };
  try {
    ack = Object(JSON.parse(utf8.decode(data)));
  } catch {
    return null;
  }
  if (ack.error !== undefined) {
    const { err_code, code, description } = Object(ack.error) as Record<string, unknown>;
    const known = typeof err_code === "number" ? err_code : code;
    return typeof known === "number"
      ? { kind: "refused", code: known, why: String(description) }
      : null;
  }
  if (typeof ack.seq !== "number") return null;
  return { kind: "stored", seq: ack.seq, duplicate: ack.duplicate === true };
}

/**
 * Where the results of one submitter come in, as they are stored.
 *
 * A consumer of the stream, and not a plain subscription: that would hear of a result before it is
 * stored, and of one that is refused because another was first. It is made anew whenever the connection
 * comes back, behind the last result that came; it needs no ack, for what it misses is found by the
 * look at what is outstanding.
 */
import { AckPolicy, DeliverPolicy, ReplayPolicy, type StreamInfo } from "@nats-io/jetstream";
import { createInbox, type Msg, nanos, type Subscription } from "@nats-io/transport-node";
import type { Link } from "../link/link.ts";

/** Hears of what was stored under a name among the results of the submitter. */
export type Incoming = (id: string, msg: Msg) => void;

/** The server forgets a consumer that nobody listens to after so long, in milliseconds. */
const FORGET_MS = 60_000;
/** Between two tries to make a consumer, in milliseconds. */
const AGAIN_MS = 300;

/** One consumer after another. */
export class ResultConsumer {
  readonly #link: Link;
  /** What all subjects of the submitter's results begin with. */
  readonly #prefix: string;
  readonly #incoming: Incoming;
  readonly #inboxPrefix: string | undefined;
  #subscription: Subscription | null = null;
  #consumer: string | null = null;
  /** The number of the last result that came, as far as it was read. */
  #last = 0;
  /** What came last: its number is read when it is needed. */
  #newest: Msg | null = null;
  #opening: Promise<void> | null = null;
  #closed = false;

  /** Opens nothing yet. */
  constructor(link: Link, submitter: string, inboxPrefix: string | undefined, incoming: Incoming) {
    this.#link = link;
    this.#prefix = `${link.names.cluster}.r.${submitter}.`;
    this.#inboxPrefix = inboxPrefix;
    this.#incoming = incoming;
    link.onUp(() => void this.reopen());
  }

  /** Begins to listen; what was stored before does not come. */
  async open(): Promise<void> {
    this.#last = (await this.#info()).state.last_seq;
    await this.reopen();
  }

  /** Makes a new consumer, behind the last result that came; tries until there is one. */
  reopen(): Promise<void> {
    return this.#opening ??= this.#reopen().finally(() => this.#opening = null);
  }

  /** Listens no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop();
  }

  async #reopen(): Promise<void> {
    while (!this.#closed && this.#link.ended === null) {
      try {
        await this.#drop();
        return await this.#make();
      } catch {
        await this.#link.pause(AGAIN_MS);
      }
    }
  }

  async #make(): Promise<void> {
    const inbox = createInbox(this.#inboxPrefix);
    // A server that has lost what it had not synced counts on from an earlier number.
    this.#last = Math.min(this.#readLast(), (await this.#info()).state.last_seq);
    if (this.#closed) return;
    this.#subscription = this.#link.nc.subscribe(inbox, {
      callback: (error, msg) => {
        if (error === null) this.#take(msg);
      },
    });
    const { name } = await this.#link.manager.consumers.add(this.#link.names.results, {
      deliver_subject: inbox,
      filter_subject: `${this.#prefix}*`,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#last + 1,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      inactive_threshold: nanos(FORGET_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    this.#consumer = name;
  }

  /** A message of the consumer has the subject it was stored on; one sent to the inbox has that. */
  #take(msg: Msg): void {
    const { subject } = msg;
    if (!subject.startsWith(this.#prefix)) return;
    this.#newest = msg;
    this.#incoming(subject.slice(this.#prefix.length), msg);
  }

  #readLast(): number {
    if (this.#newest !== null) this.#last = Math.max(this.#last, sequenceOf(this.#newest));
    this.#newest = null;
    return this.#last;
  }

  async #drop(): Promise<void> {
    const [subscription, consumer] = [this.#subscription, this.#consumer];
    this.#subscription = this.#consumer = null;
    if (!this.#link.nc.isClosed()) subscription?.unsubscribe();
    if (consumer === null || !this.#link.up) return;
    try {
      await this.#link.manager.consumers.delete(this.#link.names.results, consumer);
    } catch {
      // It was forgotten by the server, or will be.
    }
  }

  #info(): Promise<StreamInfo> {
    return this.#link.manager.streams.info(this.#link.names.results);
  }
}

/**
 * The number of a message in the stream; 0 if it does not say. Its reply subject is
 * `$JS.ACK.<stream>.<consumer>.<count>.<seq>.…`, or has two more words in front of the stream.
 */
export function sequenceOf(msg: Msg): number {
  const words = (msg.reply ?? "").split(".");
  if (words[0] !== "$JS" || words[1] !== "ACK" || words.length < 9) return 0;
  const seq = Number(words[words.length === 9 ? 5 : 7]);
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}

/**
 * The keeper: one node at a time that looks for what a killed server has left behind.
 *
 * After a kill, acks that the server had not yet written are undone. Then a job that has its result may
 * lie in the stream and never be delivered again (a ghost), and a job that nobody has done may be forgotten
 * by the consumer, also after its lease has run out. The server's own sums do not always show it: it may
 * count as delivered what is gone. So what is still stored of all that was delivered a whole lease ago is
 * read job by job, which is little when all is well.
 *
 * A job with a genuine result is deleted. For forgotten ones the consumer is made anew: it delivers all
 * that is stored once more, so some jobs run twice, and their second results are refused. Rejected:
 * purging what is below the ack floor (on server 2.9 a purge of a job stream stops deliveries, and the
 * floor stays at the first ghost); publishing a forgotten job again under another id (not tried under
 * failures).
 *
 * Who is keeper stands in one record. It is taken over when it has not changed for a while by the clock of
 * the one that looks: clocks of machines are not compared.
 */
import { JetStreamApiError } from "@nats-io/jetstream";
import { encode } from "../codec/encode.ts";
import type { Link } from "../link/link.ts";
import type { ResultReader } from "../link/result_reader.ts";
import { Ticker } from "../link/ticker.ts";
import { ensureConsumer } from "../wire/layout.ts";
import { CLASSES, DURABLE, type JobClass } from "../wire/names.ts";
import { StateRecords } from "./state_records.ts";

/** Between two looks: a third of the lease, within these bounds, in milliseconds. */
const [SOONEST, LATEST] = [200, 2000] as const;
/** After so many looks at which the keeper has said nothing, another takes its place. */
const SILENT_LOOKS = 3;
/** No more jobs of a class are walked through at one look. */
const MOST = 20_000;
/** So many are looked at at a time. */
const AT_A_TIME = 64;

/** What a keeper has mended. */
export interface KeeperCounts {
  /** Finished jobs that lay in a stream, and were deleted. */
  readonly ghosts: number;
  /** How often a consumer was made anew for jobs that it had forgotten. */
  readonly recreated: number;
}

/** How far deliveries had come at a look. */
interface Mark {
  readonly at: number;
  readonly seq: number;
}

/** Looks after the streams of a cluster, when it is this node's turn. */
export class StreamKeeper {
  readonly #link: Link;
  readonly #reader: ResultReader;
  readonly #name: string;
  readonly #lease: number;
  readonly #records: StateRecords;
  readonly #ticker: Ticker;
  readonly #suspects: Readonly<Record<JobClass, Map<number, number>>> = {
    high: new Map(),
    normal: new Map(),
    low: new Map(),
  };
  /** Up to where jobs were delivered, at each look since one lease ago. */
  readonly #marks: Readonly<Record<JobClass, Mark[]>> = { high: [], normal: [], low: [] };
  readonly #counts = { ghosts: 0, recreated: 0 };
  #seen = { seq: -1, looks: 0 };
  #isKeeper = false;

  /** Begins to look. */
  constructor(link: Link, reader: ResultReader, name: string, lease: number) {
    this.#link = link;
    this.#reader = reader;
    this.#name = name;
    this.#lease = lease;
    this.#records = new StateRecords(link);
    const period = Math.min(LATEST, Math.max(SOONEST, lease / 3));
    this.#ticker = new Ticker(period, () => this.look());
  }

  /** Whether it is this node's turn. */
  get isKeeper(): boolean {
    return this.#isKeeper;
  }

  /** What it has mended. */
  get counts(): KeeperCounts {
    return { ...this.#counts };
  }

  /** Looks no more. The next keeper waits until it is clear that this one is silent. */
  stop(): void {
    this.#ticker.stop();
    this.#isKeeper = false;
  }

  /** Looks once. Rejects if the server does not answer: the next look may be luckier. */
  async look(): Promise<void> {
    if (!this.#link.up) return;
    this.#isKeeper = await this.#holdsLease();
    if (!this.#isKeeper) return;
    for (const jobClass of CLASSES) await this.#lookAfter(jobClass);
  }

  async #holdsLease(): Promise<boolean> {
    const { lease } = this.#link.names;
    const found = await this.#records.read(lease);
    const seq = found?.seq ?? 0;
    const isOwn = found !== null && sameBytes(found.data, encode(this.#name));
    if (!isOwn && found !== null) {
      this.#seen = this.#seen.seq === seq
        ? { seq, looks: this.#seen.looks + 1 }
        : { seq, looks: 0 };
      if (this.#seen.looks < SILENT_LOOKS) return false;
    }
    return await this.#records.write(lease, encode(this.#name), seq);
  }

  async #lookAfter(jobClass: JobClass): Promise<void> {
    const { manager, names, layout } = this.#link;
    const suspects = this.#suspects[jobClass];
    const stream = names.jobs(jobClass);
    const { state } = await manager.streams.info(stream);
    const consumer = await ensureConsumer(manager, names, jobClass, layout);
    const last = this.#deliveredBefore(jobClass, consumer.delivered.stream_seq);
    if (state.messages === 0 || last < state.first_seq) {
      suspects.clear();
      return;
    }
    await this.#walk(jobClass, state.first_seq, last);
    if (!await this.#haveForgotten(jobClass)) return;
    await manager.consumers.delete(stream, DURABLE);
    await ensureConsumer(manager, names, jobClass, layout);
    this.#counts.recreated++;
    suspects.clear();
  }

  /** The last sequence that was delivered a lease ago; 0 if nobody looked then. */
  #deliveredBefore(jobClass: JobClass, delivered: number): number {
    const now = performance.now();
    const marks = this.#marks[jobClass];
    marks.push({ at: now, seq: delivered });
    while (marks.length > 1 && now - marks[1]!.at >= this.#lease) marks.shift();
    const { at, seq } = marks[0]!;
    return now - at >= this.#lease ? Math.min(seq, delivered) : 0;
  }

  /** Deletes the ghosts among what was delivered, and notes what has no result. */
  async #walk(jobClass: JobClass, first: number, last: number): Promise<void> {
    const { manager, names } = this.#link;
    const stream = names.jobs(jobClass);
    const before = this.#suspects[jobClass];
    const after = new Map<number, number>();
    const now = performance.now();
    let looks: Promise<void>[] = [];
    const failures: unknown[] = [];
    const look = async ({ subject, seq }: { subject: string; seq: number }): Promise<void> => {
      const key = names.parseJob(subject)?.key;
      if (key !== undefined && await this.#reader.stored(key) !== null) {
        await this.#remove(stream, seq);
      } else after.set(seq, before.get(seq) ?? now);
    };
    let seq = first;
    for (let n = 0; seq <= last && n < MOST; n++) {
      const found = await manager.direct.getMessage(stream, { seq, next_by_subj: ">" });
      if (found === null || found.seq > last) break;
      // What fails is told when all have been looked at, and not while the next one is read.
      looks.push(look(found).catch((error) => void failures.push(error)));
      if (looks.length === AT_A_TIME) {
        await Promise.all(looks);
        looks = [];
      }
      if (failures.length > 0) break;
      seq = found.seq + 1;
    }
    await Promise.all(looks);
    if (failures.length > 0) throw failures[0];
    before.clear();
    for (const [seq, since] of after) before.set(seq, since);
  }

  async #remove(stream: string, seq: number): Promise<void> {
    try {
      await this.#link.manager.streams.deleteMessage(stream, seq);
      this.#counts.ghosts++;
    } catch (error) {
      // A node has acked it meanwhile, for which the server has more than one code.
      if (!(error instanceof JetStreamApiError)) throw error;
    }
  }

  /**
   * Whether some of the jobs without a result are not with any node: more of them have been there for a whole
   * lease than the consumer says are delivered. (While many are, some that are forgotten go unseen until
   * there are fewer.)
   */
  async #haveForgotten(jobClass: JobClass): Promise<boolean> {
    const now = performance.now();
    const since = [...this.#suspects[jobClass].values()];
    const old = since.filter((at) => now - at > this.#lease).length;
    if (old === 0) return false;
    const { manager, names } = this.#link;
    const { num_ack_pending } = await manager.consumers.info(names.jobs(jobClass), DURABLE);
    return old > num_ack_pending;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

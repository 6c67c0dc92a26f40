/**
 * The protocol between submitters, nodes and keepers: this comment is the whole of it.
 *
 * **Names.** `<c>` is a cluster's name, `<s>` a submitter's, `<i>` a job's, `<n>` a node's: each of 1 to 64
 * letters `A-Z a-z 0-9 _ -` (names.ts). A job's key is `<s>.<i>`. The one who gets a message checks the
 * parts of its subject and builds every other subject from them.
 *
 * **Head.** Each message has a header `Weft`: words with one space between them, the first the version of
 * this protocol. Free text in a word is percent-encoded; `-` stands for none. A body is one value of
 * the codec (codec/tags.ts), or empty where the last word, *where*, names an object of the bucket
 * that holds these bytes instead (bodies over `INLINE` bytes). What has no such head, another version,
 * or words that do not parse, is refused: dropped, counted as `refused`, and harms nobody else.
 *
 * | subject | kept in | head after the version | body |
 * |---|---|---|---|
 * | `<c>.q.<class>.<s>.<i>` | `WEFT_<c>_<class>` | name, hash, timeout ms or 0, most attempts, again, where | list of arguments |
 * | `<c>.r.<s>.<i>` | `WEFT_<c>_results` | status, attempt, node, ms it ran, where | by status |
 * | `<c>.s.<s>.<i>` | `WEFT_<c>_state` | - | list of starts |
 * | `<c>.k.lease` | `WEFT_<c>_state` | - | name of the keeper |
 * | `<c>.x.<s>.<i>` | nowhere | `wait`, `flag` or `kill` | the reason |
 * | `<c>.p.<s>.<i>` | nowhere | number of the report, from 1 | what was reported |
 * | `<c>.w.<s>.<i>` | nowhere | - | nothing: asks who has the job |
 * | `<c>.h.<s>.<i>` | nowhere | - | nothing: says that the sender has it |
 * | `<c>.n.<n>` | nowhere | - | health of a node |
 * | `<c>.a` | nowhere | - | nothing: asks each node to tell its health at once, on `<c>.n.<n>` |
 *
 * Streams (layout.ts): a work queue per class, without `max_msgs`, with one durable consumer, `nodes`:
 * explicit ack, `ack_wait` = the lease, deliveries without end. Results: one per subject, **the first
 * wins**: a second is refused with err_code 10077. State: the last one per subject wins; who changes a
 * record says which sequence he has read (`Nats-Expected-Last-Subject-Sequence`) and reads again when
 * refused (10071). Never purge a job stream; delete single messages.
 *
 * **Submitting.** Published with `Nats-Msg-Id` = the key, and again, byte for byte, after a reconnect and
 * when no answer came: publisher.ts. Once the PubAck is there the job is accepted.
 *
 * **Storing again.** A lease is no help where it does not run out: a server that was killed begins each lease
 * anew, and a consumer may forget a job. So a submitter that waits for a job which was delivered once (its
 * sequence is not above the consumer's `delivered`) asks on `<c>.w` who has it. A node that has it says so on
 * `<c>.h`, built of the key. Where nobody has, twice in a row, the submitter stores the job once more, with
 * *again* one higher and the message id `<s>.<i>~<again>`, and deletes the message that was there. A job
 * that the server has lost altogether is stored likewise. A node takes a job with *again* above 0 for one that was
 * delivered before.
 *
 * **Hash.** What the function's module was when the job was submitted: job_hash.ts. A node runs a job only
 * if one of the modules that it was started with has that hash, and a function of that name. One that
 * knows no such function naks with 500 ms of delay, so that another may; from the sixth delivery on, if no
 * living node tells in its health that it knows the function, it answers `failed` `unknown`.
 *
 * **A node**, for each job delivered: subject or head does not parse → `term()`, refused. Otherwise it
 * calls `working()` each third of the lease, from the moment of delivery, also while the job waits in its
 * buffer, until it acks. If the job is redelivered, it first looks for a stored result, by direct get: is
 * there one that is genuine, it acks and is done. Then the record of starts: from the second
 * delivery on (the first too where most attempts is 1) it adds itself to the record before it starts the
 * job. The attempt is the length of the record, plus 1 where the first start was not recorded; is that
 * more than most attempts, it answers `failed` `attempts`, with the record as history. It runs the
 * job on its pool with the timeout, publishes the result, and acks when that is stored, or refused
 * because there is one (10077). In the latter case it reads the stored one: is that not genuine, it
 * deletes it and publishes again. A worker that crashes with a job is an attempt: recorded, `nak`ed with
 * 100 ms of delay. SIGTERM: pulls no more, finishes what runs, naks the rest.
 *
 * **Result**, by status: `value`: what the function returned. `error`: what it threw, a timeout included.
 * `cancelled`: the reason; also stored by the submitter that cancels. `failed`: a list: code, message,
 * history (list of texts), where the job could not be carried out. Codes: `FAILURES`. Who signs adds
 * `Weft-Sign` (signing.ts); where a `resultKey` is set, a result without the right signature is not
 * genuine. Nor is one whose head does not parse.
 *
 * **Cancel.** The submitter settles its future, stores `cancelled`, deletes the stored job, publishes on
 * `<c>.x`. A node that has the job queued drops it; one that runs it cancels the future of its pool by
 * the policy; each acks it. Its late result is refused like any second one.
 *
 * **Progress.** What a running job reports is published at once, if it can travel and is not over `INLINE`
 * bytes; what is lost is lost. Each run counts from 1. A submitter listens once somebody wants to read it.
 *
 * **Health** is published each 2 s, and when asked: a JSON object, health.ts.
 *
 * **Keeper.** One node at a time, by the lease, see node/stream_keeper.ts: deletes stored jobs that have a genuine
 * result, and re-creates the durable where stored jobs are neither pending nor delivered.
 */
import type { CancelPolicy } from "../../parallel/pool/future.ts";

/** The version of the protocol. */
export const PROTOCOL = "1";

/** The header that carries a head. */
export const HEAD = "Weft";

/** The header that carries a signature. */
export const SIGNATURE = "Weft-Sign";

/** The header by which the server knows a message that it has stored. */
export const MESSAGE_ID = "Nats-Msg-Id";

/** A body of more than this travels as an object, in bytes. */
export const INLINE: number = 512 * 1024;

/** Between two words of health of a node, in milliseconds. */
export const HEALTH_MS = 2000;

/** A node that was not heard of for so long is not counted on, in milliseconds. */
export const SILENT_MS: number = 3 * HEALTH_MS;

/** How a job ended. */
export const STATUSES = ["value", "error", "cancelled", "failed"] as const;

/** How a job ended. */
export type ResultStatus = typeof STATUSES[number];

/**
 * Why a job could not be carried out: no node knows its function; its arguments cannot be read; its
 * result cannot travel; it was started as often as it may be.
 */
export const FAILURES: readonly FailureCode[] = ["unknown", "unreadable", "unsendable", "attempts"];

/** Why a job could not be carried out. */
export type FailureCode = "unknown" | "unreadable" | "unsendable" | "attempts";

/** What a job's message says of it besides its arguments. */
export interface JobHead {
  /** The function's name. */
  readonly name: string;
  /** What its module was. */
  readonly hash: string;
  /** How many milliseconds a run may take; 0 for any time. */
  readonly timeout: number;
  /** How often it may be started. */
  readonly maxAttempts: number;
  /** How often it was stored before. */
  readonly again: number;
  /** The object that holds the body, or `null`. */
  readonly object: string | null;
}

/** What a result's message says of it besides its value. */
export interface ResultHead {
  /** How it ended. */
  readonly status: ResultStatus;
  /** Which start this was, from 1; 0 if it was not started. */
  readonly attempt: number;
  /** The node, or the submitter that cancelled. */
  readonly node: string;
  /** How long it ran, in whole milliseconds. */
  readonly ms: number;
  /** The object that holds the body, or `null`. */
  readonly object: string | null;
}

/** A hash of a module: see job_hash.ts. */
const HASH = /^[0-9a-f]{32}$/;
/** Percent-encoded text. */
const WORD = /^(?:[A-Za-z0-9_.!~*'()-]|%[0-9A-F]{2}){1,300}$/;
const NUMBER = /^(?:0|[1-9][0-9]{0,14})$/;
const NODE = /^[A-Za-z0-9_-]{1,64}$/;
const OBJECT = /^[A-Za-z0-9_.-]{1,260}$/;

/** A job's head as text. */
export function formatJobHead(head: JobHead): string {
  const { name, hash, timeout, maxAttempts, again, object } = head;
  const shown = encodeURIComponent(name.toWellFormed());
  return `${PROTOCOL} ${shown} ${hash} ${timeout} ${maxAttempts} ${again} ${object ?? "-"}`;
}

/** Reads a job's head; `null` if it is none. */
export function parseJobHead(text: string): JobHead | null {
  const [version, name, hash, timeout, most, again, where, ...rest] = text.split(" ");
  if (version !== PROTOCOL || rest.length > 0 || where === undefined) return null;
  if (!WORD.test(name!) || !HASH.test(hash!)) return null;
  if (![timeout!, most!, again!].every((word) => NUMBER.test(word))) return null;
  const object = parseWhere(where);
  const shown = decoded(name!);
  if (object === undefined || shown === null || most === "0") return null;
  const [ms, maxAttempts, before] = [Number(timeout), Number(most), Number(again)];
  return { name: shown, hash: hash!, timeout: ms, maxAttempts, again: before, object };
}

/** A result's head as text. */
export function formatResultHead({ status, attempt, node, ms, object }: ResultHead): string {
  return `${PROTOCOL} ${status} ${attempt} ${node} ${Math.max(0, Math.round(ms))} ${object ?? "-"}`;
}

/** Reads a result's head; `null` if it is none. */
export function parseResultHead(text: string): ResultHead | null {
  const [version, status, attempt, node, ms, where, ...rest] = text.split(" ");
  if (version !== PROTOCOL || rest.length > 0 || where === undefined) return null;
  const known = STATUSES.find((one) => one === status);
  if (known === undefined || !NUMBER.test(attempt!) || !NODE.test(node!) || !NUMBER.test(ms!)) {
    return null;
  }
  const object = parseWhere(where);
  if (object === undefined) return null;
  return { status: known, attempt: Number(attempt), node: node!, ms: Number(ms), object };
}

/** A cancel's head as text. */
export function formatCancelHead(policy: CancelPolicy): string {
  return `${PROTOCOL} ${policy}`;
}

/** Reads a cancel's head; `null` if it is none. */
export function parseCancelHead(text: string): CancelPolicy | null {
  const [version, policy, ...rest] = text.split(" ");
  if (version !== PROTOCOL || rest.length > 0) return null;
  return policy === "wait" || policy === "flag" || policy === "kill" ? policy : null;
}

/** The head of a report of progress as text. */
export function formatProgressHead(number: number): string {
  return `${PROTOCOL} ${number}`;
}

/** Reads the head of a report of progress; `null` if it is none. */
export function parseProgressHead(text: string): number | null {
  const [version, number, ...rest] = text.split(" ");
  if (version !== PROTOCOL || rest.length > 0 || !NUMBER.test(number ?? "")) return null;
  return Number(number);
}

/** The head of a message that says nothing else. */
export function isBareHead(text: string): boolean {
  return text === PROTOCOL;
}

/** `undefined` if it is neither an object's name nor none. */
function parseWhere(where: string): string | null | undefined {
  if (where === "-") return null;
  return OBJECT.test(where) ? where : undefined;
}

function decoded(word: string): string | null {
  try {
    return decodeURIComponent(word);
  } catch {
    return null;
  }
}

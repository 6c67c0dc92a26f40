/**
 * What a node does with one job, in the order in which it must be done.
 *
 * Nothing is acked before a genuine result is stored: the node's own, another's, or the submitter's
 * "cancelled". So a node may be killed at each line of this file, and another begins anew. Whatever fails on
 * the way (the server does not answer, an object cannot be read) hands the job back.
 */
import { messageText, printable } from "../../kernel/printable.ts";
import type { CancelPolicy, Future } from "../../parallel/pool/future.ts";
import type { WorkerPool } from "../../parallel/pool/pool.ts";
import type { JobSender } from "../../parallel/pool/options.ts";
import { WorkerCrashedError } from "../../parallel/worker_error.ts";
import { decode, UnreadableError } from "../codec/decode.ts";
import { encode, UnsendableError } from "../codec/encode.ts";
import type { Objects } from "../link/objects.ts";
import type { ResultReader } from "../link/result_reader.ts";
import type { FailureCode, ResultStatus } from "../wire/protocol.ts";
import { entry, type KnownFunction, type KnownFunctions } from "./functions.ts";
import type { HeldJob } from "./held_jobs.ts";
import type { NodeHealthBoard } from "./node_health.ts";
import type { ProgressPublisher } from "./progress_publisher.ts";
import type { ResultWriter } from "./result_writer.ts";
import type { StartRecords } from "./start_records.ts";

/** What a run of a job works with. */
export interface RunTools {
  /** Runs the functions. */
  readonly pool: WorkerPool;
  /** What may be run. */
  readonly functions: KnownFunctions;
  /** Who else knows what. */
  readonly board: NodeHealthBoard;
  /** Stores results. */
  readonly writer: ResultWriter;
  /** Reads them. */
  readonly reader: ResultReader;
  /** Large bodies. */
  readonly objects: Objects;
  /** Counts starts. */
  readonly starts: StartRecords;
  /** Hands on what jobs report. */
  readonly progress: ProgressPublisher;
  /** The node's name. */
  readonly node: string;
}

/**
 * What became of a job here: its result is stored, or its failure; another's was there; it is handed back; or
 * it was handed back while it ran.
 */
export type RunEnd = "stored" | "failed" | "there" | "returned" | "left";

/** A job of a function that no node knows is handed on so often. */
const UNKNOWN_DELIVERIES = 6;
/** And after this, in milliseconds. */
const UNKNOWN_MS = 500;
/** A job whose worker crashed is begun again after this, in milliseconds. */
const CRASHED_MS = 100;

/** How the record of a first start ends. */
const FIRST = "delivery 1";

interface Outcome {
  readonly status: ResultStatus;
  readonly body: Uint8Array;
  readonly attempt: number;
  readonly ms: number;
}

/** One job, carried out. */
export class JobRun {
  readonly #job: HeldJob;
  readonly #tools: RunTools;
  #attempt = 1;
  /** The starts so far, this one included; `null` as long as it is not recorded. */
  #history: readonly string[] | null = null;

  /** Not begun yet. */
  constructor(job: HeldJob, tools: RunTools) {
    this.#job = job;
    this.#tools = tools;
  }

  /**
   * Carries it out. Rejects if the server, or the bucket, stands in the way: then the job is to be handed
   * back.
   *
   * @param ran Called when its function has ended, and its result has yet to be stored.
   */
  async carryOut(ran: () => void): Promise<RunEnd> {
    const { head, answers, key } = this.#job;
    const known = this.#tools.functions.find(head.hash, head.name);
    if (known === undefined) return await this.#handOn();
    if (
      (answers.deliveries > 1 || head.again > 0) && await this.#tools.reader.stored(key) !== null
    ) {
      return await this.#end("there");
    }
    const outcome = await this.#startable() ?? await this.#run(known, ran);
    if (this.#isOver) return "left";
    if (outcome === null) return this.#giveBack(CRASHED_MS);
    this.#job.state = "storing";
    await this.#tools.writer.write(key, {
      status: outcome.status,
      attempt: outcome.attempt,
      node: this.#tools.node,
      ms: outcome.ms,
    }, outcome.body);
    return await this.#end(outcome.status === "value" ? "stored" : "failed");
  }

  /** The result is stored: the server may forget the job, and what it was called with. */
  async #end(end: RunEnd): Promise<RunEnd> {
    this.#job.answers.ack();
    if (this.#job.head.object !== null) {
      try {
        await this.#tools.objects.remove(this.#job.head.object);
      } catch {
        // Then its time to live does.
      }
    }
    return end;
  }

  /** Whether the node has handed it back meanwhile. */
  get #isOver(): boolean {
    return this.#job.state === "over";
  }

  #giveBack(ms: number): RunEnd {
    this.#job.answers.nak(ms);
    return "returned";
  }

  /** No function of ours: perhaps another node has it, perhaps none. */
  async #handOn(): Promise<RunEnd> {
    const { head, answers, key } = this.#job;
    const isKnown = this.#tools.board.othersKnow(entry(head.hash, head.name));
    if (isKnown || answers.deliveries < UNKNOWN_DELIVERIES) return this.#giveBack(UNKNOWN_MS);
    const why =
      `Cannot run job "${printable(head.name)}": no node was started with a module of this ` +
      `version that has it; start nodes with --modules and the same file`;
    const { body } = failure("unknown", why);
    const said = { status: "failed", attempt: 0, node: this.#tools.node, ms: 0 } as const;
    await this.#tools.writer.write(key, said, body);
    return await this.#end("failed");
  }

  /** Counts the start; gives an outcome if it must not be. */
  async #startable(): Promise<Outcome | null> {
    const { head: { maxAttempts, name, again }, answers: { deliveries } } = this.#job;
    if (deliveries === 1 && again === 0 && maxAttempts > 1) return null;
    const history = await this.#record();
    if (this.#attempt <= maxAttempts) return null;
    const why =
      `Cannot finish job "${printable(name)}": it was started ${maxAttempts} times, and ` +
      `never ended`;
    return failure("attempts", why, history.slice(0, -1), maxAttempts);
  }

  /** Records this start. The first is not recorded where a second is allowed. */
  async #record(): Promise<readonly string[]> {
    const { key, head: { maxAttempts, again }, answers: { deliveries } } = this.#job;
    const at = new Date().toISOString();
    const history = await this.#tools.starts.add(
      key,
      `started at ${at} on node ${this.#tools.node}, delivery ${again + deliveries}`,
    );
    this.#history = history;
    // The first start is in the record only where no second was allowed, or where its worker crashed.
    const hasFirst = maxAttempts === 1 || history.some((start) => start.endsWith(FIRST));
    this.#attempt = history.length + (hasFirst ? 0 : 1);
    return history;
  }

  /** Runs its function. `null` if its worker crashed, and it may be started again. */
  async #run(known: KnownFunction, ran: () => void): Promise<Outcome | null> {
    const args = await this.#arguments();
    if (!Array.isArray(args)) return failure("unreadable", args, [], this.#attempt);
    if (this.#isOver) return null;
    const begun = performance.now();
    const future = this.#start(known, args);
    await settled(future);
    ran();
    const ms = performance.now() - begun;
    // Dropped by its pool, and not by who submitted it.
    if (future.cancelled && this.#job.cancelled === null) return null;
    if (future.error instanceof WorkerCrashedError) return await this.#crashed(future.error, ms);
    return outcomeOf(future, this.#job, this.#attempt, ms);
  }

  #start(known: KnownFunction, args: unknown[]): Future<unknown> {
    const { head: { timeout }, priority } = this.#job;
    const future = senderOf(this.#tools.pool, priority, timeout).submit(known, ...args);
    this.#job.state = "running";
    this.#job.future = future;
    this.#tools.progress.follow(this.#job.key, future);
    const { cancelled } = this.#job;
    if (cancelled !== null) future.cancel(cancelled.reason);
    return future;
  }

  /** The list of arguments, or why there is none. */
  async #arguments(): Promise<unknown[] | string> {
    const { head: { object, name }, data } = this.#job;
    const bytes = object === null ? data : await this.#tools.objects.get(object);
    const why = `Cannot run job "${printable(name)}": its arguments`;
    if (bytes === null) {
      return `${why} are gone: the option "keep" is shorter than the time it waited`;
    }
    try {
      const args = decode(bytes);
      return Array.isArray(args) ? args : `${why} are no list`;
    } catch (error) {
      if (!(error instanceof UnreadableError)) throw error;
      return `${why} cannot be read: ${printable(messageText(error))}`;
    }
  }

  /** A worker that crashes with a job is an attempt: the job may be what kills it. */
  async #crashed(error: unknown, ms: number): Promise<Outcome | null> {
    const { head: { name, maxAttempts } } = this.#job;
    const history = this.#history ?? await this.#record();
    if (this.#attempt < maxAttempts) return null;
    const why = `Cannot finish job "${printable(name)}": it was started ${maxAttempts} ` +
      `${maxAttempts === 1 ? "time" : "times"}, the last time its worker crashed: ` +
      printable(messageText(error));
    return { ...failure("attempts", why, history, this.#attempt), ms };
  }
}

/** The options that were used last: most jobs have the same. */
let last: { pool: WorkerPool; priority: number; timeout: number; sender: JobSender } | null = null;

/** The pool, with the options of a job. */
function senderOf(pool: WorkerPool, priority: number, timeout: number): JobSender {
  if (last?.pool === pool && last.priority === priority && last.timeout === timeout) {
    return last.sender;
  }
  const options = { priority, onCancel: "kill" as CancelPolicy };
  const sender = pool.with(timeout === 0 ? options : { ...options, timeout });
  last = { pool, priority, timeout, sender };
  return sender;
}

/** Resolves when a future has settled, in whatever way. */
function settled(future: Future<unknown>): Promise<void> {
  return new Promise((resolve) => future.link(() => resolve()));
}

function outcomeOf(future: Future<unknown>, job: HeldJob, attempt: number, ms: number): Outcome {
  if (future.cancelled) {
    const reason = job.cancelled?.reason;
    return { status: "cancelled", body: encode(reason), attempt, ms };
  }
  const status = future.successful ? "value" : "error";
  try {
    return { status, body: encode(future.successful ? future.value : future.error), attempt, ms };
  } catch (error) {
    if (!(error instanceof UnsendableError)) throw error;
    const what = status === "value" ? "what it returned" : "what it threw";
    const why = `Cannot send the result of job "${printable(job.head.name)}", ${what}: ` +
      printable(messageText(error));
    return { ...failure("unsendable", why, [], attempt), ms };
  }
}

function failure(
  code: FailureCode,
  message: string,
  history: readonly string[] = [],
  attempt = 0,
): Outcome {
  return { status: "failed", body: encode([code, message, history]), attempt, ms: 0 };
}

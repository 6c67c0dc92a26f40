/**
 * A node: it takes jobs of a cluster, runs them on a pool of its own, and stores their results.
 */
import type { Msg } from "@nats-io/transport-node";
import { BOUND, checkMs, checkOptions, checkWhole, COUNT } from "../../kernel/checks.ts";
import { withScope } from "../../kernel/context.ts";
import { errorText } from "../../kernel/printable.ts";
import { WorkerPool } from "../../parallel/pool/pool.ts";
import type { ClusterError } from "../link/errors.ts";
import { Link } from "../link/link.ts";
import { Objects } from "../link/objects.ts";
import { Publisher } from "../link/publisher.ts";
import { ResultReader } from "../link/result_reader.ts";
import type { ConnectOptions } from "../link/connect_options.ts";
import { Ticker } from "../link/ticker.ts";
import type { NodeHealth } from "../wire/health.ts";
import { USUAL_LAYOUT } from "../wire/layout.ts";
import { checkName, CLASSES, DURABLE, freshName, type JobClass, Names } from "../wire/names.ts";
import { Signer } from "../wire/signing.ts";
import { readDelivery } from "./delivery.ts";
import { KnownFunctions } from "./functions.ts";
import { HeldJob, HeldJobs } from "./held_jobs.ts";
import { JobRequests } from "./job_requests.ts";
import { JobRun, type RunEnd, type RunTools } from "./job_run.ts";
import { StreamKeeper } from "./stream_keeper.ts";
import { NodeHealthBoard } from "./node_health.ts";
import { LOOK_MS, Pace } from "./pace.ts";
import { ProgressPublisher } from "./progress_publisher.ts";
import { Puller } from "./puller.ts";
import { ResultWriter } from "./result_writer.ts";
import { StartRecords } from "./start_records.ts";

/** How a node is to be. */
export interface ClusterNodeOptions extends ConnectOptions {
  /** Whose functions it runs: absolute URLs of modules. */
  modules: readonly (string | URL)[];
  /** The name of the cluster. @default {"weft"} */
  name?: string;
  /** Its own name, which no other node of the cluster has. @default one that is made up */
  node?: string;
  /** How many workers. @default as many as the machine has processors */
  workers?: number;
  /** How many slow jobs it takes at a time. @default twice as many as workers */
  concurrency?: number;
  /** How long it waits for the server at the start, in milliseconds. @default {10_000} */
  connectTimeout?: number;
  /** For making streams that are missing: on how many servers. @default {1} */
  replicas?: number;
  /** Likewise: how long a node may be silent about a job, in milliseconds. @default {30_000} */
  lease?: number;
  /** Likewise: how long results are kept, in milliseconds. @default {3_600_000} */
  keep?: number;
  /** Signs results: a secret of 16 letters or more that submitters have, too. */
  resultKey?: string;
  /** Hears of what goes wrong and fails no future: a job handed back, a message refused. @default `console.warn` */
  warn?: (message: string) => void;
}

/** A job that could not be carried out because the server was in the way is begun again after this, in ms. */
const AGAIN_MS = 1000;

/**
 * One node of a cluster. It runs functions of the modules it was started with, and nothing else.
 *
 * `await using`, or {@linkcode close}: it takes no more jobs, finishes what runs, and hands back the rest.
 *
 * @example A node
 * ```ts ignore
 * await using node = await ClusterNode.start({
 *   servers: "127.0.0.1:4222",
 *   modules: [import.meta.resolve("./jobs.ts")],
 * });
 * await node.ended;
 * ```
 */
export class ClusterNode implements AsyncDisposable {
  /** Its own name, by which other nodes and results tell it. */
  readonly name: string;
  /** Settles when it has ended: rejects with a `ClusterError` if the connection is lost for good. */
  readonly ended: Promise<void>;
  readonly #link: Link;
  readonly #tools: RunTools;
  readonly #publisher: Publisher;
  readonly #pullers: readonly Puller[];
  readonly #held = new HeldJobs();
  readonly #pace: Pace;
  readonly #tickers: readonly Ticker[];
  readonly #keeper: StreamKeeper;
  readonly #requests: JobRequests;
  readonly #workers: number;
  readonly #warn: (message: string) => void;
  readonly #begun = performance.now();
  readonly #end = Promise.withResolvers<void>();
  readonly #counts = { done: 0, failed: 0, returned: 0, refused: 0 };
  #running = 0;
  #closing: Promise<void> | null = null;
  #idle: (() => void) | null = null;

  /**
   * Loads its modules, connects, and begins to take jobs.
   *
   * @throws {TypeError} If a module or a name cannot be used.
   * @throws {RangeError} If a number is out of range.
   * @throws {ClusterError} If there is no server, or it cannot be used.
   */
  static async start(options: ClusterNodeOptions): Promise<ClusterNode> {
    const {
      name = "weft",
      node = freshName(),
      workers = navigator.hardwareConcurrency,
      connectTimeout = 10_000,
      replicas = USUAL_LAYOUT.replicas,
      lease = USUAL_LAYOUT.lease,
      keep = USUAL_LAYOUT.keep,
      resultKey,
    } = checkOptions(options, "ClusterNode.start");
    const size = checkWhole(workers, "use", "as the number of workers", COUNT);
    const concurrency = checkWhole(
      options.concurrency ?? 2 * size,
      "use",
      "as the number of jobs at a time",
      BOUND,
    );
    const signer = resultKey === undefined ? null : new Signer(resultKey);
    const functions = await KnownFunctions.load(options.modules);
    const link = await Link.open({
      connect: options,
      names: new Names(name),
      layout: { replicas, lease: checkMs(lease, "a lease"), keep: checkMs(keep, "a time to keep") },
      clientName: checkName(node, "the name of a node"),
      connectTimeout: checkMs(connectTimeout, "a timeout"),
    });
    try {
      const real = await link.ask(() => leaseOf(link), connectTimeout);
      return withScope(
        null,
        () =>
          new ClusterNode(link, functions, signer, {
            ...options,
            node,
            workers: size,
            concurrency,
            lease: real,
          }),
      );
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  private constructor(
    link: Link,
    functions: KnownFunctions,
    signer: Signer | null,
    options:
      & ClusterNodeOptions
      & Required<Pick<ClusterNodeOptions, "node" | "workers" | "concurrency" | "lease">>,
  ) {
    const { node, workers, concurrency, lease, inboxPrefix } = options;
    this.name = node;
    this.ended = this.#end.promise;
    this.#end.promise.catch(() => {});
    this.#link = link;
    this.#workers = workers;
    this.#pace = new Pace(concurrency);
    this.#warn = options.warn ?? ((message) => console.warn(message));
    this.#publisher = new Publisher(link);
    const objects = new Objects(link);
    const reader = new ResultReader(link, objects, signer);
    this.#tools = {
      node,
      functions,
      objects,
      reader,
      pool: new WorkerPool(workers, { name: `node ${node}`, tasks: this.#pace.concurrency }),
      board: new NodeHealthBoard(link.nc, link.names, node, () => this.health()),
      writer: new ResultWriter({ link, publisher: this.#publisher, objects, reader, signer }),
      starts: new StartRecords(link),
      progress: new ProgressPublisher(link),
    };
    this.#requests = new JobRequests(link, this.#held, () => this.#counts.refused++);
    this.#pullers = CLASSES.map((jobClass) =>
      new Puller(
        link,
        link.names.jobs(jobClass),
        inboxPrefix,
        () => this.#closing === null ? this.#pace.depth - this.#held.bufferedOf(jobClass) : 0,
        (msg) => this.#take(jobClass, msg),
      )
    );
    this.#tickers = [
      new Ticker(LOOK_MS, () => this.#look()),
      new Ticker(lease / 3, () => this.#renew()),
    ];
    this.#keeper = new StreamKeeper(link, reader, node, lease);
    link.onEnd((error) => this.#lost(error));
    this.#tools.board.tell();
  }

  /** What it is doing, and has done: what it tells other nodes and submitters. */
  health(): NodeHealth {
    const { functions } = this.#tools;
    return {
      node: this.name,
      host: hostName(),
      pid: Deno.pid,
      workers: this.#workers,
      concurrency: this.#pace.concurrency,
      running: this.#running,
      buffered: this.#held.buffered,
      ...this.#counts,
      rate: this.#pace.rate,
      uptime: Math.round(performance.now() - this.#begun),
      state: this.#closing === null ? "open" : "closing",
      functions: functions.list,
    };
  }

  /** Takes no more jobs, waits for those that run, hands back the rest. May be called again. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Does not wait for jobs that run, either: they are handed back, and their workers ended. */
  async terminate(): Promise<void> {
    const closing = this.close();
    for (const job of this.#held) this.#handBack(job, 0);
    this.#tools.pool.terminate();
    await closing;
  }

  /** Like {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(jobClass: JobClass, msg: Msg): void {
    const { nc, names } = this.#link;
    const delivery = readDelivery(nc, names, jobClass, msg);
    if (delivery === null) {
      this.#counts.refused++;
      return;
    }
    const held = this.#held.get(delivery.key);
    if (held !== undefined) {
      held.answers = delivery.answers;
      return;
    }
    const job = new HeldJob(delivery);
    this.#held.add(job);
    if (this.#closing !== null) this.#handBack(job, 0);
    else {
      this.#held.buffer(jobClass, job);
      this.#pump();
    }
  }

  /** Starts what there is room for, the most urgent first. */
  #pump(): void {
    while (this.#running < this.#pace.depth && !this.#publisher.full && this.#closing === null) {
      const job = this.#held.next();
      if (job === undefined) break;
      this.#running++;
      job.state = "starting";
      void this.#carryOut(job);
    }
    for (const puller of this.#pullers) puller.ask();
  }

  async #carryOut(job: HeldJob): Promise<void> {
    let isRunning = true;
    const ran = (): void => {
      if (!isRunning) return;
      isRunning = false;
      this.#running--;
      this.#pump();
    };
    try {
      this.#count(await new JobRun(job, this.#tools).carryOut(ran));
      job.state = "over";
    } catch (error) {
      if (job.state !== "over") {
        this.#warn(`Job ${job.text} is handed back: ${errorText(error)}`);
        this.#handBack(job, AGAIN_MS);
      }
    }
    this.#held.delete(job);
    ran();
    if (this.#held.size === 0) this.#idle?.();
  }

  #count(end: RunEnd): void {
    if (end === "returned") this.#counts.returned++;
    if (end === "stored" || end === "failed") this.#counts.done++;
    if (end === "failed") this.#counts.failed++;
  }

  #handBack(job: HeldJob, ms: number): void {
    if (job.state === "over") return;
    job.state = "over";
    this.#counts.returned++;
    job.answers.nak(ms);
    this.#held.delete(job);
  }

  #look(): void {
    this.#pace.look(this.#counts.done);
    for (const puller of this.#pullers) puller.look();
    this.#pump();
  }

  #renew(): void {
    for (const job of this.#held) job.answers.working();
  }

  async #close(): Promise<void> {
    // The rest of this class looks at #closing, which is set once this function has first waited.
    await Promise.resolve();
    this.#tools.board.tell();
    await Promise.all(this.#pullers.map((puller) => puller.stop()));
    for (let job; (job = this.#held.next()) !== undefined;) this.#handBack(job, 0);
    if (this.#held.size > 0) {
      await new Promise<void>((resolve) => this.#idle = resolve);
    }
    await this.#release();
    this.#end.resolve();
  }

  async #release(): Promise<void> {
    for (const ticker of this.#tickers) ticker.stop();
    this.#keeper.stop();
    this.#tools.board.tell();
    this.#tools.board.stop();
    this.#requests.stop();
    this.#publisher.close();
    this.#tools.pool.terminate();
    await this.#tools.pool.join();
    await this.#link.close();
  }

  /** The connection will not come back: what it holds is given to others when its lease has run out. */
  #lost(error: ClusterError): void {
    this.#end.reject(error);
    this.#held.loseAll();
    this.#idle?.();
    this.#tools.pool.terminate();
    void this.close();
  }
}

/** The lease that holds: the one with which the consumers were made. */
async function leaseOf(link: Link): Promise<number> {
  let lease = link.layout.lease;
  for (const jobClass of CLASSES) {
    const { config } = await link.manager.consumers.info(link.names.jobs(jobClass), DURABLE);
    lease = Math.min(lease, (config.ack_wait ?? lease * 1e6) / 1e6);
  }
  return lease;
}

function hostName(): string {
  try {
    return Deno.hostname();
  } catch {
    return "unknown";
  }
}

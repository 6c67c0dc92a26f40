/** What a cluster can be told, checked; and what it tells. */
import { checkOneOf, checkString, checkWhole, COUNT } from "../../kernel/checks.ts";
import { checkLimit, checkPriority } from "../../parallel/pool/options.ts";
import type { JobDemand } from "../../parallel/pool/job.ts";
import type { Operation } from "../../kernel/operation.ts";
import type { Addressed, AnyFunction, JobArguments, JobResult } from "../../parallel/jobs.ts";
import type { CancelPolicy, Future } from "../../parallel/pool/future.ts";
import type { ConnectOptions } from "../link/connect_options.ts";
import type { NodeHealth } from "../wire/health.ts";

/** How a cluster is to be. */
export interface ClusterOptions extends ConnectOptions {
  /** Names the cluster: nodes and submitters of one name belong together. @default {"weft"} */
  name?: string;
  /**
   * Names this submitter in the keys of its jobs. No two that live at a time may share one.
   * @default a fresh name
   */
  submitter?: string;
  /** How many jobs may be stored and unfinished at a time; more wait here. @default {8192} */
  window?: number;
  /** How many jobs may wait here before `trySubmit` refuses and `ready` waits. @default {8192} */
  queue?: number;
  /** How many milliseconds each job may run, unless it says otherwise. @default any time */
  timeout?: number;
  /** What a cancel does to a job that runs, unless the job says otherwise. @default {"kill"} */
  onCancel?: CancelPolicy;
  /** How often a job may be started, unless it says otherwise. @default {5} */
  maxAttempts?: number;
  /** How long to wait for the server and its streams, in milliseconds. @default {10_000} */
  connectTimeout?: number;
  /**
   * How long a job may wait to be stored, in milliseconds; then it fails with a `ClusterError`. A server
   * that is away, and one that has no room, are waited for until then. @default {Infinity}
   */
  acceptTimeout?: number;
  /** A secret of submitters and nodes: results are signed with it, and others are refused. */
  resultKey?: string;
  /** On how many servers streams are kept, where this program makes them. @default {1} */
  replicas?: number;
  /**
   * How long a node may be silent about a job before another gets it, in milliseconds, where this program
   * makes the streams. @default {30_000}
   */
  lease?: number;
  /**
   * How long results are kept, in milliseconds, where this program makes the streams. Each takes some of
   * the server's memory: 250 000 about 120 MB, measured on 2.9. @default an hour
   */
  keep?: number;
  /** How many workers there are, where there is no server. @default as many as there are processors */
  workers?: number;
}

/** How single jobs are to be treated. */
export interface ClusterJobOptions {
  /** How many milliseconds a run of the job may take. @default the cluster's */
  timeout?: number;
  /** Cancels the job when it aborts. */
  signal?: AbortSignal;
  /** What a cancel does to the job if it runs. @default the cluster's */
  onCancel?: CancelPolicy;
  /**
   * How urgent the job is. There are three classes: above zero, zero, below. A node prefers the more
   * urgent class among the jobs that it has taken, so the order is strict only while nodes have
   * taken as many jobs as they may. @default {0}
   */
  priority?: number;
  /** How often the job may be started. @default the cluster's */
  maxAttempts?: number;
  /**
   * Jobs of this submitter with the same word run one after another, in the order in which they were
   * submitted: the next is stored when the one before has ended, in whatever way.
   */
  order?: string;
}

/** How a map is to be treated. */
export interface ClusterMapOptions {
  /** How many milliseconds a run of each job may take. @default the cluster's */
  timeout?: number;
  /**
   * The most items that may be under way at a time, exactly: drawn, but without a result; in an `imap`,
   * drawn, but not yet read. @default {4096}
   */
  window?: number;
  /** How urgent its jobs are; see {@linkcode ClusterJobOptions.priority}. @default {0} */
  priority?: number;
}

/**
 * The result of a job of a cluster: a {@linkcode Future} like a pool's, which another program can wait for
 * too, by its key.
 *
 * @typeParam T What the job returns.
 */
export interface ClusterFuture<T> extends Future<T> {
  /** By this, `attach` finds the job again, in this program or in another. */
  readonly key: string;
  /**
   * Waits until the job is stored, so that it will run although this program ends. Throws what the
   * job ended with, if that was an error, before it was stored.
   */
  accepted(): Operation<void>;
}

/** What waits and runs, and who is there. */
export interface ClusterStatistics {
  /** Where this submitter stands. */
  readonly state: ClusterState;
  /** Jobs that wait here, because the window is full or there is no connection. */
  readonly waiting: number;
  /** Jobs of this submitter that are being stored, or are stored, and have not ended. */
  readonly outstanding: number;
  /** Jobs that were ever submitted here. */
  readonly submitted: number;
  /** Jobs of this submitter that have ended, cancelled ones included. */
  readonly settled: number;
  /** Messages that were sent again, since no answer came. */
  readonly resent: number;
  /** Jobs that a server had lost, and that were stored anew. */
  readonly restored: number;
  /** Messages on the subjects of this submitter that were no genuine results. */
  readonly refused: number;
  /** Jobs of all submitters that are stored and that no node has, by class. */
  readonly queued: { readonly high: number; readonly normal: number; readonly low: number };
  /** Jobs of all submitters that nodes have. */
  readonly inFlight: number;
  /** The nodes that tell of themselves. */
  readonly nodes: readonly NodeHealth[];
}

/**
 * Where a submitter stands: it takes jobs; it finishes those it has; it has ended. Or it is broken: it
 * could not connect, or was shut out.
 */
export type ClusterState = "open" | "closing" | "ended" | "broken";

/** Sends jobs: a cluster, or a cluster with options set by `with`. */
export interface ClusterSender {
  /** Hands in a job. */
  submit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): ClusterFuture<JobResult<F>>;
  /** Hands in a job unless the queue is full. */
  trySubmit<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): ClusterFuture<JobResult<F>>;
  /** Hands in a job and waits for it. */
  apply<F extends AnyFunction>(
    job: Addressed<F>,
    ...args: JobArguments<F>
  ): Operation<JobResult<F>>;
}

/** How a job of a cluster is to be treated. */
export interface ClusterDemand extends JobDemand {
  /** How often it may be started. */
  readonly maxAttempts: number;
  /** The word of those that run one after another; `null` for none. */
  readonly order: string | null;
}

const POLICIES = ["wait", "flag", "kill"] as const satisfies readonly CancelPolicy[];

/** What jobs get that demand nothing. */
export function usualDemand(options: ClusterOptions): ClusterDemand {
  const { timeout, onCancel = "kill", maxAttempts = 5 } = options;
  return {
    limit: checkLimit(timeout),
    onCancel: checkOneOf(onCancel, POLICIES, "onCancel"),
    priority: 0,
    maxAttempts: checkAttempts(maxAttempts),
    order: null,
  };
}

/** What a job gets that demands something. */
export function demandOf(usual: ClusterDemand, options: ClusterJobOptions): ClusterDemand {
  const { timeout, onCancel, priority, maxAttempts, order } = options;
  return {
    limit: timeout === undefined ? usual.limit : checkLimit(timeout),
    onCancel: onCancel === undefined ? usual.onCancel : checkOneOf(onCancel, POLICIES, "onCancel"),
    priority: priority === undefined ? usual.priority : checkPriority(priority),
    maxAttempts: maxAttempts === undefined ? usual.maxAttempts : checkAttempts(maxAttempts),
    order: order === undefined ? usual.order : checkString(order, "a word for an order"),
  };
}

function checkAttempts(count: number): number {
  return checkWhole(count, "use", "as the most attempts", { ...COUNT, most: 1_000_000 });
}

/** What stands behind a cluster: servers and nodes, or the workers of this machine. */
import type { Operation } from "../../kernel/operation.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import type { Addressed, AnyFunction } from "../../parallel/jobs.ts";
import type { Future } from "../../parallel/pool/future.ts";
import type { Job } from "../../parallel/pool/job.ts";
import type { ResultStream } from "../../parallel/pool/result_stream.ts";
import type {
  ClusterDemand,
  ClusterFuture,
  ClusterMapOptions,
  ClusterStatistics,
} from "./options.ts";

/** The verbs that apply a job to many items. */
export interface EngineMaps {
  /** All results at once; with `spread`, each item is a list of arguments. */
  map(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: ClusterMapOptions,
    spread: boolean,
  ): Operation<unknown[]>;
  /** One result after another, in the order of the items or as they come. */
  imap(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: ClusterMapOptions,
    ordered: boolean,
  ): ResultStream<unknown>;
}

/** Takes jobs and gives futures. */
export interface Engine {
  /** How jobs are treated that demand nothing else. */
  readonly usual: ClusterDemand;
  /** Applies a job to many items. */
  readonly maps: EngineMaps;
  /** Whether as many jobs wait as should. */
  readonly full: boolean;
  /** Throws `WouldBlock` if as many jobs wait as should. */
  refuseIfFull(): void;
  /** Waits until there is room. */
  ready(): Operation<void>;
  /** Takes a job. */
  submit(
    job: Addressed<AnyFunction>,
    args: readonly unknown[],
    demand: ClusterDemand,
  ): Job & ClusterFuture<unknown>;
  /** Finds a job by its key. */
  attach(key: string): Future<unknown> & ClusterFuture<unknown>;
  /** Asks for what waits and runs. */
  statistics(): Promise<ClusterStatistics>;
  /** Takes no more jobs; ends when those it has are done. */
  close(): void;
  /** Waits for the end. */
  join(): Operation<void>;
  /** Cancels every job, and ends. */
  terminate(): void;
  /** Ends without cancelling what is stored. */
  detach(): void;
  /** Terminates; resolves at the end. */
  release(): Promise<void>;
}

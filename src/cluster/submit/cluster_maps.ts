/**
 * Maps on a cluster: the pool's own way of drawing items and of keeping a window, with a job for each
 * item in place of a batch for a worker.
 */
import type { Operation } from "../../kernel/operation.ts";
import type { Addressed, AnyFunction, JobAddress } from "../../parallel/jobs.ts";
import type { Batch } from "../../parallel/pool/batch.ts";
import type { ItemHost, ItemRun } from "../../parallel/pool/item_run.ts";
import type { JobKind } from "../../parallel/pool/job_kinds.ts";
import { type MapHost, mapOn, streamOn } from "../../parallel/pool/map.ts";
import type { ResultStream } from "../../parallel/pool/result_stream.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import type { ClusterJob } from "./cluster_job.ts";
import type { EngineMaps } from "./engine.ts";
import type { ClusterDemand, ClusterMapOptions } from "./options.ts";

/** How many items of a map may be out, unless said otherwise. */
const WINDOW = 4096;

/** One item at a time, however long it may take. */
const ONE = { most: 1, jobs: 1, ms: Infinity, idle: true } as const;

/** What makes jobs of items. */
export interface MapsHost {
  /** What jobs get that demand nothing. */
  readonly usual: ClusterDemand;
  /** There is something to take. */
  pump(): void;
  /** What is known of a function. */
  kindOf(address: JobAddress): JobKind;
  /** Throws if no map may begin. */
  refuseIfClosed(verb: string): void;
  /** Makes a job that is in no line. */
  make(job: Addressed<AnyFunction>, args: readonly unknown[], demand: ClusterDemand): ClusterJob;
}

/** The maps of one submitter. */
export class ClusterMaps implements ItemHost, MapHost, EngineMaps {
  /** Names it in reports. */
  readonly name: string;
  /** How many items of a map may be out. */
  readonly window: number = WINDOW;
  readonly #host: MapsHost;
  readonly #runs = new Map<ItemRun, Addressed<AnyFunction>>();
  readonly #jobs = new Map<Batch, ClusterJob>();

  /** No map yet. */
  constructor(name: string, host: MapsHost) {
    this.name = name;
    this.#host = host;
  }

  /** Whether a map is under way. */
  get busy(): boolean {
    return this.#runs.size > 0;
  }

  /** All results at once; with `spread`, each item is a list of arguments. */
  map(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: ClusterMapOptions,
    spread: boolean,
  ): Operation<unknown[]> {
    return mapOn(spread, this, job, items, options);
  }

  /** One result after another. */
  imap(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: ClusterMapOptions,
    ordered: boolean,
  ): ResultStream<unknown> {
    return streamOn(ordered, this, job, items, options);
  }

  // -- For what begins a map: see MapHost --

  /** What jobs get that demand nothing. */
  get usual(): ClusterDemand {
    return this.#host.usual;
  }

  /** Who deals out the items. */
  get itemHost(): ItemHost {
    return this;
  }

  /** Throws if no map may begin. */
  refuseIfClosed(verb: string): void {
    this.#host.refuseIfClosed(verb);
  }

  /** What is known of a function. */
  kindOf(address: JobAddress): JobKind {
    return this.#host.kindOf(address);
  }

  /** Takes a map of this function. */
  add(run: ItemRun, job: Addressed<AnyFunction>): void {
    this.#runs.set(run, job);
  }

  // -- For the submitter --

  /** Makes a job of the next item of the most urgent map; of equally urgent ones each in turn. */
  take(): ClusterJob | null {
    for (const run of [...this.#runs.keys()].sort((a, b) => b.priority - a.priority)) {
      const made = this.#takeFrom(run);
      if (made !== null) return made;
    }
    return null;
  }

  /** Ends every map. */
  drop(error: unknown): void {
    for (const run of [...this.#runs.keys()]) run.fail(error);
  }

  // -- For the maps --

  /** There is something to take. */
  more(): void {
    this.#host.pump();
  }

  /** The map has ended early. */
  halt(batch: Batch, reason: unknown): void {
    this.#jobs.get(batch)?.cancel(reason);
    this.#jobs.delete(batch);
  }

  /** The map is over. */
  finished(run: ItemRun): void {
    this.#runs.delete(run);
    this.#host.pump();
  }

  #takeFrom(run: ItemRun): ClusterJob | null {
    const job = this.#runs.get(run);
    const batch = job === undefined ? null : run.take(ONE);
    if (batch === null) return null;
    this.#runs.delete(run); // to the back of the line
    if (!run.over) this.#runs.set(run, job!);
    const { args, limits, priority } = batch.content;
    const demand = { ...this.#host.usual, limit: limits as number, priority };
    const made = this.#host.make(job!, args, demand);
    this.#jobs.set(batch, made);
    made.link(() => {
      if (!this.#jobs.delete(batch)) return;
      if (made.successful) batch.answer(0, [made.value], null);
      else batch.fail(() => made.error);
    });
    return made;
  }
}

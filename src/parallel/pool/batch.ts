/**
 * A batch: jobs on their way to one worker, and the line between those begun and those not.
 *
 * The claim word draws the line (see wire.ts). Taking back works at any time, on a worker that
 * computes, that has crashed, or that has not even started, because it is one atomic addition that
 * the worker either saw before it began a job or did not.
 */
import type { JobKind } from "./job_kinds.ts";
import { packArguments } from "../shared/pack.ts";
import type { Movable } from "../transfer.ts";
import type { LostJob } from "../worker_error.ts";
import {
  type BatchMessage,
  callWord,
  cancelWord,
  claimWord,
  type Column,
  type FunctionDefinition,
  skipWord,
  TAKEN,
} from "../thread/wire.ts";

/** What sent the jobs of a batch and wants to hear of them, by their index in it. */
export interface BatchOwner<T> {
  /** Consecutive jobs, from `first` on, returned these values. */
  returned(first: number, values: readonly unknown[], batch: Batch<T>): void;
  /** The job failed. */
  failed(index: number, error: unknown, batch: Batch<T>): void;
  /** The job reports something on its way. */
  reported(index: number, value: unknown, batch: Batch<T>): void;
  /** The jobs from `from` on were not begun and are the owner's again. */
  takenBack(from: number, batch: Batch<T>): void;
  /** The pool has been terminated: the job will not be heard of again. */
  dropped(index: number, reason: unknown, batch: Batch<T>): void;
}

/** The worker a batch was sent to, as the batch sees it. */
export interface BatchCarrier {
  /** The words that pool and worker share. */
  readonly words: Int32Array;
  /** How long the worker took to start, in milliseconds; `Infinity` while it is not up. */
  readonly startMs: number;
  /** Tells a running job to stop. */
  abort(slot: number, index: number, reason: unknown): void;
  /** Takes back whatever it has not begun, of this batch and of others. */
  takeBack(): void;
}

/** What a batch carries. */
export interface BatchContent {
  /** How many jobs. */
  readonly count: number;
  /** Whose functions; one for all, or one for each. */
  readonly kinds: Column<JobKind>;
  /** How many arguments each has. */
  readonly arity: Column<number>;
  /** All arguments. */
  readonly args: readonly unknown[];
  /** How long each may take; 0 for any time. */
  readonly limits: Column<number>;
  /** What is to be moved; such a batch cannot be taken back. */
  readonly movables: readonly Movable[] | null;
  /** Expected time per job, in milliseconds; `Infinity` if nobody knows. */
  readonly cost: number;
  /** How urgent the least urgent of them is. */
  readonly priority: number;
}

/**
 * Jobs that travel together.
 *
 * @typeParam T What the owner has of each: a job with its future, or an item of a map, because a hundred
 *   thousand items get no hundred thousand futures.
 */
export class Batch<T = unknown> {
  /** What it carries. */
  readonly content: BatchContent;
  /** The jobs or items. */
  readonly items: readonly T[];
  /** The place of the first among all items of a map. */
  readonly first: number;
  /** Its name among the batches of its worker: which words are its own. */
  slot = -1;
  /** Who has it. */
  carrier: BatchCarrier | null = null;
  /** How many of its jobs are the worker's to do: fewer after some were taken back. */
  count: number;
  /** How many of these have been answered. */
  answered = 0;
  /** Whether its worker has heard that its task is to stop. */
  heard = false;
  /** Whether it is a job that is a task body, by itself, so that it holds no turn. */
  isTask = false;
  /** When it was sent, if it is one. */
  sentAt = 0;
  /** The job that was ended out of turn, by {@linkcode failAt}. */
  #ended = -1;
  readonly #owner: BatchOwner<T>;

  /** A batch that has not been sent. */
  constructor(
    owner: BatchOwner<T>,
    content: BatchContent,
    items: readonly T[] = [],
    first: number = 0,
  ) {
    this.#owner = owner;
    this.content = content;
    this.items = items;
    this.first = first;
    this.count = content.count;
  }

  /** How many jobs the worker still owes. */
  get owed(): number {
    return this.count - this.answered;
  }

  /** Whether the owner has yet to hear of some job. */
  get open(): boolean {
    return this.owed > (this.#ended >= this.answered ? 1 : 0);
  }

  /** How many jobs have not been begun and can be taken back. */
  get idle(): number {
    if (this.carrier === null || this.content.movables !== null) return 0;
    return this.count - this.#begun;
  }

  /** The index of the job that its worker is at; -1 if there is none. */
  get running(): number {
    if (this.carrier === null) return -1;
    // The worker claims once more to find that there is no further job.
    const index = (Atomics.load(this.carrier.words, claimWord(this.slot)) & (TAKEN - 1)) - 1;
    return index >= this.answered && index < this.count ? index : -1;
  }

  /** Whether the function of that job has been called, and its time runs; for jobs that have a limit. */
  get called(): boolean {
    const { carrier, running } = this;
    if (running < 0) return false;
    const word = Atomics.load(carrier!.words, callWord(this.slot));
    return word < 0 || word === running + 1;
  }

  /** The number of the send that its worker is at; 0 if it sends nothing. */
  get sending(): number {
    if (this.carrier === null) return 0;
    return -Math.min(0, Atomics.load(this.carrier.words, callWord(this.slot)));
  }

  /** How many jobs have been begun, or can be no more; whatever a worker may have written there. */
  get #begun(): number {
    const begun = Atomics.load(this.carrier!.words, claimWord(this.slot));
    return Math.min(this.count, Math.max(0, begun));
  }

  /** Clears its words and makes the message; functions not in `known` are explained in it. */
  address(carrier: BatchCarrier, slot: number, known: ReadonlySet<number>): BatchMessage {
    this.carrier = carrier;
    this.slot = slot;
    Atomics.store(carrier.words, claimWord(slot), 0);
    Atomics.store(carrier.words, cancelWord(slot), 0);
    Atomics.store(carrier.words, callWord(slot), 0);
    Atomics.store(carrier.words, skipWord(slot), 0);
    const { count, kinds, arity, args, limits, movables } = this.content;
    const functions = isList(kinds) ? kinds.map((kind) => kind.id) : kinds.id;
    const fresh = isList(kinds)
      ? [...new Set(kinds)].filter(({ id }) => !known.has(id))
      : known.has(kinds.id)
      ? nothing
      : [kinds];
    const shared = packArguments(args);
    const message = ["batch", slot, count, functions, arity, shared?.args ?? args] as const;
    const isPlain = shared === null && movables === null;
    if (isPlain && fresh.length === 0 && limits === 0) return message;
    const define = fresh.map(definition);
    if (isPlain) return [...message, define, limits];
    return [...message, define, limits, shared?.packed ?? null, movables !== null];
  }

  /** The kind of the job at `index`. */
  kindAt(index: number): JobKind {
    const { kinds } = this.content;
    return isList(kinds) ? kinds[index]! : kinds;
  }

  /** The name of the job at `index`, if there is one. */
  nameAt(index: number): string | undefined {
    return index >= 0 && index < this.content.count ? this.kindAt(index).name : undefined;
  }

  /** Whether the worker has begun the job at `index`. */
  hasBegun(index: number): boolean {
    return this.#begun > index;
  }

  /** How far the job at `index` had come when its worker ended, and what could be had been taken back. */
  lostAt(index: number): LostJob {
    const begun = this.#begun;
    return index >= begun ? "moved" : index === begun - 1 ? "running" : "unsent";
  }

  /** Takes back the jobs that have not been begun. Returns whether there were any. */
  takeBack(): boolean {
    if (this.idle === 0) return false;
    return this.#cut(Math.max(0, Atomics.add(this.carrier!.words, claimWord(this.slot), TAKEN)));
  }

  /**
   * Has a job passed over that cannot be taken back because it was moved. Returns whether it surely will
   * be: the worker claims a job before it looks at the bits, and they are written here before the claim
   * is looked at.
   */
  skip(index: number): boolean {
    if (this.content.movables === null) return false;
    Atomics.or(this.carrier!.words, skipWord(this.slot), 1 << index);
    return this.#begun <= index;
  }

  /** Gives every job back to its owner: the batch could not be sent. */
  refuse(): void {
    this.#cut(0);
  }

  /** Tells the running job at `index` to stop, by a word it can see and by a message it can hear. */
  signal(index: number, reason: unknown): void {
    Atomics.store(this.carrier!.words, cancelWord(this.slot), index + 1);
    this.carrier!.abort(this.slot, index, reason);
  }

  /** Takes in the results of consecutive jobs, and the failures among them, in order. */
  answer(
    first: number,
    values: readonly unknown[],
    failures: ReadonlyMap<number, unknown> | null,
  ): void {
    const end = Math.min(first + values.length, this.count);
    this.answered = end;
    if (failures === null && this.#ended < 0) return this.#owner.returned(first, values, this);
    let from = first;
    for (const [index, error] of this.#exceptions(failures)) {
      if (index >= end) break;
      if (index > from) this.#owner.returned(from, values.slice(from - first, index - first), this);
      if (index !== this.#ended) this.#owner.failed(index, error, this);
      from = index + 1;
    }
    if (from < end) this.#owner.returned(from, values.slice(from - first, end - first), this);
  }

  /** A job reports something; one that is over no more. */
  report(index: number, value: unknown): void {
    if (index >= this.answered && index < this.count) this.#owner.reported(index, value, this);
  }

  /** Ends one job, whose worker is about to be given up. */
  failAt(index: number, error: unknown): void {
    this.#ended = index;
    this.#owner.failed(index, error, this);
  }

  /** Ends every job that is still owed, each with an error of its own. */
  fail(makeError: (index: number) => unknown): void {
    const first = this.answered;
    this.answered = this.count;
    for (let index = first; index < this.count; index++) {
      if (index !== this.#ended) this.#owner.failed(index, makeError(index), this);
    }
  }

  /** Ends every job that is still owed, and lets none begin: the pool was terminated. */
  drop(reason: unknown): void {
    if (this.carrier !== null) Atomics.add(this.carrier.words, claimWord(this.slot), TAKEN);
    const first = this.answered;
    this.answered = this.count;
    for (let index = first; index < this.count; index++) this.#owner.dropped(index, reason, this);
  }

  /** What failed, and what was ended before it was answered, in order. */
  #exceptions(failures: ReadonlyMap<number, unknown> | null): Iterable<[number, unknown]> {
    const all = [...failures ?? []];
    if (this.#ended >= 0 && failures?.has(this.#ended) !== true) all.push([this.#ended, undefined]);
    return all.sort(([a], [b]) => a - b);
  }

  #cut(keep: number): boolean {
    if (keep >= this.count) return false;
    this.count = keep;
    this.#owner.takenBack(keep, this);
    return true;
  }
}

/** One value for all jobs if it is the same for each; no list is made for that. */
export function columnOf<T, V>(jobs: readonly T[], valueOf: (job: T) => V): Column<V> {
  const first = valueOf(jobs[0]!);
  for (let i = 1; i < jobs.length; i++) {
    if (valueOf(jobs[i]!) !== first) return jobs.map(valueOf);
  }
  return first;
}

/** The arguments of consecutive jobs, one after another, and how many each has. */
export function layOut<T>(
  jobs: readonly T[],
  argsOf: (job: T) => readonly unknown[],
): Pick<BatchContent, "arity" | "args"> {
  const args: unknown[] = [];
  for (let i = 0; i < jobs.length; i++) {
    const own = argsOf(jobs[i]!);
    for (let j = 0; j < own.length; j++) args.push(own[j]);
  }
  return { arity: columnOf(jobs, (job) => argsOf(job).length), args };
}

const nothing: readonly JobKind[] = [];

function isList(kinds: Column<JobKind>): kinds is readonly JobKind[] {
  return Array.isArray(kinds);
}

function definition({ id, address, isTaskBody }: JobKind): FunctionDefinition {
  return [id, address.url, address.name, isTaskBody];
}

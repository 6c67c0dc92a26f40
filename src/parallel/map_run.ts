/**
 * One `pool.map` under way: draws items, deals them out in stretches, puts the results in place.
 *
 * A hundred thousand items get no hundred thousand futures: a stretch of consecutive items is one
 * object, and its results are copied to where they belong. Stretches that come back (from a busy
 * worker, or a crashed one) are dealt out again before new items are drawn.
 */
import { cancelled } from "../kernel/errors.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { Batch, type BatchOwner } from "./batch.ts";
import { type Feed, type FeedListener, feedOf } from "./feed.ts";
import type { JobKind } from "./job_kind.ts";
import type { Allowance, JobSource } from "./job_source.ts";
import { movablesOf } from "./transfer.ts";
import { weightOf } from "./weight.ts";

/** Whoever deals out the stretches. */
export interface MapHost {
  /** The map has something to deal out. */
  more(): void;
  /** Ends a batch early: nothing further of it begins, and what runs is told to stop. */
  halt(batch: Batch, reason: unknown): void;
  /** The map is over. */
  finished(run: MapRun): void;
}

/** What a map is of. */
export interface MapWork {
  /** The function. */
  readonly kind: JobKind;
  /** Its arguments. */
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  /** The most items that may be out at a time. */
  readonly window: number;
  /** How many milliseconds each may take; 0 for any time. */
  readonly limit: number;
}

/** Consecutive items in one batch. */
class Stretch implements BatchOwner {
  readonly #run: MapRun;
  readonly #first: number;
  readonly #items: readonly unknown[];
  #left: number;

  constructor(run: MapRun, first: number, items: readonly unknown[]) {
    this.#run = run;
    this.#first = first;
    this.#items = items;
    this.#left = items.length;
  }

  /** Whether something of it is still to come. */
  get open(): boolean {
    return this.#left > 0;
  }

  returned(first: number, values: readonly unknown[]): void {
    this.#left -= values.length;
    this.#run.place(this.#first + first, values, this);
  }

  failed(_index: number, error: unknown): void {
    this.#run.fail(error);
  }

  takenBack(from: number): void {
    this.#left -= this.#items.length - from;
    this.#run.giveBack(this.#first + from, this.#items.slice(from), this);
  }

  dropped(_index: number, reason: unknown): void {
    this.#run.fail(cancelled("shutdown", reason));
  }
}

/** A map that has begun and not ended. */
export class MapRun implements JobSource, WaitSource, FeedListener {
  /** Its jobs will surely end. */
  readonly host = "bound";
  readonly #work: MapWork;
  readonly #wait: Wait<unknown[]>;
  readonly #host: MapHost;
  readonly #feed: Feed;
  readonly #results: unknown[] = [];
  readonly #batches = new Map<Stretch, Batch>();
  #pieces: { first: number; items: readonly unknown[] }[] = [];
  #givenBack = 0;
  #weight = 0;
  #drawn = 0;
  #out = 0;
  #over = false;

  /** Begins: parks `wait`, or settles it if there is nothing to do. */
  constructor(work: MapWork, wait: Wait<unknown[]>, host: MapHost) {
    this.#work = work;
    this.#wait = wait;
    this.#host = host;
    this.#feed = feedOf(work.items, work.window, this);
    wait.park(this);
    this.#checkEnd();
  }

  /** The function's name. */
  get name(): string {
    return this.#work.kind.name;
  }

  /** Whether it has come to its end. */
  get over(): boolean {
    return this.#over;
  }

  /** How many items could be dealt out now. */
  get waiting(): number {
    if (this.#over) return 0;
    return this.#givenBack + Math.max(0, Math.min(this.#feed.ready, this.#work.window - this.#out));
  }

  /** About how long one worker would take for them. */
  get work(): number {
    const { waiting } = this;
    return waiting === 0 ? 0 : waiting * this.#work.kind.cost;
  }

  /** Deals out a stretch. */
  take({ jobs, ms, idle }: Allowance): Batch | null {
    const { kind, limit, window } = this.#work;
    if (!kind.measured && !idle) return null;
    const most = kind.measured ? Math.min(jobs, Math.max(1, Math.floor(ms / this.#itemCost))) : 1;
    let first = this.#drawn;
    let items: readonly unknown[];
    if (this.#pieces.length > 0) {
      ({ first, items } = this.#takePiece(most));
    } else {
      items = this.#draw(Math.min(most, window - this.#out));
    }
    if (items.length === 0) return null;
    this.#weight = weightOf(items[0]);
    this.#out += items.length;
    const stretch = new Stretch(this, first, items);
    const batch = new Batch(stretch, {
      count: items.length,
      kinds: kind,
      arity: 1,
      args: items,
      limits: limit,
      movables: movablesOf(items),
      cost: this.#itemCost,
    });
    this.#batches.set(stretch, batch);
    return batch;
  }

  /** Results have come. */
  place(first: number, values: readonly unknown[], stretch: Stretch): void {
    for (let i = 0; i < values.length; i++) this.#results[first + i] = values[i];
    this.#out -= values.length;
    if (stretch.open) return;
    this.#batches.delete(stretch);
    this.#checkEnd();
  }

  /** Items have come back without having been begun. */
  giveBack(first: number, items: readonly unknown[], stretch: Stretch): void {
    if (!stretch.open) this.#batches.delete(stretch);
    if (this.#over) return;
    this.#pieces.unshift({ first, items });
    this.#givenBack += items.length;
    this.#out -= items.length;
  }

  /** Ends the map with an error: of a job, of the iterable, or of the pool's end. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#stop(error);
    this.#wait.fail(error);
  }

  /** The waiting task is being cancelled. */
  abandon(wait: Wait): boolean {
    if (!this.#over) {
      this.#stop(wait.scope?.pending ?? cancelled("explicit", "the map was given up"));
    }
    return true;
  }

  /** There may be more items now. */
  fed(): void {
    if (this.#over) return;
    this.#checkEnd();
    this.#host.more();
  }

  /** The iterable threw. */
  starved(error: unknown): void {
    this.fail(error);
  }

  /** As in `map(fib)`. */
  toString(): string {
    return `map(${this.#work.kind.name})`;
  }

  /** What an item costs, if it weighs as much as those before it. */
  get #itemCost(): number {
    return this.#work.kind.cost + this.#weight;
  }

  #draw(count: number): unknown[] {
    let items: unknown[] = [];
    try {
      items = this.#feed.take(count);
    } catch (error) {
      this.fail(error);
    }
    this.#drawn += items.length;
    // One place for each, in order: a gap would turn the array into a slow hash table.
    for (let i = 0; i < items.length; i++) this.#results.push(undefined);
    if (items.length === 0) this.#checkEnd();
    return items;
  }

  #takePiece(most: number): { first: number; items: readonly unknown[] } {
    const piece = this.#pieces[0]!;
    const items = piece.items.slice(0, most);
    if (items.length === piece.items.length) this.#pieces.shift();
    else this.#pieces[0] = { first: piece.first + most, items: piece.items.slice(most) };
    this.#givenBack -= items.length;
    return { first: piece.first, items };
  }

  #checkEnd(): void {
    if (this.#over || this.#out > 0 || this.#givenBack > 0 || !this.#feed.ended) return;
    this.#end();
    this.#wait.settle(this.#results);
  }

  #stop(reason: unknown): void {
    this.#end();
    this.#feed.close();
    for (const batch of this.#batches.values()) this.#host.halt(batch, reason);
    this.#batches.clear();
    this.#pieces = [];
    this.#givenBack = 0;
  }

  #end(): void {
    this.#over = true;
    this.#host.finished(this);
  }
}

/**
 * A map under way, whatever becomes of its results: draws items and deals them out in batches.
 *
 * The window is kept here. An item counts from the moment it is drawn until its sink lets go of it: for
 * a `map` when its result is there, for an `imap` when the result has been read. What an async source
 * was asked for ahead counts as well, so that the bound is exact.
 *
 * Items that come back (from a busy worker, or a crashed one) are dealt out again, first items
 * first, before new ones are drawn.
 */
import { cancelled } from "../../kernel/errors.ts";
import { show } from "../../kernel/printable.ts";
import type { Addressed, AnyFunction, JobAddress } from "../jobs.ts";
import { Batch, type BatchOwner, layOut } from "./batch.ts";
import { type ItemSource, itemSourceOf, type ItemSourceOwner } from "./item_source.ts";
import type { JobKind } from "./job_kinds.ts";
import type { Allowance, JobSource } from "./placement.ts";
import { cloneCost, movablesOf, type Moving, movingOf } from "../transfer.ts";
import { MOST_MOVED } from "../thread/wire.ts";

/** A map that draws as it goes deals out no less than this part of its window at a time. */
const LEAST_PART = 8;

/** What deals out the batches. */
export interface ItemHost {
  /** What is known of a function. */
  kindOf(address: JobAddress): JobKind;
  /** Takes a map of this function that is about to begin. */
  add(run: ItemRun, job: Addressed<AnyFunction>): void;
  /** There is something to deal out. */
  more(): void;
  /** Ends a batch early: nothing further of it begins, and what runs is told to stop. */
  halt(batch: Batch, reason: unknown): void;
  /** The run is over. */
  finished(run: ItemRun): void;
}

/** Where the results go. */
export interface ItemSink {
  /** Consecutive items, from `first` on, have these values. */
  returned(first: number, values: readonly unknown[]): void;
  /** The item at `index` failed. */
  failed(index: number, error: unknown): void;
  /** The iterable threw: nothing further is drawn. */
  sourceFailed(error: unknown): void;
  /** Every item has ended, and there are no more. */
  finished(): void;
  /** The run was ended from outside: nothing further will come. */
  broken(error: unknown): void;
}

/** What is to be done. */
export interface ItemWork {
  /** The function. */
  readonly kind: JobKind;
  /** What it is called with. */
  readonly items: Iterable<unknown> | AsyncIterable<unknown>;
  /** Whether each item is a list of arguments, and not the one argument. */
  readonly spread: boolean;
  /** The most items that may be out at a time. */
  readonly window: number;
  /** How many items travel together; 0 for as many as seem good. */
  readonly chunk: number;
  /** How many milliseconds each may take; 0 for any time. */
  readonly limit: number;
  /** How urgent it is. */
  readonly priority: number;
  /** Hears what the jobs report. */
  readonly onProgress?: ((value: unknown, index: number) => void) | undefined;
}

/** Consecutive items. */
interface Piece {
  readonly first: number;
  readonly items: readonly unknown[];
}

/** Items dealt out, until there are no more. */
export class ItemRun implements JobSource, ItemSourceOwner, BatchOwner<unknown> {
  readonly #work: ItemWork;
  readonly #sink: ItemSink;
  readonly #host: ItemHost;
  readonly #source: ItemSource;
  readonly #batches = new Set<Batch>();
  #pieces: Piece[] = [];
  #givenBack = 0;
  #weight = 0;
  #drawn = 0;
  #out = 0;
  #held = 0;
  #over = false;
  /** When something was taken from it last. */
  turn = 0;

  /** A run that has drawn nothing. */
  constructor(work: ItemWork, sink: ItemSink, host: ItemHost) {
    this.#work = work;
    this.#sink = sink;
    this.#host = host;
    this.#source = itemSourceOf(work.items, this);
  }

  /** The function. */
  get kind(): JobKind {
    return this.#work.kind;
  }

  /** Whether its jobs are known to be task bodies. */
  get areTasks(): boolean {
    return this.#work.kind.isTaskBody;
  }

  /** How urgent it is. */
  get priority(): number {
    return this.#work.priority;
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** How many items may be drawn. */
  get room(): number {
    return this.#work.window - this.#held;
  }

  /** How many items could be dealt out now. */
  get waiting(): number {
    if (this.#over) return 0;
    return this.#givenBack + Math.max(0, Math.min(this.#source.ready, this.room));
  }

  /** About how long one worker would take for them. */
  get work(): number {
    const { waiting } = this;
    return waiting === 0 ? 0 : waiting * this.#work.kind.cost;
  }

  /** Begins. */
  begin(): void {
    this.#source.draw();
    this.moreItems();
  }

  /** Deals out a batch. */
  take(allowance: Allowance): Batch | null {
    const { kind, limit } = this.#work;
    if (!kind.measured && !allowance.idle) return null;
    const piece = this.#pieces.length > 0
      ? this.#takePiece(this.#most(allowance))
      : this.#draw(Math.min(this.#most(allowance), this.room));
    const { first, items } = this.#splitMoved(piece);
    if (items.length === 0 || this.#over) return null;
    const { arity, args } = this.#work.spread
      ? layOut(items as readonly (readonly unknown[])[], (list) => list)
      : { arity: 1, args: items };
    this.#weight = cloneCost(args[0]);
    this.#out += items.length;
    const content = {
      count: items.length,
      kinds: kind,
      arity,
      args,
      limits: limit,
      movables: movablesOf(args),
      cost: this.#itemCost,
      priority: this.#work.priority,
    };
    const batch = new Batch(this, content, items, first);
    this.#batches.add(batch);
    return batch;
  }

  /** The sink needs no room any more for `count` items. */
  release(count: number): void {
    if (this.#over) return;
    this.#held -= count;
    this.#source.draw();
  }

  /** Ends it from outside. */
  fail(error: unknown): void {
    if (this.#over) return;
    try {
      // What the source says to being closed does not count: the run has its outcome.
      this.stop(error)?.catch(() => {});
    } catch {
      // The same.
    }
    this.#sink.broken(error);
  }

  /**
   * Ends it because nobody wants the rest. Nothing further is drawn or begun, what runs is told to
   * stop, and the source is closed. Throws what the source throws at that, or gives its promise.
   */
  stop(reason: unknown): Promise<unknown> | void {
    if (this.#over) return;
    this.#end();
    for (const batch of this.#batches) this.#host.halt(batch, reason);
    this.#batches.clear();
    this.#pieces = [];
    this.#givenBack = 0;
    return this.#source.close();
  }

  // -- What its source and the batches tell --

  /** There may be more items now. */
  moreItems(): void {
    if (this.#over) return;
    this.#checkEnd();
    this.#host.more();
  }

  /** The iterable threw. */
  sourceFailed(error: unknown): void {
    if (this.#over) return;
    this.#sink.sourceFailed(error);
    this.moreItems();
  }

  /** Results have come. */
  returned(first: number, values: readonly unknown[], batch: Batch): void {
    if (this.#over) return;
    this.#out -= values.length;
    this.#sink.returned(batch.first + first, values);
    this.#answered(batch);
  }

  /** An error has come. */
  failed(index: number, error: unknown, batch: Batch): void {
    if (this.#over) return;
    this.#out--;
    this.#sink.failed(batch.first + index, error);
    this.#answered(batch);
  }

  /** The job of an item reports something. Who listens is the user's code: its error ends the map. */
  reported(index: number, value: unknown, batch: Batch): void {
    if (this.#over) return;
    try {
      this.#work.onProgress?.(value, batch.first + index);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Items have come back. */
  takenBack(from: number, batch: Batch): void {
    if (!batch.open) this.#batches.delete(batch);
    if (this.#over) return;
    const items = batch.items.slice(from);
    this.#pieces.push({ first: batch.first + from, items });
    this.#pieces.sort((a, b) => a.first - b.first);
    this.#givenBack += items.length;
    this.#out -= items.length;
  }

  /** The pool was terminated. */
  dropped(_index: number, reason: unknown): void {
    this.fail(cancelled("shutdown", reason));
  }

  /** How many items the next batch should have at most. */
  #most({ most, jobs, ms }: Allowance): number {
    const { chunk, kind, window } = this.#work;
    if (kind.mayBeTaskBody) return 1; // those travel by themselves
    if (chunk > 0) return Math.min(chunk, most);
    if (!kind.measured) return 1;
    // The last items are shared out. Before that, small chunks would make small rooms for small ones.
    const last = this.#source.complete && this.#source.ready <= this.room;
    const share = last ? jobs : Math.max(jobs, Math.floor(window / LEAST_PART));
    return Math.min(share, most, Math.max(1, Math.floor(ms / this.#itemCost)));
  }

  /** What an item costs, if it weighs as much as those before it. */
  get #itemCost(): number {
    return this.#work.kind.cost + this.#weight;
  }

  /** Cuts a piece so that only what travels together is in it. */
  #splitMoved(piece: Piece): Piece {
    const { first, items } = piece;
    const { spread } = this.#work;
    if (items.length === 0 || (!spread && movablesOf(items) === null)) return piece;
    const moving = (place: number): Moving =>
      movingOf(spread ? items[place] as readonly unknown[] : [items[place]]);
    const like = moving(0);
    const most = like === "more" ? 1 : like === "itself" ? MOST_MOVED : items.length;
    let size = 1;
    while (size < Math.min(most, items.length) && moving(size) === like) size++;
    if (size === items.length) return piece;
    this.#pieces.unshift({ first: first + size, items: items.slice(size) });
    this.#givenBack += items.length - size;
    return { first, items: items.slice(0, size) };
  }

  #draw(count: number): Piece {
    const first = this.#drawn;
    const items = this.#listed(this.#source.take(count));
    this.#drawn += items.length;
    this.#held += items.length;
    this.#source.draw(); // only now is it known how much room there is
    if (items.length === 0) this.#checkEnd();
    return { first, items };
  }

  /** Where items are lists of arguments, as arrays: what is no list ends the map. */
  #listed(items: readonly unknown[]): readonly unknown[] {
    if (!this.#work.spread) return items;
    try {
      return items.map(listOf);
    } catch (error) {
      this.fail(error);
      return [];
    }
  }

  #takePiece(most: number): Piece {
    const piece = this.#pieces[0]!;
    const items = piece.items.slice(0, most);
    if (items.length === piece.items.length) this.#pieces.shift();
    else this.#pieces[0] = { first: piece.first + most, items: piece.items.slice(most) };
    this.#givenBack -= items.length;
    return { first: piece.first, items };
  }

  #answered(batch: Batch): void {
    if (batch.open || this.#over) return;
    this.#batches.delete(batch);
    this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#over || this.#out > 0 || this.#givenBack > 0 || !this.#source.ended) return;
    this.#end();
    this.#sink.finished();
  }

  #end(): void {
    this.#over = true;
    this.#host.finished(this);
  }
}

/**
 * An item as an array of arguments, in which a hole is `undefined`, as in a call.
 *
 * @throws {TypeError} If it is no list; whatever its iterator throws.
 */
function listOf(item: unknown): readonly unknown[] {
  if (typeof item === "object" && item !== null && Symbol.iterator in item) {
    return [...item as Iterable<unknown>];
  }
  throw new TypeError(
    `Cannot spread ${show(item)} over the arguments of a job: it is no list`,
  );
}

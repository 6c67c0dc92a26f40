/**
 * What callers see of an `imap`: its results, one after another.
 *
 * Two ways of reading because the two lanes differ: `for await` exists in async code only and tells the
 * iterator when the loop is left, but an error ends it. `next()` works in both, and one can go on
 * after an error, as with Python's `imap`, but then must say when one is done (by `using`, or `cancel`).
 *
 * While it is under way, results wait in a buffer for readers, or readers for results. Room for new items is made a quarter of a window at a time, or when a reader finds nothing: a deal for
 * every result that is read would send items one by one. And it is made by the next read, not by the one
 * that hands a result out, because that result has not been looked at yet: so a source never sees more
 * than `window` of its items unread, however it counts. Code outside of every task reads through
 * plain promises: an operation would start a run of its own for every result.
 */
import { currentScope } from "../../kernel/context.ts";
import { cancelled } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Resource } from "../../kernel/resource.ts";
import type { Scheduler } from "../../kernel/scheduler.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import { Deque } from "../../internal/deque.ts";
import type { ItemRun, ItemSink } from "./item_run.ts";
import { currentRun } from "./failure_log.ts";

/**
 * The results of an `imap`, read as they are needed.
 *
 * - Nothing is drawn or sent before the first read. From then on items are drawn as workers take them,
 *   and never more than `window` are drawn and not yet read: exactly, and the result that was read last
 *   counts until the next read. (Several readers at once may each have one more in hand.)
 * - `for await` ends it when the loop is left, in whatever way: a `break`, a cancel, an error. The
 *   error of an item is thrown in its place and so ends the loop.
 * - {@linkcode next} throws the error of an item in its place, too, and the one after it gives the next
 *   result. A cancelled `next` has taken nothing. Several tasks may read at once: each result goes to
 *   one of them, first come first served.
 * - An error of the iterable itself comes after the results of all items before it, and is the last.
 * - After the end, `next` evaluates to `{ done: true }` for ever.
 * - When the pool is terminated, what has come can still be read; then `Cancelled` is thrown.
 * - A stream that is neither read to its end nor cancelled keeps a closed pool from ending. The end of the
 *   run that began it ends it.
 *
 * @example The first results of an endless source, in the fast lane
 * ```ts
 * import { jobs, run, WorkerPool } from "@weft/weft";
 * const { square } = jobs(import.meta, { square: (n: number) => n * n });
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const found = await run(function* () {
 *     using squares = pool.imap(square, function* () {
 *       for (let n = 0;; n++) yield n;
 *     }());
 *     for (;;) {
 *       const { value } = yield* squares.next();
 *       if (value! > 50) return value;
 *     }
 *   });
 *   if (found !== 64) throw new Error(String(found));
 * }
 * ```
 *
 * @typeParam T What the jobs return.
 */
export interface ResultStream<T> extends AsyncIterable<T, undefined>, Disposable, AsyncDisposable {
  /** Waits for the next result. */
  next(): Operation<IteratorResult<T, undefined>>;

  /**
   * Ends it: nothing further is drawn or begun, jobs that run are told to stop, the source's `return`
   * is called, and results that were not read are dropped; a task that waits sees the end. Throws what a
   * sync source throws at that. May be called again.
   *
   * @param reason Told to the jobs that run.
   */
  cancel(reason?: unknown): void;

  /** For `for await`; leaving the loop ends the stream. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined>;

  /** Like {@linkcode cancel}. */
  [Symbol.dispose](): void;

  /** Ends it, and waits for an async source to have closed, unless that is being asked for an item. */
  [Symbol.asyncDispose](): Promise<void>;

  /** As in `imap(fib)`. */
  toString(): string;
}

/** Some results, in the array they came in: values, or one error. */
interface ResultChunk {
  readonly values: readonly unknown[];
  readonly failed: boolean;
}

/** Results that nobody has read yet: in the order of the items, or in the order in which they came. */
class ResultBuffer {
  readonly #ordered: boolean;
  readonly #chunks = new Map<number, ResultChunk>();
  #next = 0;
  #last = 0;

  constructor(ordered: boolean) {
    this.#ordered = ordered;
  }

  /** Puts down the results of consecutive items, from `first` on. */
  put(first: number, chunk: ResultChunk): void {
    this.#chunks.set(this.#ordered ? first : this.#last++, chunk);
  }

  /** Takes what is to be read next, if that is there. */
  take(): ResultChunk | undefined {
    const chunk = this.#chunks.get(this.#next);
    if (chunk === undefined) return undefined;
    this.#chunks.delete(this.#next);
    this.#next += this.#ordered ? chunk.values.length : 1;
    return chunk;
  }

  clear(): void {
    this.#chunks.clear();
  }
}

/** What a reader gets. */
type Step = IteratorResult<unknown, undefined>;

/** What waits for a result: a wait, or the two ends of a promise. */
interface Reader {
  settle(step: Step): void;
  fail(error: unknown): void;
}

const end: Step = Object.freeze({ done: true, value: undefined });
/** Why jobs are stopped when a `for await` is left. */
const LEFT = "its reader left";
const nothing: ResultChunk = { values: [], failed: false };

/** How a stream gets its items: made at the first read. */
export type Source = (sink: ItemSink) => ItemRun;

/** A stream of results. */
export class StreamRun implements ResultStream<unknown>, ItemSink, Resource {
  readonly #name: string;
  readonly #source: Source;
  readonly #buffer: ResultBuffer;
  /** Room is made for so many items at a time. */
  readonly #step: number;
  readonly #waits: WaitQueue<Step> = new WaitQueue<Step>(this, "next", "bound");
  readonly #promised = new Deque<Reader>();
  #state: "idle" | "open" | "over" = "idle";
  #run: ItemRun | null = null;
  #scheduler: Scheduler | null = null;
  #chunk = nothing;
  #place = 0;
  #read = 0;
  #failure: { readonly error: unknown } | null = null;

  /** A stream that has not begun; `window` is that of its source. */
  constructor(name: string, ordered: boolean, window: number, source: Source) {
    this.#name = name;
    this.#buffer = new ResultBuffer(ordered);
    this.#step = Math.max(1, Math.floor(window / 4));
    this.#source = source;
  }

  // -- For readers: see ResultStream --

  /** Waits for the next result. */
  next(): Operation<Step> {
    return operation(this.#waits, (wait: Wait<Step>) => {
      this.#begin();
      if (this.#give(wait)) return;
      this.#waits.park(wait);
      this.#makeRoom();
    });
  }

  /** Ends it. */
  cancel(reason: unknown = `${this} was cancelled`): void {
    this.#close(reason)?.catch(() => {});
  }

  /** For `for await`. */
  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined> {
    return {
      next: () => currentScope() === null ? this.#nextPromised() : this.#nextInTask(),
      return: async () => {
        await this.#close(LEFT);
        return end;
      },
    };
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.cancel(`${this} was disposed of`);
  }

  /** Ends it, and its source. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(`${this} was disposed of`);
  }

  /** As in `imap(fib)`. */
  toString(): string {
    return this.#name;
  }

  // -- For the run it was begun in --

  /** The run is over. */
  release(): Promise<void> {
    return this.#closeQuietly("its run is over");
  }

  // -- For its items --

  /** Results have come. */
  returned(first: number, values: readonly unknown[]): void {
    this.#buffer.put(first, { values, failed: false });
    this.#serve();
  }

  /** An item failed. */
  failed(index: number, error: unknown): void {
    this.#buffer.put(index, { values: [error], failed: true });
    this.#serve();
  }

  /** The iterable threw: that comes last. */
  sourceFailed(error: unknown): void {
    this.#failure = { error };
  }

  /** Everything has come. */
  finished(): void {
    this.#end();
  }

  /** Nothing further will come. */
  broken(error: unknown): void {
    this.#failure ??= { error };
    this.#end();
  }

  /** Somebody wants to read, and so no longer needs what was given out before. */
  #begin(): void {
    if (this.#read >= this.#step) this.#makeRoom();
    if (this.#state !== "idle") return;
    this.#run = this.#source(this);
    this.#state = "open";
    this.#scheduler = currentRun();
    this.#scheduler?.resources.add(this);
    this.#run.begin();
  }

  /** Gives a reader what is there for it: a result, or the end. Returns whether there was anything. */
  #give(reader: Reader): boolean {
    if (this.#load()) {
      const { values, failed } = this.#chunk;
      const value = values[this.#place++];
      this.#read++;
      if (failed) reader.fail(value);
      else reader.settle({ done: false, value });
      return true;
    }
    if (this.#state !== "over") return false;
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) reader.fail(failure.error);
    else reader.settle(end);
    return true;
  }

  /** Whether there is a result to read. */
  #load(): boolean {
    if (this.#place < this.#chunk.values.length) return true;
    const chunk = this.#buffer.take();
    this.#chunk = chunk ?? nothing;
    this.#place = 0;
    return chunk !== undefined;
  }

  /** What was read makes room for new items; these may come, and be given out, before this returns. */
  #makeRoom(): void {
    const count = this.#read;
    if (count === 0) return;
    this.#read = 0;
    this.#run!.release(count);
    this.#run!.moreItems();
  }

  /** Something has come: gives it to those who wait. If any are left, they need more, and so need room. */
  #serve(): void {
    while (this.#waits.size > 0 && this.#canGive()) this.#give(this.#waits.shift()!);
    while (this.#promised.size > 0 && this.#canGive()) this.#give(this.#promised.shift()!);
    if (this.#waits.size + this.#promised.size > 0) this.#makeRoom();
  }

  #canGive(): boolean {
    return this.#load() || this.#state === "over";
  }

  #nextPromised(): Promise<Step> {
    this.#begin();
    if (this.#load() && !this.#chunk.failed) {
      const value = this.#chunk.values[this.#place++];
      this.#read++;
      return Promise.resolve({ done: false, value });
    }
    return new Promise((settle, fail) => {
      const failLoop = (error: unknown): void =>
        void this.#closeQuietly(LEFT).then(() => fail(error));
      const reader: Reader = { settle, fail: failLoop };
      if (this.#give(reader)) return;
      this.#promised.push(reader);
      this.#makeRoom();
    });
  }

  /** An error ends a `for await` without a call of `return`, so it closes the stream here. */
  async #nextInTask(): Promise<Step> {
    try {
      return await this.next();
    } catch (error) {
      await this.#closeQuietly(LEFT);
      throw error;
    }
  }

  /** Closes it, whatever its source says to that: there is an outcome already. */
  async #closeQuietly(reason: string): Promise<void> {
    try {
      await this.#close(reason);
    } catch {
      // See above.
    }
  }

  #close(reason: unknown): Promise<unknown> | void {
    this.#buffer.clear();
    this.#chunk = nothing;
    this.#place = 0;
    this.#failure = null;
    const run = this.#run;
    try {
      return run?.stop(cancelled("explicit", reason));
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#state = "over";
    this.#scheduler?.resources.delete(this);
    this.#serve();
  }
}

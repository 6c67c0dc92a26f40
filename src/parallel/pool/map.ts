/**
 * The verbs that apply a job to many items: what `map`, `starmap` and `imap` have in common.
 *
 * Everything that can be wrong with the arguments is found when the verb is called; nothing is drawn
 * before somebody waits. A `map` puts the results in their places, and ends with the first failure.
 */
import {
  BOUND,
  checkItems,
  checkOptionalFunction,
  checkOptions,
  checkWhole,
} from "../../kernel/checks.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import { checkLimit, checkPriority } from "./options.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { type ItemHost, ItemRun, type ItemSink, type ItemWork } from "./item_run.ts";
import type { JobDesk } from "./job_desk.ts";
import { type Addressed, addressOf, type AnyFunction } from "../jobs.ts";
import type { PoolLife } from "./pool_life.ts";
import type { MapOptions } from "./options.ts";
import { OrderedBuffer, UnorderedBuffer } from "./result_buffer.ts";
import { type ResultStream, StreamRun } from "./result_stream.ts";
import { cancelled } from "../../kernel/errors.ts";

/** How many items of a map may be out, per worker, unless said otherwise. */
const WINDOW = 4096;

/** Maps on one pool. */
export class Maps {
  readonly #name: string;
  readonly #life: PoolLife;
  readonly #desk: JobDesk;
  readonly #dispatcher: Dispatcher;

  /** The maps of a pool. */
  constructor(name: string, life: PoolLife, desk: JobDesk, dispatcher: Dispatcher) {
    this.#name = name;
    this.#life = life;
    this.#desk = desk;
    this.#dispatcher = dispatcher;
  }

  /** All results at once; with `spread`, each item is a list of arguments. */
  map(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: MapOptions,
    spread: boolean,
  ): Operation<unknown[]> {
    const work = this.#workOf(job, items, options, spread);
    const verb = spread ? "starmap" : "map";
    return operation(`${this.#name}.${verb}(${work.kind.name})`, (wait: Wait<unknown[]>) => {
      this.#life.refuseIfClosed(`${verb} on`);
      const map = new MapRun(work, wait, this.#dispatcher);
      map.begin();
      this.#dispatcher.add(map.run);
    });
  }

  /** One result after another. */
  imap(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: MapOptions,
    ordered: boolean,
  ): ResultStream<unknown> {
    const work = this.#workOf(job, items, options, false);
    const verb = ordered ? "imap" : "imapUnordered";
    const buffer = ordered ? new OrderedBuffer() : new UnorderedBuffer();
    return new StreamRun(`${verb}(${work.kind.name})`, buffer, work.window, (sink) => {
      this.#life.refuseIfClosed(`${verb} on`);
      const run = new ItemRun(work, sink, this.#dispatcher);
      this.#dispatcher.add(run);
      return run;
    });
  }

  #workOf(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    options: MapOptions,
    spread: boolean,
  ): ItemWork {
    const { timeout, window, chunk, priority = 0, onProgress } = checkOptions(options, "a map");
    checkItems(items, "map over");
    return {
      kind: this.#dispatcher.kindOf(addressOf(job)),
      items,
      spread,
      window: checkWhole(
        window ?? WINDOW * this.#dispatcher.workerSet.size,
        "use",
        "as a window",
        BOUND,
      ),
      chunk: chunk === undefined
        ? 0
        : checkWhole(chunk, "use", "as a number of items that travel together", BOUND),
      limit: timeout === undefined ? this.#desk.usual.limit : checkLimit(timeout),
      priority: checkPriority(priority),
      onProgress: checkOptionalFunction(onProgress, "onProgress"),
    };
  }
}

/** The results of a map, on their way to the one who waits for them. */
export class MapRun implements ItemSink, WaitSource {
  /** Its jobs will surely end. */
  readonly host = "bound";
  /** The items. */
  readonly run: ItemRun;
  readonly #wait: Wait<unknown[]>;
  readonly #results: unknown[] = [];

  /** A map that `wait` waits for. */
  constructor(work: ItemWork, wait: Wait<unknown[]>, host: ItemHost) {
    this.run = new ItemRun(work, this, host);
    this.#wait = wait;
  }

  /** Parks the wait, or settles it if there is nothing to do. */
  begin(): void {
    this.#wait.park(this);
    this.run.begin();
  }

  /** Results have come. */
  returned(first: number, values: readonly unknown[]): void {
    const results = this.#results;
    // One place for each, in order: a gap would turn the array into a slow hash table.
    while (results.length < first) results.push(undefined);
    for (let i = 0; i < values.length; i++) {
      if (first + i < results.length) results[first + i] = values[i];
      else results.push(values[i]);
    }
    this.run.release(values.length);
  }

  /** A job failed. */
  failed(_index: number, error: unknown): void {
    this.run.fail(error);
  }

  /** The iterable threw. */
  sourceFailed(error: unknown): void {
    this.run.fail(error);
  }

  /** All results are there. */
  finished(): void {
    this.#wait.settle(this.#results);
  }

  /** It ended with an error. */
  broken(error: unknown): void {
    this.#wait.fail(error);
  }

  /** The waiting task is being cancelled. */
  abandon(wait: Wait): boolean {
    const reason = wait.scope?.pending ?? cancelled("explicit", "the map was given up");
    try {
      this.run.stop(reason)?.catch(() => {});
    } catch {
      // What the source says to being closed does not count: the wait has its outcome.
    }
    return true;
  }

  /** As in `map(fib)`. */
  toString(): string {
    return `map(${this.run.name})`;
  }
}

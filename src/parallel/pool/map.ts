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
import { cancelled } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";
import type { Items } from "../../tasks/task_pool_map.ts";
import { type Addressed, addressOf, type AnyFunction } from "../jobs.ts";
import { type ItemHost, ItemRun, type ItemSink, type ItemWork } from "./item_run.ts";
import type { JobDemand } from "./job.ts";
import { checkLimit, checkPriority, type MapOptions } from "./options.ts";
import { type ResultStream, StreamRun } from "./result_stream.ts";

/** What has maps: a pool, or a cluster. */
export interface MapHost {
  /** Names it in reports. */
  readonly name: string;
  /** How jobs are treated that demand nothing else. */
  readonly usual: JobDemand;
  /** How many items of a map may be out, unless it says otherwise. */
  readonly window: number;
  /** Who deals out the items. */
  readonly itemHost: ItemHost;
  /** Throws if no map may begin. */
  refuseIfClosed(verb: string): void;
}

/** What a verb is given: who has the map, which job, the items, how it is to be treated. */
export type MapArguments = readonly [
  host: MapHost,
  job: Addressed<AnyFunction>,
  items: Items<unknown>,
  options: MapOptions,
];

/** All results at once; with `spread`, each item is a list of arguments. */
export function mapOn(spread: boolean, ...given: MapArguments): Operation<unknown[]> {
  const [host, job] = given;
  const work = workOf(spread, ...given);
  const verb = spread ? "starmap" : "map";
  return operation(`${host.name}.${verb}(${work.kind.name})`, (wait: Wait<unknown[]>) => {
    host.refuseIfClosed(`${verb} on`);
    const map = new MapRun(work, wait, host.itemHost);
    host.itemHost.add(map.run, job);
    map.begin();
  });
}

/** One result after another; with `ordered`, in the order of the items. */
export function streamOn(ordered: boolean, ...given: MapArguments): ResultStream<unknown> {
  const [host, job] = given;
  const work = workOf(false, ...given);
  const verb = ordered ? "imap" : "imapUnordered";
  return new StreamRun(`${verb}(${work.kind.name})`, ordered, work.window, (sink) => {
    host.refuseIfClosed(`${verb} on`);
    const run = new ItemRun(work, sink, host.itemHost);
    host.itemHost.add(run, job);
    return run;
  });
}

function workOf(spread: boolean, ...[host, job, items, options]: MapArguments): ItemWork {
  const { timeout, window, chunk, priority = 0, onProgress } = checkOptions(options, "a map");
  checkItems(items, "map over");
  return {
    kind: host.itemHost.kindOf(addressOf(job)),
    items,
    spread,
    window: checkWhole(window ?? host.window, "use", "as a window", BOUND),
    chunk: chunk === undefined
      ? 0
      : checkWhole(chunk, "use", "as a number of items that travel together", BOUND),
    limit: timeout === undefined ? host.usual.limit : checkLimit(timeout),
    priority: checkPriority(priority),
    onProgress: checkOptionalFunction(onProgress, "onProgress"),
  };
}

/** The results of a map, on their way to the one who waits for them. */
class MapRun implements ItemSink, WaitSource {
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
    return `map(${this.run.kind.name})`;
  }
}

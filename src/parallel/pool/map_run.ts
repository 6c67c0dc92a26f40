/** One `pool.map` under way: puts the results in their places, and ends with the first failure. */
import { cancelled } from "../../kernel/errors.ts";
import type { Wait, WaitSource } from "../../kernel/wait.ts";
import { type ItemHost, ItemRun, type ItemSink, type ItemWork } from "./item_run.ts";

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
  starved(error: unknown): void {
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

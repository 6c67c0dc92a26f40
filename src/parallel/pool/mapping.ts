/**
 * The verbs that apply a job to many items: what `map`, `starmap` and `imap` have in common.
 *
 * Everything that can be wrong with the arguments is found when the verb is called; nothing is drawn
 * before somebody waits.
 */
import { BOUND, checkWhole } from "../../kernel/checks.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import type { Items } from "../../tasks/item_source.ts";
import { checkLimit, checkPriority } from "../checks.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import { checkItems } from "./feed.ts";
import { ItemRun, type ItemWork } from "./item_run.ts";
import type { JobDesk } from "./job_desk.ts";
import { type Addressed, addressOf, type AnyFunction } from "../jobs.ts";
import { MapRun } from "./map_run.ts";
import type { PoolLife } from "./pool_life.ts";
import type { MapOptions } from "./pool_options.ts";
import type { ResultStream } from "./result_stream.ts";
import { OrderedShelf, PlainShelf } from "./shelf.ts";
import { StreamRun } from "./stream_run.ts";

/** How many items of a map may be out, per worker, unless said otherwise. */
const WINDOW = 4096;

/** Maps on one pool. */
export class Mapping {
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
    const shelf = ordered ? new OrderedShelf() : new PlainShelf();
    return new StreamRun(`${verb}(${work.kind.name})`, shelf, work.window, (sink) => {
      this.#life.refuseIfClosed(`${verb} on`);
      const run = new ItemRun(work, sink, this.#dispatcher);
      this.#dispatcher.add(run);
      return run;
    });
  }

  #workOf(
    job: Addressed<AnyFunction>,
    items: Items<unknown>,
    { timeout, window, chunk, priority = 0 }: MapOptions,
    spread: boolean,
  ): ItemWork {
    checkItems(items);
    return {
      kind: this.#dispatcher.kindOf(addressOf(job)),
      items,
      spread,
      window: checkWhole(
        window ?? WINDOW * this.#dispatcher.staff.size,
        "use",
        "as a window",
        BOUND,
      ),
      chunk: chunk === undefined
        ? 0
        : checkWhole(chunk, "use", "as a number of items that travel together", BOUND),
      limit: timeout === undefined ? this.#desk.usual.limit : checkLimit(timeout),
      priority: checkPriority(priority),
    };
  }
}

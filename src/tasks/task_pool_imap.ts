/**
 * One `imap` under way: a task that draws items ahead of its consumer, and the results it may take.
 *
 * The drawing task is ordinary in every way: its failure, unless a consumer sees it, is the run's, and
 * cancelling it cancels what it started. It belongs to the task that took, or waited for, the first
 * result: it is cancelled when that task ends, as nobody is left to take results. (Had it no owner, a consumer
 * that walks away would leave a run that never ends.) Rejected: drawing inside `next()`, without a task.
 * Then nothing is drawn while the consumer is busy, and a result that is there waits for a draw that takes
 * its time.
 *
 * {@linkcode PoolResults} is what `TaskPool.imap` gives: results to be taken one by one, in either lane.
 */
import { Deque } from "../internal/deque.ts";
import { Entered } from "../kernel/scope.ts";
import type { Holding } from "../kernel/resource.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { show } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";
import type { Places } from "./task_pool_places.ts";

/** How a map is to go. */
export interface TaskMapOptions {
  /** How many milliseconds it may take. @default no limit */
  readonly timeout?: number;
}

/**
 * What an `imap` does with an item whose task fails, or is cancelled on its own: `"raise"` its error and stop,
 * `"skip"` it, or `"yield"` the error in its place. (What is no `Error` comes as the `cause` of one.)
 */
export type OnItemError = "raise" | "skip" | "yield";

/** How results are given out. */
interface OutletOptions {
  /** Whether they come in the order of the items, or in that of completion. @default {true} */
  readonly ordered?: boolean;
  /** What becomes of an item whose task fails. @default {"raise"} */
  readonly onError?: OnItemError;
  /** How many items may be drawn and not given out. @default no limit */
  readonly ahead?: number;
}

/** The place of a result in the order of giving out. */
export interface Slot<R> {
  state: "pending" | "there" | "left out";
  value: R | undefined;
}

/** Results on their way from tasks to whom they are for. */
export class Outlet<R> {
  /** Who waits for the next result. */
  readonly takers: WaitQueue<IteratorResult<R, undefined>>;
  readonly #ordered: boolean;
  readonly #onError: OnItemError;
  readonly #limit: number;
  readonly #room: WaitQueue<void>;
  readonly #slots = new Deque<Slot<R>>();
  /** Items drawn and not given out. */
  #ahead = 0;

  /** An empty one. */
  constructor(owner: QueueOwner, options: OutletOptions = {}) {
    this.takers = new WaitQueue(owner, "next");
    this.#ordered = options.ordered ?? true;
    this.#onError = options.onError ?? "raise";
    this.#limit = options.ahead ?? Infinity;
    this.#room = new WaitQueue<void>({ toString: () => String(owner) }, "room");
  }

  /** What to wait for before a further item may be drawn, if anything. */
  room(): Operation<void> | null {
    if (this.#ahead < this.#limit) return null;
    return operation(this.#room, (wait: Wait<void>) => this.#room.park(wait));
  }

  /** Keeps a place for the result of a task that was started. */
  open(): Slot<R> {
    this.#ahead++;
    const slot: Slot<R> = { state: "pending", value: undefined };
    if (this.#ordered) this.#slots.push(slot);
    return slot;
  }

  /** Puts a task's result in its place, and gives out what can be given out now. */
  put(slot: Slot<R>, value: R): void {
    slot.value = value;
    this.#fill(slot, "there");
  }

  /** Takes the failure of a task, if it is not to end the whole. */
  fail(slot: Slot<R>, error: unknown): boolean {
    if (this.#onError === "raise") return false;
    if (this.#onError === "skip") this.#fill(slot, "left out");
    else this.put(slot, asError(error) as R);
    return true;
  }

  /** Settles the wait with the next result, if it is there. */
  give(wait: Wait<IteratorResult<R, undefined>>): boolean {
    const step = this.#next();
    if (step === null) return false;
    wait.settle(step);
    this.#gaveOut();
    return true;
  }

  /** All results, once nothing is under way. */
  collect(): R[] {
    return Array.from(this.#slots, (slot) => slot.value as R);
  }

  #fill(slot: Slot<R>, state: Slot<R>["state"]): void {
    slot.state = state;
    if (!this.#ordered) this.#slots.push(slot);
    while (this.takers.size > 0) {
      const step = this.#next();
      if (step === null) return;
      this.takers.wake(step);
      this.#gaveOut();
    }
  }

  /** Takes the next result out, if it is there. */
  #next(): IteratorResult<R, undefined> | null {
    for (;;) {
      const slot = this.#slots.at(0);
      if (slot === undefined || slot.state === "pending") return null;
      this.#slots.shift();
      if (slot.state === "there") return { done: false, value: slot.value as R };
      this.#gaveOut();
    }
  }

  #gaveOut(): void {
    this.#ahead--;
    this.#room.wake();
  }
}

function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(`The task of an item threw ${show(thrown)}`, { cause: thrown });
}

/** How an `imap` is to go. */
export interface TaskImapOptions extends TaskMapOptions {
  /** What becomes of an item whose task fails. @default {"raise"} */
  readonly onError?: OnItemError;
}

/** What an `imap` does. */
interface ImapPlan<R> extends OutletOptions {
  /** Names it in reports, as in `TaskPool#1.imap()`. */
  readonly name: string;
  /** Draws items and starts their tasks, whose results go to the outlet. */
  readonly draw: (outlet: Outlet<R>) => Generator<unknown, void, unknown>;
}

/** The life of an `imap`; given up by its consumer, it goes on to its end, but gives out nothing. */
type ImapPhase = "new" | "running" | "given up" | "ended";

/** One `imap`, from its first `next` to its end. */
export class ImapRun<R> implements ResultsRun<R>, QueueOwner, Holding {
  /** Link in the list of its consumer. */
  heldBefore: Holding | null = null;
  /** Link in the list of its consumer. */
  heldAfter: Holding | null = null;
  readonly #places: Places;
  readonly #plan: ImapPlan<R>;
  readonly #outlet: Outlet<R>;
  #phase: ImapPhase = "new";
  #drawer: Task | null = null;
  #owner: Task | null = null;

  /** A run that begins when it is first asked for a result. */
  constructor(places: Places, plan: ImapPlan<R>) {
    this.#places = places;
    this.#plan = plan;
    this.#outlet = new Outlet(this, plan);
  }

  /** The task that draws; a task that waits for a result waits for it. */
  get holder(): Task | undefined {
    return this.#drawer ?? undefined;
  }

  /** A result may come of any of the tasks that it has started. */
  get isShared(): boolean {
    return true;
  }

  /** Waits for the next result. */
  next(): Operation<IteratorResult<R, undefined>> {
    const { takers } = this.#outlet;
    return operation(takers, (wait: Wait<IteratorResult<R, undefined>>) => {
      if (this.#phase === "new") this.#begin(wait.task);
      if (this.#phase === "given up" || this.#failure !== null) return this.#answerEnd(wait);
      if (this.#outlet.give(wait)) return;
      if (this.#phase === "ended") this.#answerEnd(wait);
      else takers.park(wait);
    });
  }

  /** Cancels what was started; nothing more is given out. Returns the task to wait for, if there is one. */
  giveUp(reason: unknown): Task | null {
    if (this.#phase === "new") this.#phase = "ended";
    if (this.#phase !== "running") return this.#drawer;
    this.#phase = "given up";
    this.#letGo();
    this.#drawer!.cancel(reason);
    return this.#drawer;
  }

  /** The consumer has ended. */
  abandoned(by: Task): void {
    this.#owner = null;
    this.#drawer?.abort("group", `its consumer "${by}" has ended`);
  }

  toString(): string {
    return this.#plan.name;
  }

  /** The task that draws, if it ended without having given all results. */
  get #failure(): Task | null {
    return this.#phase === "ended" && this.#drawer?.successful === false ? this.#drawer : null;
  }

  #begin(owner: Task): void {
    const { name, draw } = this.#plan;
    const generator = draw(this.#outlet);
    this.#drawer = schedulerOf(owner).spawn(
      name,
      generator as Generator<unknown, void, never>,
      owner,
    );
    this.#phase = "running";
    this.#owner = owner;
    owner.take(this);
    this.#places.admitDrawer(this.#drawer);
    this.#drawer.watch(() => this.#end());
  }

  #end(): void {
    this.#letGo();
    if (this.#phase === "running") this.#phase = "ended";
    const { takers } = this.#outlet;
    for (let taker = takers.shift(); taker !== null; taker = takers.shift()) {
      this.#answerEnd(taker);
    }
  }

  /** The consumer has nothing to do with it any more. */
  #letGo(): void {
    this.#owner?.drop(this);
    this.#owner = null;
  }

  #answerEnd(wait: Wait<IteratorResult<R, undefined>>): void {
    const drawer = this.#failure;
    if (drawer === null) wait.settle({ done: true, value: undefined });
    else wait.fail(drawer.error);
  }
}

/** Where the results come from. */
export interface ResultsRun<R> {
  /** Waits for the next result. */
  next(): Operation<IteratorResult<R, undefined>>;
  /** Cancels what was started; returns the task to wait for. */
  giveUp(reason: unknown): Task | null;
  /** As in `TaskPool#1.imap()`. */
  toString(): string;
}

/**
 * The results of an `imap`, made as they are taken. Nothing begins before the first `next`.
 *
 * - `for await (const result of results)` in an `async function*` takes them all. A loop that is left
 *   early, by `break` or an error, cancels what was started and waits for it.
 * - `yield* results.next()` takes one, in either lane; a cancelled `next` has taken none. Declare the
 *   results with `using`, so that what is left is cancelled.
 * - They belong to the task that first waits for one: what still runs is cancelled when that task ends.
 * - Several tasks may take from the same results; each result goes to one of them, longest waiter first.
 * - After a failure every `next` throws it.
 *
 * @example In a function*
 * ```ts
 * import { run, sleep, TaskPool } from "@weft/weft";
 * const seen: number[] = [];
 * await run(function* () {
 *   const pool = new TaskPool(2);
 *   using results = pool.imap(function* (ms: number) {
 *     yield* sleep(ms);
 *     return ms * 10;
 *   }, [3, 1, 2]);
 *   for (let step = yield* results.next(); !step.done; step = yield* results.next()) {
 *     seen.push(step.value);
 *   }
 * });
 * if (seen.join() !== "30,10,20") throw new Error(seen.join());
 * ```
 *
 * @typeParam R What a result is.
 */
export class PoolResults<R> implements AsyncIterable<R> {
  readonly #run: ResultsRun<R>;

  /** Made by {@linkcode TaskPool.imap}. */
  constructor(run: ResultsRun<R>) {
    this.#run = run;
  }

  /**
   * Takes the next result; waits until it is there. At the end, `done` is true.
   *
   * @throws What a task, or the iterable, threw: an `AggregateError` if several did. The other tasks have
   *   been cancelled, and have cleaned up. If a task was cancelled on its own, or the pool was, its
   *   {@linkcode Cancelled}.
   */
  next(): Operation<IteratorResult<R, undefined>> {
    return this.#run.next();
  }

  /**
   * Cancels what was started, and draws no more; `next` gives nothing more.
   *
   * @param reason Kept in each `Cancelled`.
   * @returns Waits until all of it has ended. Nobody needs to wait for it.
   */
  cancel(reason?: unknown): Operation<void> {
    const drawer = this.#run.giveUp(reason);
    return sequence(`${this.#run}.cancel()`, function* () {
      if (drawer !== null) yield* drawer.cancel();
    }, { optional: true });
  }

  /** For `for await`. Leaving the loop early cancels what was started, and waits for it. */
  [Symbol.asyncIterator](): AsyncIterator<R, undefined> {
    return {
      next: async () => {
        try {
          return await this.next();
        } catch (error) {
          // The loop will not call `return`.
          await this.#end();
          throw error;
        }
      },
      return: async () => {
        await this.#end();
        return { done: true, value: undefined };
      },
    };
  }

  /** Like {@linkcode cancel}; does not wait. */
  [Symbol.dispose](): void {
    this.cancel("the results were disposed of");
  }

  /** Cancels what was started and waits for it; throws what failed and was not seen yet. */
  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#end();
  }

  /** The name. */
  toString(): string {
    return String(this.#run);
  }

  #end(): Operation<void> {
    const drawer = this.#run.giveUp("its consumer left");
    return sequence(`${this.#run}.cancel()`, function* () {
      if (drawer === null) return;
      using _shield = new Entered({ shielded: true });
      yield* drawer.join();
    });
  }
}

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
import { Entered } from "../kernel/enter_scope.ts";
import type { Holding } from "../kernel/holding.ts";
import { type Operation, operation, sequence } from "../kernel/operation.ts";
import { show } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import { type QueueOwner, WaitQueue } from "../kernel/wait_queue.ts";
import { mapPass, type PassHost, type PassPlan, type PassSink } from "./task_pool_map.ts";

/** The place of a result in the order of giving out; empty until its task has ended. */
interface Slot<R> {
  result: { readonly value: R } | "left out" | null;
}

/** Results on their way from tasks to the consumer. */
class Outlet<R> {
  readonly #ordered: boolean;
  readonly #slots = new Deque<Slot<R>>();

  constructor(ordered: boolean) {
    this.#ordered = ordered;
  }

  /** Keeps a place for a task that was started. */
  open(): Slot<R> {
    const slot: Slot<R> = { result: null };
    if (this.#ordered) this.#slots.push(slot);
    return slot;
  }

  /** Puts the result of the task in its place. */
  put(slot: Slot<R>, value: R): void {
    slot.result = { value };
    if (!this.#ordered) this.#slots.push(slot);
  }

  /** Leaves the task's result out. */
  leaveOut(slot: Slot<R>): void {
    slot.result = "left out";
    if (!this.#ordered) this.#slots.push(slot);
  }

  /** Takes the next result, if it is there; `onLeftOut` is called for each one that will never come. */
  take(onLeftOut: () => void): { readonly value: R } | null {
    for (;;) {
      const result = this.#slots.at(0)?.result ?? null;
      if (result !== null) this.#slots.shift();
      if (result !== "left out") return result;
      onLeftOut();
    }
  }
}

/**
 * What an `imap` does with an item whose task fails, or is cancelled on its own: `"raise"` its error and stop,
 * `"skip"` it, or `"yield"` the error in its place. (What is no `Error` comes as the `cause` of one.)
 */
export type OnItemError = "raise" | "skip" | "yield";

/** What an `imap` does. */
export interface ImapPlan<I, R> extends Omit<PassPlan<I, R, unknown>, "sink"> {
  /** Whether results come in the order of the items, or in that of completion. */
  readonly ordered: boolean;
  /** What becomes of an item whose task has failed. */
  readonly onError: OnItemError;
}

/** The life of an `imap`; given up by its consumer, it goes on to its end, but gives out nothing. */
type ImapPhase = "new" | "running" | "given up" | "ended";

/** One `imap`, from its first `next` to its end. */
export class ImapRun<I, R> implements PassSink<R, Slot<R>>, QueueOwner, Holding {
  /** Link in the list of its consumer. */
  heldBefore: Holding | null = null;
  /** Link in the list of its consumer. */
  heldAfter: Holding | null = null;
  readonly #host: PassHost & { drawing(task: Task): void };
  readonly #plan: ImapPlan<I, R>;
  readonly #outlet: Outlet<R>;
  readonly #takers: WaitQueue<IteratorResult<R, undefined>>;
  readonly #room: WaitQueue<void>;
  #phase: ImapPhase = "new";
  #drawer: Task | null = null;
  #owner: Task | null = null;
  /** Items drawn and not given out. */
  #ahead = 0;

  /** A run that begins when it is first asked for a result. */
  constructor(host: PassHost & { drawing(task: Task): void }, plan: ImapPlan<I, R>) {
    this.#host = host;
    this.#plan = plan;
    this.#outlet = new Outlet(plan.ordered);
    this.#takers = new WaitQueue(this, "next");
    this.#room = new WaitQueue<void>({ toString: () => plan.name }, "room");
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
    return operation(this.#takers, (wait: Wait<IteratorResult<R, undefined>>) => {
      if (this.#phase === "new") this.#begin(wait.task);
      if (this.#phase === "given up" || this.#failure !== null) return this.#answerEnd(wait);
      const result = this.#take();
      if (result !== null) {
        wait.settle({ done: false, value: result.value });
        this.#gaveOut();
      } else if (this.#phase === "ended") {
        this.#answerEnd(wait);
      } else {
        this.#takers.park(wait);
      }
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

  /** Keeps the drawing task no further ahead of the consumer than the pool has places. */
  room(): Operation<void> | null {
    if (this.#ahead < this.#host.places.size) return null;
    return operation(this.#room, (wait: Wait<void>) => this.#room.park(wait));
  }

  /** Keeps a place for the result of a task. */
  started(): Slot<R> {
    this.#ahead++;
    return this.#outlet.open();
  }

  /** Takes a result, and gives out what can be given out now. */
  ended(slot: Slot<R>, value: R): void {
    this.#outlet.put(slot, value);
    this.#giveOut();
  }

  /** Takes the failure of a task, if it is not to end the whole. */
  failed(slot: Slot<R>, error: unknown): boolean {
    const { onError } = this.#plan;
    if (onError === "raise") return false;
    if (onError === "skip") this.#outlet.leaveOut(slot);
    else this.#outlet.put(slot, asError(error) as R);
    this.#giveOut();
    return true;
  }

  /** The consumer has ended. */
  abandoned(by: Task): void {
    this.#owner = null;
    this.#drawer?.abort("group", `its consumer "${by}" has ended`);
  }

  /** The name. */
  toString(): string {
    return this.#plan.name;
  }

  /** The task that draws, if it ended without having given all results. */
  get #failure(): Task | null {
    return this.#phase === "ended" && this.#drawer?.successful === false ? this.#drawer : null;
  }

  #begin(owner: Task): void {
    const { name } = this.#plan;
    const generator = mapPass(this.#host, { ...this.#plan, sink: this });
    this.#drawer = schedulerOf(owner).spawn(
      name,
      generator as Generator<unknown, void, never>,
      owner,
    );
    this.#phase = "running";
    this.#owner = owner;
    owner.take(this);
    this.#host.drawing(this.#drawer);
    this.#drawer.watch(() => this.#end());
  }

  #end(): void {
    this.#letGo();
    if (this.#phase === "running") this.#phase = "ended";
    for (let taker = this.#takers.shift(); taker !== null; taker = this.#takers.shift()) {
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

  #take(): { readonly value: R } | null {
    return this.#outlet.take(() => this.#gaveOut());
  }

  /** Gives out what can be given out now. */
  #giveOut(): void {
    while (this.#takers.size > 0) {
      const result = this.#take();
      if (result === null) return;
      this.#takers.wake({ done: false, value: result.value });
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

/**
 * One pass of a function over items: draws them, starts a task for each in a pool, answers for all.
 *
 * It ends like a group. The first failure, of a task or of the items, stops the drawing and cancels the
 * other tasks; the iterable is told (`return()`), every clean-up runs to its end, then the errors are
 * thrown. A task that somebody cancelled on its own counts too: its place in the results would stay
 * empty.
 *
 * An item is drawn when a place is free. Plain iterables are drawn with the place in hand. Drawing from
 * an async iterable can wait, perhaps for tasks of the same pool (an `imap` of an `imap`): the place
 * is given back meanwhile, or a full pool would wait for itself.
 *
 * An async iterable is asked in a part of the drawing task, as its own `for await` would ask it: the
 * current task is exact in the iterable's code, a cancel reaches the operations it awaits, and the
 * virtual clock and the deadlock check see through it. `wait(iterator.next())` would be shorter and hide
 * all of that behind a promise that the host "will surely settle".
 *
 * Results wait in an {@linkcode Outlet}: `map` collects them when the pass has ended, an `imap` gives them
 * out meanwhile.
 */
import { checkItems, checkIterator, isAsyncItems } from "../kernel/checks.ts";
import { Entered } from "../kernel/scope.ts";
import { combine, NOTHING, TimeoutError } from "../kernel/errors.ts";
import { keepHandled } from "../kernel/trap.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { ChildTasks } from "./child_tasks.ts";
import { begun, type EitherGenerator } from "./perform.ts";
import type { Outlet, Slot } from "./task_pool_imap.ts";
import type { Places } from "./task_pool_places.ts";
import { currentTask } from "./run.ts";

/** What can be mapped over. */
export type Items<T> = Iterable<T> | AsyncIterable<T>;

/** What a pass does. */
export interface PassPlan<I, R> {
  /** Names it in reports, as in `TaskPool#1.map()`. */
  readonly name: string;
  /** Called for each item. */
  readonly body: TaskBody<[I], R>;
  readonly items: Items<I>;
  /** How many milliseconds it may take. */
  readonly timeout: number;
}

/** Runs a pass in the current task. For `yield*` inside a sequence, or as the body of a `function*` task. */
export function* mapPass<I, R>(
  places: Places,
  plan: PassPlan<I, R>,
  outlet: Outlet<R>,
): Generator<unknown, void, unknown> {
  using entered = new Entered({ ms: plan.timeout });
  yield* new MapPass(places, plan, outlet, entered).run();
}

class MapPass<I, R> {
  readonly #places: Places;
  readonly #plan: PassPlan<I, R>;
  readonly #outlet: Outlet<R>;
  readonly #entered: Entered;
  readonly #childTasks: ChildTasks;
  readonly #slots = new Map<Task, Slot<R>>();
  readonly #errors: unknown[] = [];
  /** The cancel of a task that was cancelled on its own. */
  #lost: unknown = undefined;

  constructor(places: Places, plan: PassPlan<I, R>, outlet: Outlet<R>, entered: Entered) {
    this.#places = places;
    this.#plan = plan;
    this.#outlet = outlet;
    this.#entered = entered;
    this.#childTasks = new ChildTasks(plan.name, currentTask(), (child) => this.#exited(child));
  }

  *run(): Generator<unknown, void, unknown> {
    let cancel: unknown = undefined;
    try {
      yield* this.#drawAll();
    } catch (error) {
      const parts = this.#entered.scope.partAll(error);
      if (parts.cancel !== null) cancel = parts.cancel;
      if (parts.rest !== NOTHING) this.#errors.push(parts.rest);
      this.#childTasks.cancel(`${this.#plan.name} has failed`, error);
    }
    try {
      yield* this.#childTasks.done();
    } catch (error) {
      cancel ??= error;
    }
    const errors = [...this.#childTasks.errors, ...this.#errors];
    if (errors.length > 0) throw combine(errors, this.#plan.name);
    const { cause } = this.#entered.scope;
    if (cancel !== undefined && cancel !== cause) throw cancel;
    if (cancel !== undefined && cause?.source === "timeout") {
      throw new TimeoutError(this.#plan.timeout, this.#plan.name, cancel);
    }
    if (this.#lost !== undefined) throw this.#lost;
    if (cancel !== undefined) throw cancel;
  }

  *#drawAll(): Generator<unknown, void, unknown> {
    const source = openItems(this.#plan.items);
    let drawing = false;
    try {
      while (true) {
        yield* this.#freePlace(source);
        drawing = true;
        const step = yield* this.#draw(source);
        if (step.done === true) return;
        drawing = false;
        if (source.waits) yield* this.#places.take();
        this.#start(step.value);
      }
    } catch (error) {
      // Items that threw have ended by themselves; those whose draw was cancelled may not have.
      if (!drawing || this.#entered.scope.partAll(error).cancel !== null) {
        yield* this.#close(source);
      }
      throw error;
    }
  }

  /** Waits until an item may be drawn; the place is then taken, unless the draw may wait. */
  *#freePlace(source: ItemSource<I>): Generator<unknown, void, unknown> {
    const room = this.#outlet.room();
    if (room !== null) yield* room;
    yield* this.#places.take();
    if (source.waits) this.#places.give();
  }

  *#draw(source: ItemSource<I>): Generator<unknown, IteratorResult<I, unknown>, unknown> {
    let drawn = false;
    try {
      const step = yield* source.next();
      drawn = step.done !== true;
      return step;
    } finally {
      if (!drawn && !source.waits) this.#places.give();
    }
  }

  #start(item: I): void {
    keepHandled(item);
    const { body } = this.#plan;
    let child: Task<R> | undefined;
    try {
      child = this.#childTasks.spawn(body, body(item));
    } finally {
      if (child === undefined) this.#places.give();
    }
    this.#slots.set(child, this.#outlet.open());
    this.#places.admit(child);
  }

  *#close(source: ItemSource<I>): Generator<unknown, void, unknown> {
    using _shield = new Entered({ shielded: true });
    try {
      yield* source.close();
    } catch (error) {
      this.#errors.push(error);
    }
  }

  #exited(child: Task): void {
    const slot = this.#slots.get(child)!;
    this.#slots.delete(child);
    if (child.successful) return this.#outlet.put(slot, child.value as R);
    // A task that is cancelled with the whole pass is no failed item.
    if (this.#entered.scope.reaching === null && this.#outlet.fail(slot, child.error)) {
      if (child.failed) this.#childTasks.errors.pop();
      return;
    }
    const reason = `"${child}" ${child.failed ? "failed" : "was cancelled"}`;
    if (child.cancelled) this.#lost ??= child.error;
    this.#childTasks.cancel(reason, child.error);
    this.#entered.scope.abort("group", reason, child.error);
  }
}

/** Items under way. */
interface ItemSource<T> {
  /** Whether drawing may wait. */
  readonly waits: boolean;
  /** Draws one. For `yield*` inside a sequence. */
  next(): Iterable<unknown, IteratorResult<T, unknown>, unknown>;
  /** Tells the iterable that no more are wanted, and waits for it. For `yield*` inside a sequence. */
  close(): Iterable<unknown, void, unknown>;
}

/**
 * Checks what is to be mapped over. A list's promises are marked as handled at once: their turn may never come.
 *
 * @throws {TypeError} If it cannot be iterated.
 */
export function checkMapped(items: unknown, verb: string): void {
  checkItems(items, verb);
  if (Array.isArray(items)) items.forEach(keepHandled);
}

/** Begins to draw. */
function openItems<T>(items: Items<T>): ItemSource<T> {
  return isAsyncItems(items)
    ? new AwaitedItems(checkIterator(items[Symbol.asyncIterator]() as AsyncIterator<T>, "map over"))
    : new ListedItems(checkIterator((items as Iterable<T>)[Symbol.iterator](), "map over"));
}

class ListedItems<T> implements ItemSource<T> {
  readonly waits = false;
  readonly #iterator: Iterator<T, unknown>;

  constructor(iterator: Iterator<T, unknown>) {
    this.#iterator = iterator;
  }

  *next(): Generator<never, IteratorResult<T, unknown>, unknown> {
    return this.#iterator.next();
  }

  *close(): Generator<never, void, unknown> {
    this.#iterator.return?.();
  }
}

class AwaitedItems<T> implements ItemSource<T> {
  readonly waits = true;
  readonly #iterator: AsyncIterator<T, unknown>;

  constructor(iterator: AsyncIterator<T, unknown>) {
    this.#iterator = iterator;
  }

  next(): Iterable<unknown, IteratorResult<T, unknown>, unknown> {
    return begun(awaited(() => this.#iterator.next()));
  }

  close(): Iterable<unknown, void, unknown> {
    return begun(awaited<unknown>(() => this.#iterator.return?.())) as Iterable<
      unknown,
      void,
      unknown
    >;
  }
}

async function* awaited<T>(ask: () => PromiseLike<T> | T): EitherGenerator<T> {
  return await ask();
}

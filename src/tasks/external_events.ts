/**
 * What comes from outside of the run: the events of a host's object as a stream (of a `WebSocket`, a
 * `MessagePort`, an `AbortSignal`), and callbacks that no operation knows of.
 *
 * A run whose tasks all wait for one another is deadlocked, and the scheduler can tell, because every wait says
 * what part the host has in its end. What a listener or a callback feeds is invisible to it. So a wait for the
 * next event counts as the host's; and who sets up a callback says so by `external`, for as long as it may come.
 *
 * A listener cannot hold up the one that fires events, so those that nobody has taken yet are held, and
 * the bound of that is the user's to choose; so is what becomes of those beyond it. By default nothing is
 * lost in silence.
 */
import { Deque } from "../internal/deque.ts";
import {
  BOUND,
  checkArray,
  checkList,
  checkMethods,
  checkOneOf,
  checkOptions,
  checkString,
  checkWhole,
  hasMethod,
} from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { printable, show } from "../kernel/printable.ts";
import { hold, letGo, type Resource } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";
import { currentTask } from "./run.ts";

/** What becomes of an event that comes when as many are held as may be. */
export type EventOverflow = "error" | "drop-oldest" | "drop-newest";

const OVERFLOWS = ["error", "drop-oldest", "drop-newest"] as const;

/** How events are held. */
export interface EventsOfOptions {
  /** How many events that nobody has taken are held: a whole number of at least 1, or `Infinity`. @default {1024} */
  capacity?: number;
  /**
   * What becomes of one more: with `"error"` it is dropped, and when those held have been taken, `next`
   * throws {@linkcode EventOverflowError} once; the other two drop in silence, and count. @default {"error"}
   */
  overflow?: EventOverflow;
}

/** What a stream of events is doing. */
export interface EventsOfStatistics {
  /** How many events are held. */
  readonly held: number;
  /** How many events were dropped. */
  readonly missed: number;
  /** How many tasks wait for one. */
  readonly waiting: number;
}

/** The event that a target fires under a name, as the type of its `on…` property tells. */
export type EventOf<T, K extends string> = T extends
  { readonly [P in `on${K}`]?: ((event: infer E extends Event) => unknown) | null } ? E
  : Event;

/** Thrown by `next` when events were dropped because nobody had taken those before. */
export class EventOverflowError extends Error {
  /** The class name. */
  override readonly name: string = "EventOverflowError";
  /** How many were dropped. */
  readonly missed: number;

  /** `missed` events of `stream` were dropped. */
  constructor(stream: string, missed: number, capacity: number) {
    super(
      `Cannot give all events of ${stream}: ${missed} came when ${capacity} were held already`,
    );
    this.missed = missed;
  }
}

/** A stream of events. Made by {@linkcode eventsOf}. */
export class EventsOf<E extends Event> implements Disposable, Resource, AsyncIterable<E> {
  readonly #target: EventTarget;
  readonly #types: readonly string[];
  readonly #name: string;
  readonly #capacity: number;
  readonly #overflow: EventOverflow;
  readonly #scheduler: Scheduler | null;
  readonly #waits: WaitQueue<E>;
  readonly #held = new Deque<E>();
  #missed = 0;
  /** Dropped, and not yet told. */
  #untold = 0;
  #closed = false;

  /** Made by {@linkcode eventsOf}. */
  constructor(target: EventTarget, types: readonly string[], options: EventsOfOptions) {
    const { capacity = 1024, overflow = "error" } = checkOptions(options, "eventsOf()");
    this.#capacity = checkWhole(capacity, "hold", "events", BOUND);
    this.#overflow = checkOneOf(overflow, OVERFLOWS, "the overflow of events");
    this.#target = checkMethods(target, ["addEventListener"], "a target of events");
    this.#types = checkArray(types, "types of events");
    this.#name = `eventsOf(${show(target)}, ${types.map((one) => printable(one)).join(", ")})`;
    this.#waits = new WaitQueue<E>(this, "next", "open");
    const task = currentScope()?.task;
    this.#scheduler = task === undefined ? null : schedulerOf(task);
    for (const type of types) target.addEventListener(type, this.#came);
    this.#scheduler?.resources.add(this);
    hold(this);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Waits for the next event and takes it. */
  next(): Operation<E> {
    return operation(this.#waits, (wait: Wait<E>) => {
      if (this.#some()) wait.settle(this.#held.shift()!);
      else this.#waits.park(wait);
    });
  }

  /**
   * Takes an event that has come, without waiting. Never a checkpoint.
   *
   * @throws {WouldBlock} If none has.
   * @throws {EventOverflowError} If events were dropped.
   * @throws {ClosedError} If it was closed.
   */
  tryNext(): E {
    if (this.#some()) return this.#held.shift()!;
    throw new WouldBlock(`Cannot take an event of ${this.#name} now: none has come`);
  }

  /**
   * Listens no more. Events not taken are dropped; a task that waits gets `ClosedError`. Closing again has
   * no effect.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const type of this.#types) this.#target.removeEventListener(type, this.#came);
    this.#held.clear();
    this.#scheduler?.resources.delete(this);
    letGo(this);
    this.#waits.failAll(this.#closedError());
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes it: its run has ended. */
  release(): void {
    this.close();
  }

  /** Goes through the events in an `async function*`; ends when it is closed. */
  [Symbol.asyncIterator](): AsyncIterator<E, undefined> {
    return {
      next: async () => {
        try {
          return { done: false, value: await this.next() };
        } catch (error) {
          if (!(error instanceof ClosedError && this.#closed)) throw error;
          return { done: true, value: undefined };
        }
      },
    };
  }

  /** A frozen record of what is held and who waits. */
  statistics(): EventsOfStatistics {
    return Object.freeze({
      held: this.#held.size,
      missed: this.#missed,
      waiting: this.#waits.size,
    });
  }

  toString(): string {
    return this.#name;
  }

  readonly #came = (event: Event): void => {
    if (this.#waits.wake(event as E)) return;
    if (this.#held.size < this.#capacity) return void this.#held.push(event as E);
    this.#missed++;
    if (this.#overflow === "error") {
      this.#untold++;
    } else if (this.#overflow === "drop-oldest") {
      this.#held.shift();
      this.#held.push(event as E);
    }
  };

  /** Whether an event is held; throws what there is to tell in place of one. */
  #some(): boolean {
    if (this.#closed) throw this.#closedError();
    if (this.#held.size > 0) return true;
    if (this.#untold === 0) return false;
    const missed = this.#untold;
    this.#untold = 0;
    throw new EventOverflowError(this.#name, missed, this.#capacity);
  }

  #closedError(): ClosedError {
    return new ClosedError(`Cannot wait for ${this.#name}: it is closed`);
  }
}

/**
 * Makes a stream of the events that a host's object fires: of a `WebSocket`, a `MessagePort`, a `Worker`.
 *
 * - It listens from now on. Events are given out in the order in which they came; to several tasks that
 *   wait, longest waiter first. A cancelled `next` has taken none.
 * - Those that nobody has taken are held, up to `capacity`; then `overflow` decides.
 * - While somebody waits for the next event, the run is not taken for deadlocked.
 * - `using` closes it, and so does the end of the run: then it listens no more.
 *
 * In an `async function*`, `for await` goes through the events; in either lane, `yield* stream.next()`
 * takes one.
 *
 * @example Two messages of a port
 * ```ts
 * import { eventsOf, run } from "@weft/weft";
 * const { port1, port2 } = new MessageChannel();
 * const got = await run(async function* () {
 *   using messages = eventsOf(port2, "message", { capacity: 16, overflow: "drop-oldest" });
 *   port2.start();
 *   port1.postMessage(1);
 *   port1.postMessage(2);
 *   return [(yield* messages.next()).data, (yield* messages.next()).data];
 * });
 * port1.close();
 * if (got.join() !== "1,2") throw new Error(got.join());
 * ```
 *
 * @typeParam T The object that fires.
 * @typeParam K The names of the events.
 * @param target What to listen to.
 * @param type The name of the events, or several names.
 * @param options How many are held, and what becomes of more.
 * @returns The stream; it belongs to the run of the current task, if there is one.
 * @throws {TypeError} If the target cannot be listened to, or a name is no string.
 * @throws {RangeError} If the capacity is out of range.
 */
export function eventsOf<T extends EventTarget, const K extends string>(
  target: T,
  type: K | readonly K[],
  options: EventsOfOptions = {},
): EventsOf<EventOf<T, K>> {
  if (!hasMethod(target, "addEventListener")) {
    throw new TypeError(`Cannot listen to ${show(target)}: it must be an EventTarget`);
  }
  const types = typeof type === "string" ? [type] : checkList(type, "names of events");
  for (const one of types) checkString(one, "the name of an event");
  if (types.length === 0) {
    throw new TypeError('Cannot listen for no event: name one, such as "message"');
  }
  return new EventsOf(target, types, options);
}

/** While it is not closed, its run is not taken for deadlocked. Made by {@linkcode external}. */
export class External implements Disposable, Resource {
  readonly #name: string;
  readonly #scheduler: Scheduler;
  #closed = false;

  /** Made by {@linkcode external}. */
  constructor(name: string) {
    this.#name = name;
    this.#scheduler = schedulerOf(currentTask());
    this.#scheduler.expect(1);
    this.#scheduler.resources.add(this);
    hold(this);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Says that nothing more will come from there. Closing again has no effect. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scheduler.expect(-1);
    this.#scheduler.resources.delete(this);
    letGo(this);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes it: its run has ended. */
  release(): void {
    this.close();
  }

  toString(): string {
    return this.#name;
  }
}

/**
 * Says that something outside of the run, a callback that no operation knows of, may wake its tasks: until
 * it is closed, a stall is no deadlock. It does not keep the process alive; what calls back does.
 *
 * For events of an `EventTarget` there is {@linkcode eventsOf}, for a promise {@linkcode wait}; both say
 * so by themselves.
 *
 * @example A callback that feeds a queue
 * ```ts
 * import { external, Queue, run } from "@weft/weft";
 * const got = await run(async function* () {
 *   const queue = new Queue<number>();
 *   using _timer = external("a timer of the host");
 *   setTimeout(() => queue.tryPut(7), 1);
 *   return yield* queue.get();
 * });
 * if (got !== 7) throw new Error(String(got));
 * ```
 *
 * @param name What reports call it.
 * @returns To be closed, by `using` or `close()`, when nothing more will come; the end of the run does, too.
 * @throws {Error} If no task is running.
 */
export function external(name: string = "something outside"): External {
  return new External(checkString(name, "the name of what is external"));
}

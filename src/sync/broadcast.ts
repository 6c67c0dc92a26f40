/**
 * Broadcast: every subscriber gets every item, and a rule says what becomes of those who are slow.
 *
 * There are three honest answers to a subscriber that does not keep up: wait for it, let it miss
 * items and count them, or tell it. Growing without bound is none of them, and which one is right depends
 * on what the items are (orders, temperatures, a replicated log); so the caller chooses.
 *
 * How many items a subscriber has lost is worked out when somebody asks, from its place and the front of
 * the log: to count them as they go would make each send that drops one visit every slow subscriber.
 */
import { BOUND, checkOptions, checkWhole } from "../kernel/checks.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import { reportName, show } from "../kernel/printable.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { BroadcastLog, LaggedError, type LagRule, type LogReader } from "./broadcast_log.ts";
import { EndOfChannel } from "./channel_core.ts";
import { itemsOf } from "./items.ts";

/** How a broadcast behaves. */
export interface BroadcastOptions {
  /** How many items a subscriber may be behind: a whole number of at least 1, or `Infinity`. */
  readonly capacity: number;
  /**
   * - `"block"`: `send` waits for the slowest subscriber.
   * - `"drop"`: the oldest item it has not received is dropped, and counted in `missed`.
   * - `"error"`: the same, and its next `receive` throws {@linkcode LaggedError} once for the gap.
   *
   * @default {"block"}
   */
  readonly lag?: LagRule;
  /** What reports call it. */
  readonly name?: string;
}

/** What a broadcast is doing. */
export interface BroadcastStatistics {
  /** Items that some subscriber has still to receive. */
  readonly size: number;
  /** The most there may be of them. */
  readonly capacity: number;
  /** The most there have been at one time. */
  readonly peak: number;
  /** How many were dropped before every subscriber had them. */
  readonly dropped: number;
  /** Subscriptions that are open. */
  readonly subscribers: number;
  /** Tasks waiting in `send`. */
  readonly sending: number;
}

/**
 * The sending side of a broadcast; its `subscribe` makes the receiving ones. Any task may send; `using`
 * closes it.
 *
 * - Each subscriber gets every item sent after it subscribed, in order, but for those that the lag rule
 *   drops. What is sent while there is no subscriber is gone.
 * - Waiting senders are served in FIFO order, and so are tasks that wait at one subscription.
 * - Cancelled means it did not happen: a cancelled `send` has sent nothing to anybody.
 * - When it is closed, subscribers get what is left and then {@linkcode EndOfChannel}.
 *
 * @example Two readers of the same news
 * ```ts
 * import { Broadcast, run, spawn } from "@weft/weft";
 * const heard: string[] = [];
 * await run(function* () {
 *   using news = new Broadcast<string>({ capacity: 8 });
 *   for (const name of ["ann", "bob"]) {
 *     const subscription = news.subscribe();
 *     spawn(async function* () {
 *       for await (const item of subscription) heard.push(`${name}: ${item}`);
 *     });
 *   }
 *   yield* news.send("rain");
 *   yield* news.send("sun");
 * });
 * if (heard.sort().join() !== "ann: rain,ann: sun,bob: rain,bob: sun") throw new Error(heard.join());
 * ```
 *
 * @example A slow reader misses the oldest
 * ```ts
 * import { Broadcast } from "@weft/weft";
 * const readings = new Broadcast<number>({ capacity: 2, lag: "drop" });
 * const slow = readings.subscribe();
 * for (const value of [1, 2, 3, 4, 5]) readings.trySend(value);
 * if (slow.tryReceive() !== 4 || slow.missed !== 3) throw new Error();
 * ```
 *
 * @typeParam T The items' type.
 */
export class Broadcast<T> implements Disposable {
  readonly #log: BroadcastLog<T>;

  /**
   * Makes a broadcast without subscribers.
   *
   * @param options The capacity, and the rule for those who are slow.
   * @throws {RangeError} If the capacity or the rule is something else.
   */
  constructor(options: BroadcastOptions) {
    const { capacity, lag = "block", name } = checkOptions(options, "Broadcast");
    checkWhole(capacity, "make a broadcast for", "items", BOUND);
    if (lag !== "block" && lag !== "drop" && lag !== "error") {
      throw new RangeError(
        `Cannot make a broadcast with the lag rule ${
          show(lag)
        }: it must be "block", "drop" or "error"`,
      );
    }
    this.#log = new BroadcastLog(capacity, lag, reportName("Broadcast", name));
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#log.closed;
  }

  /**
   * Sends an item to every subscriber. With the rule `"block"` it waits while one of them is `capacity`
   * items behind.
   *
   * @throws {ClosedError} If it was closed, before or meanwhile: then nobody gets the item.
   */
  send(item: T): Operation<void> {
    return operation(this.#log.sends, (wait: Wait<void>) => {
      this.#refuseClosed("send to");
      if (this.#log.blocked) return this.#log.park(wait, item);
      this.#log.append(item);
      wait.settle();
    });
  }

  /**
   * Sends an item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If the rule is `"block"` and a subscriber is `capacity` items behind.
   * @throws {ClosedError} If it was closed.
   */
  trySend(item: T): void {
    this.#refuseClosed("send to");
    if (this.#log.blocked) {
      throw new WouldBlock(
        `Cannot send to ${this} now: a subscriber is ${this.#log.size} items behind`,
      );
    }
    this.#log.append(item);
  }

  /**
   * Adds a subscriber, which gets what is sent from now on.
   *
   * @throws {ClosedError} If it was closed.
   */
  subscribe(): Subscription<T> {
    this.#refuseClosed("subscribe to");
    return new Subscription(this.#log, this.#log.open());
  }

  /**
   * Ends it: subscribers get what is left, and senders that wait get `ClosedError`. Never a checkpoint.
   * Closing again has no effect.
   */
  close(): void {
    if (this.closed) return;
    this.#log.end(endOf, () => this.#closedError("send to"));
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** A frozen record of items, subscribers and waiting senders. */
  statistics(): BroadcastStatistics {
    const { size, capacity, peak, dropped, readers, sends } = this.#log;
    return Object.freeze({
      size,
      capacity,
      peak,
      dropped,
      subscribers: readers,
      sending: sends.size,
    });
  }

  /** The name. */
  toString(): string {
    return String(this.#log);
  }

  #refuseClosed(verb: string): void {
    if (this.closed) throw this.#closedError(verb);
  }

  #closedError(verb: string): ClosedError {
    return new ClosedError(`Cannot ${verb} ${this}: it was closed`);
  }
}

/** How far a subscriber has got. */
export interface SubscriptionStatistics {
  /** Items it has still to receive, without those that it has missed. */
  readonly behind: number;
  /** How many items it has missed. */
  readonly missed: number;
  /** Tasks waiting in `receive`. */
  readonly receiving: number;
}

/**
 * A subscriber of a broadcast, made by `subscribe` and `clone`; `using` closes it. `for await` in an
 * `async function*` goes through the items to the end. One that is left open and not read holds
 * senders up where the rule is `"block"`.
 */
export class Subscription<T> implements Disposable, AsyncIterable<T> {
  readonly #log: BroadcastLog<T>;
  readonly #reader: LogReader<T>;
  #closed = false;

  /** Made by `Broadcast.subscribe`. */
  constructor(log: BroadcastLog<T>, reader: LogReader<T>) {
    this.#log = log;
    this.#reader = reader;
  }

  /** Whether this subscription was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How many items were dropped because this subscriber was too slow. */
  get missed(): number {
    return this.#reader.missed + (this.#closed ? 0 : this.#log.gap(this.#reader));
  }

  /**
   * Takes the next item; waits until there is one.
   *
   * @throws {LaggedError} If the rule is `"error"` and items were dropped; the next call goes on after the gap.
   * @throws {EndOfChannel} If the broadcast was closed and nothing is left.
   * @throws {ClosedError} If this subscription was closed, before or meanwhile.
   */
  receive(): Operation<T> {
    return operation(this.#reader.waits, (wait: Wait<T>) => {
      if (this.#canRead()) wait.settle(this.#log.read(this.#reader));
      else this.#log.await(wait, this.#reader);
    });
  }

  /**
   * Takes the next item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If there is none.
   * @throws {LaggedError} If the rule is `"error"` and items were dropped; the next call goes on after the gap.
   * @throws {EndOfChannel} If the broadcast was closed and nothing is left.
   * @throws {ClosedError} If this subscription was closed.
   */
  tryReceive(): T {
    if (this.#canRead()) return this.#log.read(this.#reader);
    throw new WouldBlock(`Cannot receive from ${this} now: nothing was sent`);
  }

  /**
   * Adds a subscriber that has got as far as this one: both get everything that comes next.
   *
   * @throws {ClosedError} If this subscription was closed.
   */
  clone(): Subscription<T> {
    if (this.#closed) throw this.#closedError("clone");
    return new Subscription(this.#log, this.#log.open(this.#reader));
  }

  /**
   * Ends this subscription and drops what it had still to receive; who waits at it gets `ClosedError`.
   * Never a checkpoint. Closing again has no effect.
   */
  close(): void {
    if (this.#closed) return;
    this.#reader.missed = this.missed;
    this.#closed = true;
    const { waits } = this.#reader;
    if (waits.size > 0) waits.failAll(this.#closedError("receive from"));
    this.#log.close(this.#reader);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Receives item after item, to the end of the broadcast. Leaving the loop does not close the subscription. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return itemsOf(() => this.receive(), (error) => error instanceof EndOfChannel);
  }

  /** A frozen record of how far it has got. */
  statistics(): SubscriptionStatistics {
    const { missed } = this;
    return Object.freeze({
      behind: this.#closed ? 0 : this.#log.unread(this.#reader),
      missed,
      receiving: this.#reader.waits.size,
    });
  }

  /** The name. */
  toString(): string {
    return this.#reader.name;
  }

  /** Whether an item is there. Throws where none will come, and where the gap before it must be told. */
  #canRead(): boolean {
    if (this.#closed) throw this.#closedError("receive from");
    const lost = this.#log.skip(this.#reader);
    if (lost > 0 && this.#log.lag === "error") throw new LaggedError(this.#reader.name, lost);
    if (this.#log.unread(this.#reader) > 0) return true;
    if (this.#log.closed) throw endOf(this.#reader.name);
    return false;
  }

  #closedError(verb: string): ClosedError {
    return new ClosedError(`Cannot ${verb} ${this}: it was closed`);
  }
}

/** The error of a reader that has reached the end. */
export function endOf(name: string): EndOfChannel {
  return new EndOfChannel(`Cannot receive from ${name}: the broadcast was closed`);
}

/**
 * The receiving side of a broadcast: one subscriber, its place in the log, and what it has missed.
 *
 * How many items a subscriber has lost is worked out when somebody asks, from its place and the front of
 * the log: to count them as they go would make each send that drops one visit every slow subscriber.
 */
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import type { BroadcastLog, Reader } from "./broadcast_log.ts";
import { EndOfChannel, LaggedError } from "./channel_errors.ts";
import { itemsOf } from "./items.ts";

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
  readonly #reader: Reader<T>;
  #closed = false;

  /** Made by `Broadcast.subscribe`. */
  constructor(log: BroadcastLog<T>, reader: Reader<T>) {
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

/** The error of a reader that has come to the end. */
export function endOf(name: string): EndOfChannel {
  return new EndOfChannel(`Cannot receive from ${name}: the broadcast was closed`);
}

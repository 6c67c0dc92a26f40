/**
 * A channel: items on their way from sending ends to receiving ends, and an end that everybody learns of.
 *
 * After Trio's memory channel. A queue shared by everyone never ends by itself; here, who sends
 * and who receives hold ends of their own, each end can be closed and cloned, and closing the last one
 * tells the other side. The capacity has no default: how much may pile up is for the caller to say.
 */
import { BOUND_OR_NONE, checkPart, checkWhole } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { WouldBlock } from "../kernel/errors.ts";
import { reportName } from "../kernel/printable.ts";
import { inOneShape, NOT_NOW, type Operation, operationOn, Repeated } from "../kernel/operation.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait } from "../kernel/wait.ts";
import {
  ChannelCore,
  type ChannelEnd,
  type ChannelStatistics,
  EndOfChannel,
} from "./channel_core.ts";
import { itemsOf } from "./items.ts";

/**
 * A channel: the first of its sending ends, and the first of its receiving ones.
 *
 * - Items arrive in the order in which they were sent. Senders and receivers that wait are served in
 *   FIFO order, whichever clone they wait at; each item goes to one receiver.
 * - Capacity 0 is a rendezvous: `send` waits until somebody takes the item. Otherwise `send` waits while
 *   the buffer is full. `Infinity` never makes it wait.
 * - Cancelled means it did not happen: a cancelled `send` has sent nothing, a cancelled `receive` has
 *   taken nothing.
 * - When the last sender is closed, receivers get what is left and then {@linkcode EndOfChannel}. When the
 *   last receiver is closed, what is left is dropped and `send` throws `ClosedError`.
 *
 * @example Several producers, one consumer, and an end
 * ```ts
 * import { Channel, run, spawn } from "@weft/weft";
 * let sum = 0;
 * await run(async function* () {
 *   const { sender, receiver } = new Channel<number>(0);
 *   for (const base of [10, 20]) {
 *     const mine = sender.clone();
 *     spawn(async function* () {
 *       using _end = mine;
 *       for (let i = 0; i < 3; i++) yield* mine.send(base + i);
 *     });
 *   }
 *   sender.close(); // the clones are left
 *   for await (const item of receiver) sum += item;
 * });
 * if (sum !== 96) throw new Error(String(sum));
 * ```
 *
 * @example The same loop in a `function*`
 * ```ts
 * import { Channel, EndOfChannel, run } from "@weft/weft";
 * const { sender, receiver } = new Channel<number>(5);
 * for (const item of [1, 2, 3]) sender.trySend(item);
 * sender.close();
 * let sum = 0;
 * await run(function* () {
 *   try {
 *     for (;;) sum += yield* receiver.receive();
 *   } catch (error) {
 *     if (!(error instanceof EndOfChannel)) throw error;
 *   }
 * });
 * if (sum !== 6) throw new Error(String(sum));
 * ```
 *
 * @typeParam T The items' type.
 */
export class Channel<T> implements Disposable {
  /** An end to send from; more by its `clone`. */
  readonly sender: ChannelSender<T>;
  /** An end to receive from; more by its `clone`. */
  readonly receiver: ChannelReceiver<T>;

  /**
   * Makes a channel, with one end of each kind, both open.
   *
   * @param capacity The most items the buffer holds: a whole number, 0 or more, or `Infinity`.
   * @param name What reports call it.
   * @throws {RangeError} If the capacity is something else.
   */
  constructor(capacity: number, name?: string) {
    checkWhole(capacity, "make a channel for", "items", BOUND_OR_NONE);
    const core = new ChannelCore<T>(capacity, reportName("Channel", name));
    this.sender = new ChannelSender(core);
    this.receiver = new ChannelReceiver(core);
  }

  /** Closes these two ends. Clones are closed on their own. */
  [Symbol.dispose](): void {
    this.sender.close();
    this.receiver.close();
  }

  /** A frozen record of the channel's items, ends and waiters. */
  statistics(): ChannelStatistics {
    return this.sender.statistics();
  }

  /** The name. */
  toString(): string {
    return String(this.sender);
  }
}

/** An end to send from. Made by {@linkcode Channel} and {@linkcode ChannelSender.clone}; `using` closes it. */
export class ChannelSender<T> implements Disposable {
  readonly #core: ChannelCore<T>;
  readonly #place: ChannelEnd;
  readonly #begin = (wait: Wait<void>, place: ChannelEnd, item: T): void => {
    if (this.#core.send(item, place)) return wait.settle();
    place.park(wait as Wait<unknown>);
    wait.offer = item; // taken by ChannelCore.receive
  };
  readonly #options = inOneShape<void>({
    now: (_: Task, item: T): undefined | typeof NOT_NOW => {
      if (!this.#core.isOpen(this.#place) || !this.#core.send(item, this.#place)) return NOT_NOW;
    },
  });

  /** Made by {@linkcode Channel}. */
  constructor(core: ChannelCore<T>) {
    this.#core = core;
    this.#place = checkPart(core, ChannelCore, "ChannelSender", "Channel").openSender();
  }

  /** Whether this end was closed. */
  get closed(): boolean {
    return this.#place.closed;
  }

  /**
   * Sends an item; waits until there is room for it, or, with capacity 0, until it is taken.
   *
   * @throws {ClosedError} If this end, or the last receiver, was closed before or meanwhile: then the item
   * was not sent.
   */
  send(item: T): Operation<void> {
    return operationOn(this.#place, this.#begin, item, this.#options);
  }

  /**
   * Sends an item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If the buffer is full and nobody waits to receive.
   * @throws {ClosedError} If this end, or the last receiver, was closed.
   */
  trySend(item: T): void {
    if (this.#core.send(item, this.#place)) return;
    throw new WouldBlock(
      `Cannot send to ${this} now: there is no room, and nobody waits for an item`,
    );
  }

  /**
   * Makes one more end for sending. The channel ends when all of them are closed.
   *
   * @throws {ClosedError} If this end was closed.
   */
  clone(): ChannelSender<T> {
    this.#core.refuseClosed("clone a sender of", this.#place);
    return new ChannelSender(this.#core);
  }

  /** Closes this end: who waits at it gets `ClosedError`. Never a checkpoint. Closing again has no effect. */
  close(): void {
    this.#core.closeSender(this.#place);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** A frozen record of the channel's items, ends and waiters. */
  statistics(): ChannelStatistics {
    return this.#core.statistics();
  }

  /** The channel's name. */
  toString(): string {
    return this.#core.name;
  }
}

/**
 * An end to receive from. Made by {@linkcode Channel} and {@linkcode ChannelReceiver.clone}; `using`
 * closes it. `for await` in an `async function*` goes through the items to the end of the channel.
 */
export class ChannelReceiver<T> implements Disposable, AsyncIterable<T> {
  readonly #core: ChannelCore<T>;
  readonly #place: ChannelEnd;
  readonly #receiving: Repeated<T>;

  /** Made by {@linkcode Channel}. */
  constructor(core: ChannelCore<T>) {
    this.#core = core;
    this.#place = checkPart(core, ChannelCore, "ChannelReceiver", "Channel").openReceiver();
    const begin = (wait: Wait<T>): void => {
      if (this.#core.canReceive(this.#place)) wait.settle(this.#core.receive());
      else this.#place.park(wait as Wait<unknown>);
    };
    const options = inOneShape<T>({
      now: () => this.#core.hasItem(this.#place) ? this.#core.receive() : NOT_NOW,
    });
    this.#receiving = new Repeated(this.#place, begin, options);
  }

  /** Whether this end was closed. */
  get closed(): boolean {
    return this.#place.closed;
  }

  /**
   * Takes the next item; waits until there is one.
   *
   * @throws {EndOfChannel} If every sender was closed and nothing is left.
   * @throws {ClosedError} If this end was closed, before or meanwhile.
   */
  receive(): Operation<T> {
    return this.#receiving.make(currentScope());
  }

  /**
   * Takes the next item without waiting. Never a checkpoint; may be called outside of tasks.
   *
   * @throws {WouldBlock} If there is none.
   * @throws {EndOfChannel} If every sender was closed and nothing is left.
   * @throws {ClosedError} If this end was closed.
   */
  tryReceive(): T {
    if (this.#core.canReceive(this.#place)) return this.#core.receive();
    throw new WouldBlock(`Cannot receive from ${this} now: nothing was sent`);
  }

  /**
   * Makes one more end for receiving. Each item still goes to one receiver only.
   *
   * @throws {ClosedError} If this end was closed.
   */
  clone(): ChannelReceiver<T> {
    this.#core.refuseClosed("clone a receiver of", this.#place);
    return new ChannelReceiver(this.#core);
  }

  /** Closes this end: who waits at it gets `ClosedError`. Never a checkpoint. Closing again has no effect. */
  close(): void {
    this.#core.closeReceiver(this.#place);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Receives item after item, to the end of the channel. Leaving the loop does not close this end. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return itemsOf(() => this.receive(), (error) => error instanceof EndOfChannel);
  }

  /** A frozen record of the channel's items, ends and waiters. */
  statistics(): ChannelStatistics {
    return this.#core.statistics();
  }

  /** The channel's name. */
  toString(): string {
    return this.#core.name;
  }
}

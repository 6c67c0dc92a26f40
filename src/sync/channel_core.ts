/**
 * The inside of a channel, which its ends share: the items on their way, and who waits on either side.
 *
 * All senders stand in one line, whichever end they wait at, and so do all receivers; otherwise clones
 * would race each other. Closing one end must wake those who wait at that very end, and must not search
 * the line for them when there are none: a thousand producers that each close their clone would else
 * cost a million steps. So each end has a {@linkcode ChannelEnd}, which counts them and is what their
 * waits are parked on.
 */
import { Deque } from "../internal/deque.ts";
import { ClosedError } from "../kernel/errors.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/**
 * Every sender was closed, and everything that was sent has been received: the orderly end of a
 * channel or a broadcast. A `ClosedError` of its own, because a loop over `receive` ends here, while
 * using an end that one has closed oneself is a mistake.
 */
export class EndOfChannel extends ClosedError {
  /** The class name. */
  override readonly name: string = "EndOfChannel";
}

/** What a channel is doing. */
export interface ChannelStatistics {
  /** Items in the buffer. */
  readonly size: number;
  /** The most it may hold. */
  readonly capacity: number;
  /** The most it has held at one time. */
  readonly peak: number;
  /** Sending ends that are open. */
  readonly senders: number;
  /** Receiving ends that are open. */
  readonly receivers: number;
  /** Tasks waiting in `send`. */
  readonly sending: number;
  /** Tasks waiting in `receive`. */
  readonly receiving: number;
}

/** Where the waits of one end are parked. */
export class ChannelEnd implements WaitSource {
  /** Tasks alone end these waits. */
  readonly host = "none";
  /** Whether the end was closed. */
  closed = false;
  /** How many wait here. */
  waiting = 0;
  readonly #line: WaitQueue<unknown>;
  readonly #describe: () => string;

  /** A place in a line; reports call it what `describe` says. */
  constructor(line: WaitQueue<unknown>, describe: () => string) {
    this.#line = line;
    this.#describe = describe;
  }

  /** Parks a wait at the back of the line. */
  park(wait: Wait<unknown>): void {
    this.waiting++;
    this.#line.park(wait, this);
  }

  /** Forgets a wait that is being cancelled. */
  abandon(wait: Wait): boolean {
    this.waiting--;
    return this.#line.abandon(wait);
  }

  /** Closes it: those who wait here get `error`, longest first. */
  close(error: () => Error): void {
    this.closed = true;
    if (this.waiting === 0) return;
    const reason = error();
    for (const wait of [...this.#line].filter((one) => one.source === this)) {
      this.abandon(wait);
      wait.fail(reason);
    }
  }

  toString(): string {
    return this.#describe();
  }
}

/** What all ends of one channel share. */
export class ChannelCore<T> {
  readonly name: string;
  readonly #capacity: number;
  readonly #items = new Deque<T>();
  readonly #sends: WaitQueue<void>;
  readonly #receives: WaitQueue<T>;
  #senders = 0;
  #receivers = 0;
  #peak = 0;

  /** A channel without ends. */
  constructor(capacity: number, name: string) {
    this.name = name;
    this.#capacity = capacity;
    this.#sends = new WaitQueue(this, "send");
    this.#receives = new WaitQueue(this, "receive");
  }

  /** Opens one more end for sending. */
  openSender(): ChannelEnd {
    this.#senders++;
    const describe = () => `${this.#sends} (${count(this.#receivers, "receiver")} open)`;
    return new ChannelEnd(this.#sends as WaitQueue<unknown>, describe);
  }

  /** Opens one more end for receiving. */
  openReceiver(): ChannelEnd {
    this.#receivers++;
    const describe = () => `${this.#receives} (${count(this.#senders, "sender")} open)`;
    return new ChannelEnd(this.#receives as WaitQueue<unknown>, describe);
  }

  /** Whether an end can send. */
  isOpen(place: ChannelEnd): boolean {
    return !place.closed && this.#receivers > 0;
  }

  /** Hands an item to the longest-waiting receiver or into the buffer; `false` if there is room in neither. */
  send(item: T, place: ChannelEnd): boolean {
    if (place.closed) throw this.#closedEnd("send to");
    if (this.#receivers === 0) throw this.#unheard();
    const receiver = take(this.#receives);
    if (receiver !== null) receiver.settle(item);
    else if (this.#items.size < this.#capacity) this.#keep(item);
    else return false;
    return true;
  }

  /** Whether there is something to receive now. Throws where there never will be. */
  canReceive(place: ChannelEnd): boolean {
    if (place.closed) throw this.#closedEnd("receive from");
    if (this.hasItem(place)) return true;
    if (this.#senders === 0) throw this.#end();
    return false;
  }

  /** Whether an end can receive an item now. */
  hasItem(place: ChannelEnd): boolean {
    return !place.closed && (this.#items.size > 0 || this.#sends.size > 0);
  }

  /** Takes the next item, and lets the longest-waiting sender have its place. */
  receive(): T {
    const buffered = this.#items.size > 0;
    const sender = take(this.#sends);
    const offer = sender?.offer as T; // see ChannelSender.send
    sender?.settle();
    if (!buffered) return offer;
    const item = this.#items.shift() as T;
    if (sender !== null) this.#keep(offer);
    return item;
  }

  /** Closes an end for sending; with the last one, receivers that wait are told that it is the end. */
  closeSender(place: ChannelEnd): void {
    if (place.closed) return;
    place.close(() => this.#closedEnd("send to"));
    if (--this.#senders > 0 || this.#receives.size === 0) return;
    failAll(this.#receives, this.#end());
  }

  /** Closes an end for receiving; with the last one, the items are dropped and senders that wait are told. */
  closeReceiver(place: ChannelEnd): void {
    if (place.closed) return;
    place.close(() => this.#closedEnd("receive from"));
    if (--this.#receivers > 0) return;
    this.#items.clear();
    if (this.#sends.size > 0) failAll(this.#sends, this.#unheard());
  }

  /** The error of those who go on with an end that was closed. */
  refuseClosed(verb: string, place: ChannelEnd): void {
    if (place.closed) throw this.#closedEnd(verb);
  }

  /** A frozen record of items, ends and waiters. */
  statistics(): ChannelStatistics {
    return Object.freeze({
      size: this.#items.size,
      capacity: this.#capacity,
      peak: this.#peak,
      senders: this.#senders,
      receivers: this.#receivers,
      sending: this.#sends.size,
      receiving: this.#receives.size,
    });
  }

  toString(): string {
    return this.name;
  }

  #keep(item: T): void {
    this.#items.push(item);
    if (this.#items.size > this.#peak) this.#peak = this.#items.size;
  }

  #closedEnd(verb: string): ClosedError {
    return new ClosedError(`Cannot ${verb} ${this.name}: this end was closed`);
  }

  #unheard(): ClosedError {
    return new ClosedError(`Cannot send to ${this.name}: every receiver was closed`);
  }

  #end(): EndOfChannel {
    return new EndOfChannel(`Cannot receive from ${this.name}: every sender was closed`);
  }
}

/** Takes the longest wait out of a line; the caller must end it. */
function take<T>(line: WaitQueue<T>): Wait<T> | null {
  const wait = line.shift();
  if (wait !== null) (wait.source as ChannelEnd).waiting--;
  return wait;
}

function failAll<T>(line: WaitQueue<T>, error: Error): void {
  for (let wait = take(line); wait !== null; wait = take(line)) wait.fail(error);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

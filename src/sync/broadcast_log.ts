/**
 * The inside of a broadcast: a log of the items that some subscriber has still to receive.
 *
 * One log for all, not a queue for each: a send costs the same for a thousand subscribers that are busy as
 * for one, and each item is held once. An entry counts the subscribers that have still to read it and
 * goes when there are none. Nobody has read an entry without having read those before it, so entries go from the
 * front only. A subscriber that waits has read everything, so an item sent then is handed to it
 * and may never enter the log.
 */
import { Deque } from "../internal/deque.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/**
 * A subscriber of a broadcast whose rule is `"error"` was too slow: `missed` items were dropped before
 * it could receive them. It has not ended; the next `receive` goes on with the oldest item still held.
 */
export class LaggedError extends Error {
  /** The class name. */
  override readonly name: string = "LaggedError";
  /** How many items were dropped since the last one that it received. */
  readonly missed: number;

  /** Says who has missed how many. */
  constructor(subscription: string, missed: number) {
    super(`Cannot receive from ${subscription} without a gap: ${missed} items were dropped`);
    this.missed = missed;
  }
}

interface LoggedItem<T> {
  readonly item: T;
  /** How many readers have still to read it. */
  left: number;
}

/** One subscriber's place in the log. */
export class LogReader<T> {
  readonly name: string;
  /** Who waits for the next item. */
  readonly waits: WaitQueue<T>;
  /** The number of the item that comes next. */
  next: number;
  /** How many items were dropped before it reached them. */
  missed = 0;

  /** A reader that goes on with item number `next`. */
  constructor(name: string, next: number) {
    this.name = name;
    this.next = next;
    this.waits = new WaitQueue<T>(this, "receive");
  }

  toString(): string {
    return this.name;
  }
}

/** What becomes of a subscriber that is `capacity` items behind when one more is sent. */
export type LagRule = "block" | "drop" | "error";

/** The items, the readers, and the senders that wait for room. */
export class BroadcastLog<T> {
  readonly capacity: number;
  /** What becomes of slow readers. */
  readonly lag: LagRule;
  /** Whether no more items will come. */
  closed = false;
  /** Those who wait to send, in FIFO order. */
  readonly sends: WaitQueue<void>;
  /** The most items it has held at one time. */
  peak = 0;
  /** Items that went before everybody had read them. */
  dropped = 0;
  readonly #name: string;
  readonly #entries = new Deque<LoggedItem<T>>();
  readonly #readers = new Set<LogReader<T>>();
  /** Readers that wait, the longest first; a cancel may have left some without a wait. */
  readonly #waiting = new Set<LogReader<T>>();
  readonly #pressed: WaitSource;
  /** The number of the item at the front. */
  #base = 0;
  #serial = 0;

  constructor(capacity: number, lag: LagRule, name: string) {
    this.capacity = capacity;
    this.lag = lag;
    this.#name = name;
    this.sends = new WaitQueue(this, "send");
    this.#pressed = {
      host: "none",
      abandon: (wait) => this.sends.abandon(wait),
      toString: () => `${this.sends}${this.#whoLags()}`,
    };
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether an item cannot be sent now. */
  get blocked(): boolean {
    return this.lag === "block" && this.#isFull;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Adds a reader that goes on where `like` is, or with what is sent from now on. */
  open(like?: LogReader<T>): LogReader<T> {
    const reader = new LogReader<T>(`${this.#name}[${++this.#serial}]`, like?.next ?? this.#head);
    this.#readers.add(reader);
    this.#count(reader, 1);
    return reader;
  }

  /** Removes a reader, with all that it had still to read. */
  close(reader: LogReader<T>): void {
    this.#readers.delete(reader);
    this.#waiting.delete(reader);
    this.#count(reader, -1);
    this.#trim();
  }

  /** Parks a task that wants to send an item and finds the log full. */
  park(wait: Wait<void>, item: T): void {
    this.sends.park(wait, this.#pressed);
    wait.offer = item; // see #trim
  }

  /** Parks a task that wants to receive and has read everything. */
  await(wait: Wait<T>, reader: LogReader<T>): void {
    reader.waits.park(wait);
    this.#waiting.add(reader);
  }

  /** Sends an item: to readers that wait at once, into the log for the others. A full log loses its oldest. */
  append(item: T): void {
    let left = this.#readers.size;
    for (const reader of this.#waiting) {
      if (reader.waits.wake(item)) {
        reader.next++;
        left--;
      }
      if (reader.waits.size === 0) this.#waiting.delete(reader);
    }
    if (left === 0) {
      this.#base++; // everybody has it, so the log is empty: its front passes this item
      return;
    }
    if (this.#isFull) {
      this.#entries.shift();
      this.#base++;
      this.dropped++;
    }
    this.#entries.push({ item, left });
    if (this.#entries.size > this.peak) this.peak = this.#entries.size;
  }

  /** How many items a reader has lost that it has not been told of. */
  gap(reader: LogReader<T>): number {
    return Math.max(0, this.#base - reader.next);
  }

  /** How many items a reader can still read. */
  unread(reader: LogReader<T>): number {
    return this.#entries.size - Math.max(0, reader.next - this.#base);
  }

  /** Has a reader go on with the oldest item still held, and counts those that it has lost. */
  skip(reader: LogReader<T>): number {
    const lost = this.gap(reader);
    reader.missed += lost;
    reader.next += lost;
    return lost;
  }

  /** Reads the next item, which must be there. */
  read(reader: LogReader<T>): T {
    const entry = this.#entries.at(reader.next++ - this.#base)!;
    if (--entry.left === 0) this.#trim();
    return entry.item;
  }

  /** No more items come: readers that wait get `ended`, senders that wait get `refused`. */
  end(ended: (reader: string) => Error, refused: () => Error): void {
    this.closed = true;
    for (const reader of this.#waiting) {
      if (reader.waits.size > 0) reader.waits.failAll(ended(reader.name));
    }
    this.#waiting.clear();
    if (this.sends.size > 0) this.sends.failAll(refused());
  }

  toString(): string {
    return this.#name;
  }

  /** The number that the next item will have. */
  get #head(): number {
    return this.#base + this.#entries.size;
  }

  get #isFull(): boolean {
    return this.#entries.size >= this.capacity;
  }

  /** Adds to the count of each entry that a reader has still to read. */
  #count(reader: LogReader<T>, by: 1 | -1): void {
    for (let at = Math.max(0, reader.next - this.#base); at < this.#entries.size; at++) {
      this.#entries.at(at)!.left += by;
    }
  }

  /** Lets go of what everybody has read, and takes in what waiting senders offer. */
  #trim(): void {
    while (this.#entries.at(0)?.left === 0) {
      this.#entries.shift();
      this.#base++;
    }
    while (this.sends.size > 0 && !this.#isFull) {
      const sender = this.sends.shift()!;
      const offer = sender.offer as T;
      sender.settle();
      this.append(offer);
    }
  }

  #whoLags(): string {
    let slowest: LogReader<T> | undefined;
    for (const reader of this.#readers) {
      if (slowest === undefined || reader.next < slowest.next) slowest = reader;
    }
    return slowest === undefined
      ? ""
      : ` (${slowest} is ${this.#head - slowest.next} items behind)`;
  }
}

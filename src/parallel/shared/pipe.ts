/**
 * A pipe between threads: two ends, and what one sends the other receives.
 *
 * An end belongs to the thread that used it last, beginning with the one that made the pipe or was
 * handed the end. When that thread is gone the other end comes to its end of file, as when a process
 * dies that had the only copy of a descriptor. In contrast to descriptors, a copy that was left behind in
 * the thread that made the pipe does not keep it open: nobody has to close "the other one's end".
 */
import { ClosedError, WouldBlock } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import {
  Channel,
  channelBytes,
  type ChannelTerms,
  initChannel,
  UNBOUNDED,
} from "./shared_channel.ts";
import { refuseMainThread } from "./shared_blocking.ts";
import { NOT_YET } from "./shared_gate.ts";
import { registerShared, shareable, type SharedHandle } from "./shared_pack.ts";
import { DEFAULT_BYTES, type SharedQueueOptions } from "./shared_queue.ts";
import { ringSize } from "./shared_ring.ts";
import { handleOf, handleWithin, newSeat, type Seat, seatOf } from "./shared_seat.ts";
import { inTime, within } from "./shared_time.ts";

/** For each end: the number of the thread that has it, and whether it is closed. */
const OWNERS = 0;
const CLOSED = 2;
/** Whether both ends send and receive. */
const DUPLEX = 4;
/** The size of each ring. */
const SIZE = 5;
const CHANNELS = 6;

/** The channel that an end writes, or the one it reads. */
function channelOf(seat: Seat, writer: number, terms: ChannelTerms): Channel | null {
  const { words } = seat;
  const first = words[DUPLEX] === 1 ? 0 : 1;
  if (writer < first) return null;
  return new Channel(seat, CHANNELS + (writer - first) * (channelBytes(words[SIZE]!) / 4), terms);
}

/**
 * One end of a {@linkcode pipe}: pass it to a job, and the job has it.
 *
 * Values are copied and come out in order. `send` waits while the pipe is full. When the other end was
 * closed, or its thread is gone, `send` throws a `ClosedError` at once, and `recv` when nothing is left.
 */
export class Connection<T = unknown> implements Disposable {
  /** Makes a handle, for a bare `postMessage`; jobs and processes take the end itself. */
  readonly share: () => SharedHandle = shareable(this, () => handleOf(this.#seat));
  readonly #seat: Seat;
  readonly #side: number;
  readonly #out: Channel | null;
  readonly #in: Channel | null;

  /** Made by {@linkcode pipe}. */
  constructor(handle: SharedHandle) {
    const seat = this.#seat = seatOf(handle, "Connection");
    const side = this.#side = seat.at;
    const ended = (): string | null => this.#whyEnded();
    const terms = { write: `send through ${this}`, read: `receive from ${this}`, ended };
    this.#out = channelOf(seat, side, terms);
    this.#in = channelOf(seat, 1 - side, terms);
    Atomics.store(seat.words, OWNERS + side, seat.party.number);
  }

  /** The end behind a handle; it belongs to this thread now. */
  static from<T = unknown>(handle: SharedHandle): Connection<T> {
    return new Connection(handle);
  }

  /** Whether it can receive. */
  get readable(): boolean {
    return this.#in !== null;
  }

  /** Whether it can send. */
  get writable(): boolean {
    return this.#out !== null;
  }

  /** Whether this end was closed. */
  get closed(): boolean {
    return Atomics.load(this.#seat.words, CLOSED + this.#side) === 1;
  }

  /**
   * Sends a value; waits while the pipe is full.
   *
   * @throws {ClosedError} If either end is closed, or the other end's thread is gone.
   * @throws {TypeError} If the value cannot be cloned, or this end only receives.
   * @throws {RangeError} If it is larger than the whole pipe.
   */
  send(value: T): Operation<void> {
    const channel = this.#writing();
    const label = `${this}.send()`;
    return channel.room.enter(label, () => channel.writing(label, channel.encode(value)));
  }

  /**
   * Receives the next value; waits while there is none.
   *
   * @throws {ClosedError} If this end is closed; or if nothing is left and the other end is closed, or
   * its thread gone: the end of file.
   * @throws {TypeError} If this end only sends.
   */
  recv(): Operation<T> {
    const channel = this.#reading();
    const label = `${this}.recv()`;
    return channel.values.enter(label, () => channel.reading(label)) as Operation<T>;
  }

  /** Sends a value; blocks while the pipe is full, at most `ms` milliseconds. For a worker's plain code. */
  sendSync(value: T, ms?: number): void {
    refuseMainThread(this, "sendSync");
    const label = `${this}.sendSync()`;
    const channel = this.#writing();
    channel.room.block(channel.writing(label, channel.encode(value)), ms);
  }

  /** Receives the next value; blocks while there is none, at most `ms` milliseconds. For a worker's plain code. */
  recvSync(ms?: number): T {
    const channel = this.#reading();
    return channel.values.block(channel.reading(`${this}.recvSync()`), ms) as T;
  }

  /**
   * Sends without waiting.
   *
   * @throws {WouldBlock} If the pipe is full.
   */
  trySend(value: T): void {
    const channel = this.#writing();
    if (channel.tryWrite(channel.encode(value))) return;
    throw new WouldBlock(`Cannot send through ${this} now: it is full`);
  }

  /**
   * Receives without waiting.
   *
   * @throws {WouldBlock} If there is nothing.
   */
  tryRecv(): T {
    const value = this.#reading().tryRead();
    if (value === NOT_YET) {
      throw new WouldBlock(`Cannot receive from ${this} now: nothing is there`);
    }
    return value as T;
  }

  /**
   * Waits up to `ms` milliseconds until there is something to receive, which may be the end of file.
   * Evaluates to whether there is.
   */
  poll(ms: number = 0): Operation<boolean> {
    const channel = this.#reading();
    const label = `${this}.poll()`;
    const readable = () => channel.values.enter(label, () => channel.readable(label));
    return within(ms, label, readable, () => false);
  }

  /** Blocks up to `ms` milliseconds until there is something to receive. For a worker's plain code. */
  pollSync(ms: number = 0): boolean {
    const channel = this.#reading();
    return inTime(() => channel.values.block(channel.readable(`${this}.pollSync()`), ms));
  }

  /** Closes this end, in all threads. What was sent can still be received. Never waits. */
  close(): void {
    Atomics.store(this.#seat.words, CLOSED + this.#side, 1);
    this.#out?.rouse();
    this.#in?.rouse();
  }

  /** Closes this end. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As in `Pipe#1.a`. */
  toString(): string {
    return this.#seat.name;
  }

  #writing(): Channel {
    if (this.#out === null) throw new TypeError(`Cannot send through ${this}: it only receives`);
    return this.#out;
  }

  #reading(): Channel {
    if (this.#in === null) throw new TypeError(`Cannot receive from ${this}: it only sends`);
    if (this.closed) throw new ClosedError(`Cannot receive from ${this}: it is closed`);
    return this.#in;
  }

  #whyEnded(): string | null {
    const { words, party } = this.#seat;
    const other = 1 - this.#side;
    if (Atomics.load(words, CLOSED + this.#side) === 1) return "it is closed";
    if (Atomics.load(words, CLOSED + other) === 1) return "its other end is closed";
    const owner = Atomics.load(words, OWNERS + other);
    if (party.isAlive(owner)) return null;
    return `"${party.nameOf(owner)}", which had its other end, is gone`;
  }
}

/**
 * Makes a pipe: two connected ends, `[a, b]`. What `a` sends, `b` receives, and the other way around;
 * with `duplex` false, `a` only receives and `b` only sends.
 *
 * After Python's `multiprocessing.Pipe`, except that an end need not be closed in the thread that has
 * passed it on.
 *
 * @example A worker on the other end
 * ```ts
 * import { type Connection, jobs, pipe, run, WorkerPool } from "@weft/weft";
 *
 * const { shout } = jobs(import.meta, {
 *   shout(end: Connection<string>): void {
 *     while (end.pollSync(1000)) end.sendSync(end.recvSync().toUpperCase());
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(1);
 *   await run(async function* () {
 *     const [here, there] = pipe<string>();
 *     const job = pool.submit(shout, there);
 *     yield* here.send("hello");
 *     if ((yield* here.recv()) !== "HELLO") throw new Error();
 *     here.close();
 *     job.link(() => {}); // it ends with a ClosedError, its end of file
 *   });
 * }
 * ```
 *
 * @typeParam T The values' type.
 * @param duplex Whether both ends send and receive. @default {true}
 * @param options How many bytes there is room for, in each direction.
 * @returns The two ends.
 * @throws {RangeError} If the number of bytes is out of range.
 */
export function pipe<T = unknown>(
  duplex: boolean = true,
  options: SharedQueueOptions = {},
): [a: Connection<T>, b: Connection<T>] {
  const size = ringSize(options.bytes ?? DEFAULT_BYTES);
  const bytes = channelBytes(size);
  const seat = newSeat("Pipe", 4 * CHANNELS + bytes * (duplex ? 2 : 1));
  const { words, name } = seat;
  words[DUPLEX] = Number(duplex);
  words[SIZE] = size;
  for (let i = 0; i < (duplex ? 2 : 1); i++) {
    initChannel(words, CHANNELS + i * (bytes / 4), size, UNBOUNDED);
  }
  words[OWNERS] = words[OWNERS + 1] = seat.party.number;
  const [a, b] = ["a", "b"].map((end, side) =>
    new Connection<T>(handleWithin(seat, "Connection", side, `${name}.${end}`))
  );
  return [a!, b!];
}

registerShared("Connection", Connection.from);

/**
 * A pipe between threads: two ends, and what one sends the other receives.
 *
 * An end is open as long as some thread has it, as with descriptors: each of its copies counts, in
 * whichever thread, and an end that is on its way to another thread counts, too. A copy counts no more when
 * it was closed, when its thread has ended, or when it was garbage. So with two writers the reader reaches
 * its end of file when both are gone, and a thread that has passed an end on closes the copy that it kept.
 */
import { checkFlag, checkOptions } from "../../kernel/checks.ts";
import { ClosedError, WouldBlock } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import {
  channelBytes,
  type ChannelTerms,
  initChannel,
  SharedChannel,
  UNBOUNDED,
} from "./channel.ts";
import { type Gate, NOT_YET } from "./gate.ts";
import { Holders, holdersWords } from "./holders.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { HUP, IN, OUT, ReadyHandle, type ReadySource } from "./ready_handle.ts";
import { DEFAULT_BYTES, type SharedQueueOptions } from "./queue.ts";
import { ringSize } from "./ring.ts";
import {
  handleOf,
  handleWithin,
  newRegion,
  type Region,
  regionOf,
  SharedObject,
} from "./region.ts";
import { inTime, within } from "./waiting.ts";

/** Whether both ends send and receive. */
const DUPLEX = 0;
/** The size of each ring. */
const SIZE = 1;
/** Which threads have one end, and which the other. */
const ENDS = 2;
/** So many threads may have an end at a time. */
const THREADS = 256;
const CHANNELS = ENDS + 2 * holdersWords(THREADS);

function holdersOf({ words, thread }: Region, side: number): Holders {
  return new Holders(words, ENDS + side * holdersWords(THREADS), THREADS, thread);
}

/** What is left of a copy that is gone; it does not hold the copy itself. */
interface Remains {
  readonly holders: Holders;
  readonly gates: readonly Gate[];
}

/** Counts copies down that nobody closed before they were garbage. */
const forgotten = new FinalizationRegistry<Remains>(({ holders, gates }) => leave(holders, gates));

/** The channel that an end writes, or the one it reads. */
function channelOf(region: Region, writer: number, terms: ChannelTerms): SharedChannel | null {
  const { words } = region;
  const first = words[DUPLEX] === 1 ? 0 : 1;
  if (writer < first) return null;
  return new SharedChannel(
    region,
    CHANNELS + (writer - first) * (channelBytes(words[SIZE]!) / 4),
    terms,
  );
}

/**
 * One end of a {@linkcode pipe}: pass it to a job or a process, and that has it, too.
 *
 * Values are copied and come out in order. `send` waits while the pipe is full. When no thread has the
 * other end any more (each has closed it, or has ended), `send` throws a `ClosedError` at once, and `recv`
 * when nothing is left. So close the copy that you keep of an end that you have passed on, as in Python:
 * `process.start(); end.close()`.
 */
export class Connection<T = unknown> extends SharedObject implements Disposable {
  readonly #region: Region;
  readonly #side: number;
  readonly #out: SharedChannel | null;
  readonly #in: SharedChannel | null;
  readonly #mine: Holders;
  readonly #others: Holders;
  readonly #gates: readonly Gate[];
  #closed = false;
  #handle: ReadyHandle | null = null;

  /** Made by {@linkcode pipe}. */
  constructor(handle: SharedHandle) {
    const region = regionOf(handle, "Connection");
    super(region, () => this.#share(), true);
    this.#region = region;
    const side = this.#side = region.at;
    const ended = (): string | null => this.#whyEnded();
    const used = (): void => this.#handle?.changed();
    const terms = { write: `send through ${this}`, read: `receive from ${this}`, ended, used };
    this.#out = channelOf(region, side, terms);
    this.#in = channelOf(region, 1 - side, terms);
    const mine = this.#mine = holdersOf(region, side);
    this.#others = holdersOf(region, 1 - side);
    this.#count();
    if (handle.pass !== undefined) takePass(mine, handle.pass);
    const gates = this.#gates = [this.#out, this.#in].flatMap((channel) =>
      channel === null ? [] : [channel.values, channel.room]
    );
    forgotten.register(this, { holders: mine, gates }, this);
  }

  /** The end behind a handle; this thread has it from now on. */
  static from<T = unknown>(handle: SharedHandle): Connection<T> {
    return new Connection(handle);
  }

  /**
   * For an {@linkcode EventRegistry}: ready when there is something to receive, or room to send. Where several
   * threads have this end, another may be quicker: use the `try` methods.
   */
  get handle(): ReadyHandle {
    return this.#handle ??= new ReadyHandle(this.#asSource());
  }

  /** Whether it can receive. */
  get readable(): boolean {
    return this.#in !== null;
  }

  /** Whether it can send. */
  get writable(): boolean {
    return this.#out !== null;
  }

  /** Whether this copy of the end was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends a value; waits while the pipe is full.
   *
   * @throws {ClosedError} If this end is closed, or no thread has the other one any more.
   * @throws {TypeError} If the value cannot be cloned, or this end only receives.
   * @throws {RangeError} If it is larger than the whole pipe.
   */
  send(value: T): Operation<void> {
    return this.#writing().write(`${this}.send()`, value);
  }

  /**
   * Receives the next value; waits while there is none.
   *
   * @throws {ClosedError} If this end is closed; or if nothing is left and no thread has the other
   * one any more: the end of file.
   * @throws {TypeError} If this end only sends.
   */
  recv(): Operation<T> {
    return this.#reading().read(`${this}.recv()`) as Operation<T>;
  }

  /** Sends a value; blocks while the pipe is full, at most `ms` milliseconds. For a worker's plain code. */
  sendSync(value: T, ms?: number): void {
    this.#writing().writeSync(this, "sendSync", value, ms);
  }

  /** Receives the next value; blocks while there is none, at most `ms` milliseconds. For a worker's plain code. */
  recvSync(ms?: number): T {
    return this.#reading().readSync(this, "recvSync", ms) as T;
  }

  /**
   * Sends without waiting.
   *
   * @throws {WouldBlock} If the pipe is full.
   */
  trySend(value: T): void {
    if (this.#writing().tryWrite(value)) return;
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
    return within(ms, `${this}.poll()`, () => this.readiness(), () => false);
  }

  /** Waits until there is something to receive, which may be the end of file. Takes nothing. */
  readiness(): Operation<true> {
    const channel = this.#reading();
    const label = `${this}.readiness()`;
    return channel.values.enter(label, () => channel.readable(label));
  }

  /** Blocks up to `ms` milliseconds until there is something to receive. For a worker's plain code. */
  pollSync(ms: number = 0): boolean {
    const channel = this.#reading();
    return inTime(() => channel.values.block(channel.readable(`${this}.pollSync()`), ms));
  }

  /**
   * Closes this copy of the end: other threads that have it keep it. What was sent can still be received.
   * Never waits; calling it again has no effect.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    forgotten.unregister(this);
    leave(this.#mine, this.#gates);
    this.#handle?.close();
  }

  /** Closes this end. */
  [Symbol.dispose](): void {
    this.close();
  }

  #writing(): SharedChannel {
    if (this.#out === null) throw new TypeError(`Cannot send through ${this}: it only receives`);
    return this.#out;
  }

  #reading(): SharedChannel {
    if (this.#in === null) throw new TypeError(`Cannot receive from ${this}: it only sends`);
    if (this.#closed) throw new ClosedError(`Cannot receive from ${this}: it is closed`);
    return this.#in;
  }

  #whyEnded(): string | null {
    if (this.#closed) return "it is closed";
    if (this.#others.held) return null;
    const dead = this.#others.findDead();
    if (dead === undefined) return "its other end is closed";
    return `"${this.#region.thread.nameOf(dead)}", which had its other end, is gone`;
  }

  #asSource(): ReadySource {
    const isClosed = (): boolean => this.#closed;
    const bits = (): number => this.#bits();
    return {
      get bits() {
        return bits();
      },
      get closed() {
        return isClosed();
      },
      wait: (interest, told) => {
        const stops: (() => void)[] = [];
        const once = (): void => {
          for (const stop of stops.splice(0)) stop();
          told();
        };
        const [reading, writing] = [this.#in, this.#out];
        if (reading !== null) {
          stops.push(reading.values.watch(reading.readable(`${this}.handle`), once));
        }
        if (writing !== null && (reading === null || (interest & OUT) !== 0)) {
          stops.push(writing.room.watch(writing.writable(`${this}.handle`), once));
        }
        return () => stops.forEach((stop) => stop());
      },
      toString: () => this.toString(),
    };
  }

  /** A pipe whose other end is gone can be read to its end; nothing can be sent any more. */
  #bits(): number {
    const ended = this.#whyEnded() !== null;
    const isReadable = this.#in !== null && (ended || this.#in.length > 0);
    const isWritable = this.#out !== null && !ended && this.#out.roomy;
    return (isReadable ? IN : 0) | (isWritable ? OUT : 0) | (ended ? HUP : 0);
  }

  /**
   * The handle that `share` makes counts as an open end of this thread until `Connection.from` has made an end
   * of it. Throws a `ClosedError` if this end is closed.
   */
  #share(): SharedHandle {
    if (this.#closed) throw new ClosedError(`Cannot pass ${this} on: it is closed`);
    this.#count();
    const pass = { by: this.#region.thread.number, taken: new SharedArrayBuffer(4) };
    return { ...handleOf(this.#region), pass };
  }

  #count(): void {
    if (this.#mine.add()) return;
    throw new RangeError(`Cannot have ${this} in another thread: ${THREADS} threads have it`);
  }
}

/** A copy is gone; a thread that waits at either end looks whether it was the last one. */
function leave(holders: Holders, gates: readonly Gate[]): void {
  holders.remove();
  for (const gate of gates) gate.wakeAll();
}

/** What was on its way has arrived, or never will; the first to say so is believed. */
function takePass(holders: Holders, { by, taken }: NonNullable<SharedHandle["pass"]>): void {
  if (Atomics.exchange(new Int32Array(taken), 0, 1) === 0) holders.remove(by);
}

/**
 * Makes a pipe: two connected ends, `[a, b]`. What `a` sends, `b` receives, and the other way around;
 * with `duplex` false, `a` only receives and `b` only sends.
 *
 * After Python's `multiprocessing.Pipe`: an end that was passed on is to be closed here, too.
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
    there.close(); // it is the job's now
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
  checkFlag(duplex, "duplex");
  const ring = ringSize(checkOptions(options, "pipe()").bytes ?? DEFAULT_BYTES);
  const bytes = channelBytes(ring.size);
  const region = newRegion("Pipe", 4 * CHANNELS + bytes * (duplex ? 2 : 1));
  const { words, name } = region;
  words[DUPLEX] = Number(duplex);
  words[SIZE] = ring.size;
  for (let i = 0; i < (duplex ? 2 : 1); i++) {
    initChannel(words, CHANNELS + i * (bytes / 4), ring, UNBOUNDED);
  }
  const [a, b] = ["a", "b"].map((end, side) =>
    new Connection<T>(handleWithin(region, "Connection", side, `${name}.${end}`))
  );
  return [a!, b!];
}

registerShared("Connection", Connection.from, (handle) => {
  takePass(holdersOf(regionOf(handle, "Connection"), handle.at), handle.pass!);
});

/**
 * A stream of values from any threads to any threads: the inside of queues and pipes.
 *
 * A ring of bytes with a lock for the writers and one for the readers, so that the two sides do
 * not wait for each other. Each lock is held for the copying of one value; a thread that finds it taken tries
 * for a moment and then waits at the same gate as one that finds the ring full, or empty. So a thread that is
 * done looks whether there is room (or a value) left and another waits, and wakes that.
 *
 * A thread that dies half-way through a write leaves the lock taken and the ring as it was before. What
 * was complete can still be read; then, and for all writers, it is an error. A value is turned into
 * bytes before the lock is taken, which may run code of the value's own; a thread that dies in there is
 * noted beforehand, and is an error all the same.
 */
import { AbandonedError, ClosedError } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import { encode, isPlainCode, keep, type Packet } from "./codec.ts";
import { Gate, GATE_WORDS, type GateEntry, NOT_YET } from "./gate.ts";
import { MUTEX_WORDS, SharedMutex } from "./mutex.ts";
import { GROWS, Ring, RING_WORDS, type RingSize, SIZE } from "./ring.ts";
import type { Region } from "./region.ts";
import { refuseMainThread } from "./waiting.ts";

/** Whether it is closed. */
const CLOSED = 0;
/** How many values it may hold. */
const CAPACITY = 1;
/** The writers' lock and gate, the readers' lock and gate. */
const WRITERS = 4;
const ROOM = WRITERS + MUTEX_WORDS;
const READERS = ROOM + GATE_WORDS;
const VALUES = READERS + MUTEX_WORDS;
/** The numbers of threads that are turning a value into bytes. */
const ENCODING = VALUES + GATE_WORDS;
const ENCODERS = 8;
const RING = ENCODING + ENCODERS;
const HEADER_WORDS = (RING + RING_WORDS + 1) & ~1;

/** How often a lock that is taken is tried again before one waits: it is held for a microsecond. */
const TRIES = 50;

/** Any number of values, as far as the bytes go. */
export const UNBOUNDED: number = 0x7fff_ffff;

/** How many bytes of memory a channel takes with a ring of `size` bytes. */
export function channelBytes(size: number): number {
  return 4 * HEADER_WORDS + size;
}

/** Prepares memory for a channel. */
export function initChannel(
  words: Int32Array,
  at: number,
  { size, growth }: RingSize,
  capacity: number,
): void {
  words[at + RING + SIZE] = size;
  words[at + RING + GROWS] = Number(growth > 0);
  words[at + CAPACITY] = capacity;
}

/** Notes how many values were put. */
export type Count = (by: 1 | -1) => void;

/** The words for messages, and what a channel does not know of its owner. */
export interface ChannelTerms {
  /** As in `put into SharedQueue#1`. */
  readonly write: string;
  /** As in `get from SharedQueue#1`. */
  readonly read: string;
  /** Why nothing more comes out, or may go in, besides that the channel is closed; `null` if that is not so. */
  readonly ended?: () => string | null;
  /** Called after each value that went in or came out here. */
  readonly used?: () => void;
}

/** One thread's view of a channel. */
export class SharedChannel {
  /** Where those wait who read. */
  readonly values: Gate;
  /** Where those wait who write. */
  readonly room: Gate;
  readonly #region: Region;
  readonly #at: number;
  readonly #terms: ChannelTerms;
  readonly #ring: Ring;
  readonly #writers: SharedMutex;
  readonly #readers: SharedMutex;

  /** The channel whose words begin at `at`. */
  constructor(region: Region, at: number, terms: ChannelTerms) {
    const { words, thread } = region;
    this.#region = region;
    this.#at = at;
    this.#terms = terms;
    this.#ring = new Ring(words, at + RING, 4 * (at + HEADER_WORDS));
    this.#writers = new SharedMutex(region, at + WRITERS);
    this.#readers = new SharedMutex(region, at + READERS);
    this.room = new Gate(words, at + ROOM, thread, "one");
    this.values = new Gate(words, at + VALUES, thread, "one");
  }

  /** How many values it holds. */
  get length(): number {
    return this.#ring.length;
  }

  /** The most values it holds. */
  get capacity(): number {
    return this.#region.words[this.#at + CAPACITY]!;
  }

  /** Whether it was closed. */
  get isClosed(): boolean {
    return Atomics.load(this.#region.words, this.#at + CLOSED) === 1;
  }

  /** Ends it: nothing more goes in, and what is in it comes out. */
  close(): void {
    Atomics.store(this.#region.words, this.#at + CLOSED, 1);
    this.rouse();
  }

  /** Has everyone look again. */
  rouse(): void {
    this.values.wakeAll();
    this.room.wakeAll();
  }

  /**
   * Turns a value into bytes.
   *
   * @throws {TypeError} If that is not possible.
   * @throws {RangeError} If it is larger than the whole ring.
   */
  #encode(value: unknown): Packet {
    const packet = isPlainCode(value)
      ? encode(value, this.#terms.write)
      : this.#encodeNoted(value, this.#terms.write);
    const { length } = packet.bytes;
    if (length <= this.#ring.most) return packet;
    throw new RangeError(
      `Cannot ${this.#terms.write}: the value takes ${length} bytes, and its memory is made for ` +
        `${this.#ring.most} at most; make it with more bytes`,
    );
  }

  // -- Each thing in three ways: as an operation, blocking, without waiting --

  /** Writes as soon as there is room; `count` notes it. */
  write(label: string, value: unknown, count?: Count): Operation<void> {
    return this.room.enter(label, () => this.#writing(label, this.#encode(value), count));
  }

  /** The same for the plain code of a worker, in at most `ms` milliseconds. */
  writeSync(owner: object, verb: string, value: unknown, ms?: number, count?: Count): void {
    refuseMainThread(owner, verb);
    const packet = this.#encode(value);
    if (this.#write(packet, count)) return;
    this.room.block(this.#writing(`${owner}.${verb}()`, packet, count), ms);
  }

  /** Writes if there is room now. Returns whether there was. */
  tryWrite(value: unknown, count?: Count): boolean {
    if (this.#write(this.#encode(value), count)) return true;
    this.check(this.#terms.write);
    return false;
  }

  /** Reads as soon as there is something. */
  read(label: string): Operation<unknown> {
    return this.values.enter(label, () => this.#reading(label));
  }

  /** The same for the plain code of a worker, in at most `ms` milliseconds. */
  readSync(owner: object, verb: string, ms?: number): unknown {
    refuseMainThread(owner, verb);
    const value = this.#read();
    if (value !== NOT_YET) return value;
    return this.values.block(this.#reading(`${owner}.${verb}()`), ms);
  }

  /** Reads if there is something now; {@linkcode NOT_YET} if not. */
  tryRead(): unknown {
    const value = this.#read();
    if (value !== NOT_YET) return value;
    this.#refuseEnded();
    this.check(this.#terms.read);
    return NOT_YET;
  }

  /** Drops everything. Returns how much that was. */
  clear(): number {
    let count = 0;
    while (this.#read() !== NOT_YET) count++;
    return count;
  }

  #writing(label: string, packet: Packet, count?: Count): GateEntry<void> {
    let kept: Packet | null = null;
    return {
      label,
      attempt: () => {
        if (this.#write(kept ?? packet, count)) return;
        kept ??= keep(packet);
        return NOT_YET;
      },
      check: () => this.check(this.#terms.write),
    };
  }

  #reading(label: string): GateEntry<unknown> {
    return {
      label,
      attempt: () => {
        const value = this.#read();
        if (value === NOT_YET) this.#refuseEnded();
        return value;
      },
      check: () => {
        this.#refuseEnded();
        this.check(this.#terms.read);
      },
    };
  }

  /** Comes true when there is something to read, or will never be. */
  readable(label: string): GateEntry<true> {
    return {
      label,
      attempt: () => {
        if (this.length === 0 && this.#whyEnded() === null) return NOT_YET;
        this.values.wake(); // it takes nothing, so another may
        return true;
      },
      check: () => this.check(this.#terms.read),
    };
  }

  /** Whether there is room for about as much as a message takes. */
  get roomy(): boolean {
    return this.length < this.capacity && this.#ring.free >= this.#ring.size / 4;
  }

  /** Comes true when there is room, or nothing more may go in. */
  writable(label: string): GateEntry<true> {
    return {
      label,
      attempt: () => this.roomy || this.#whyEnded() !== null ? true : NOT_YET,
      check: () => this.check(this.#terms.write),
    };
  }

  /**
   * Makes sure that nobody died half-way through writing or reading.
   *
   * @throws {AbandonedError} If somebody did.
   */
  check(what: string): void {
    this.#writers.checkHolder(what);
    this.#readers.checkHolder(what);
    const { words, thread } = this.#region;
    for (let at = this.#at + ENCODING; at < this.#at + RING; at++) {
      const who = Atomics.load(words, at);
      if (who !== 0 && !thread.isAlive(who)) throw new AbandonedError(what, thread.nameOf(who));
    }
  }

  #write(packet: Packet, count?: Count): boolean {
    if (!this.#take(this.#writers)) return false;
    let fits: boolean;
    try {
      // Under the lock, so that a thread that finds it closed and nobody writing knows that no more will come.
      this.#refuse(this.#terms.write);
      fits = this.length < this.capacity && (this.#ring.fits(packet) || this.#grow(packet));
      if (fits) {
        count?.(1); // before anybody can read it, and report it done
        this.#writeOrUndo(packet, count);
      }
    } finally {
      this.#writers.give();
    }
    if (!fits) return false;
    this.values.wake();
    if (this.room.waiting > 0 && this.length < this.capacity) this.room.wake();
    this.#terms.used?.();
    return true;
  }

  #read(): unknown {
    if (this.length === 0 || !this.#take(this.#readers)) return NOT_YET;
    let value: unknown;
    try {
      value = this.#ring.read();
    } finally {
      this.#readers.give();
    }
    if (value === NOT_YET) return value;
    this.room.wake();
    if (this.values.waiting > 0 && this.length > 0) this.values.wake();
    this.#terms.used?.();
    return value;
  }

  #writeOrUndo(packet: Packet, count: Count | undefined): void {
    try {
      this.#ring.write(packet);
    } catch (error) {
      count?.(-1);
      throw error;
    }
  }

  /** Makes room, if the ring may grow; not while somebody reads. */
  #grow(packet: Packet): boolean {
    if (!this.#ring.growing || !this.#take(this.#readers)) return false;
    try {
      if (this.#ring.fits(packet) || this.#ring.grow(packet)) return true;
    } finally {
      this.#readers.give();
    }
    throw new RangeError(
      `Cannot ${this.#terms.write}: it holds ${this.length} values, and its memory cannot grow any more`,
    );
  }

  #take(mutex: SharedMutex): boolean {
    for (let i = 0; i < TRIES; i++) {
      if (mutex.tryTake()) return true;
    }
    return false;
  }

  #encodeNoted(value: unknown, what: string): Packet {
    const { words, thread } = this.#region;
    let at = this.#at + ENCODING;
    while (at < this.#at + RING && Atomics.compareExchange(words, at, 0, thread.number) !== 0) at++;
    try {
      return encode(value, what);
    } finally {
      if (at < this.#at + RING) Atomics.store(words, at, 0);
    }
  }

  /** Called when nothing was found. The last value may have come since, or just be on its way in. */
  #refuseEnded(): void {
    const why = this.#whyEnded();
    if (why === null || this.#writers.holder !== 0 || this.length > 0) return;
    throw new ClosedError(`Cannot ${this.#terms.read}: ${why}`);
  }

  #refuse(what: string): void {
    const why = this.#whyEnded();
    if (why !== null) throw new ClosedError(`Cannot ${what}: ${why}`);
  }

  #whyEnded(): string | null {
    return this.isClosed ? "it is closed" : this.#terms.ended?.() ?? null;
  }
}

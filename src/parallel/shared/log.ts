/**
 * Changes to a common collection, in shared memory: the inside of maps and lists.
 *
 * Each thread has a copy of the collection, and memory holds the changes in the order in which they were
 * made. A thread that uses the collection takes the lock, makes the changes to its copy that it has not seen,
 * and then reads the copy, or changes it and writes that down. So reading is as fast as in a map of its own while
 * no thread writes, and every thread sees every change from the moment on at which it was made. Once the
 * changes take much more memory than the collection, one writes the collection down instead, as a new
 * beginning.
 *
 * Rejected: one thread that owns the collection and is asked, as Python's manager does it. A thread that
 * blocks would have to wait for the owner's event loop, which may itself be blocked, and each read would
 * take two messages, a hundred times as long as this.
 */
import { AbandonedError, DeadlockError } from "../../kernel/errors.ts";
import { decode, encode, isSound, keep, type Packet, room, TAGS } from "./codec.ts";
import { NOT_YET } from "./gate.ts";
import { MUTEX_WORDS, SharedMutex } from "./mutex.ts";
import { damaged, newRegion, type Region, regionOf } from "./region.ts";
import type { SharedHandle } from "./pack.ts";

/** How many bytes of changes there are since the beginning that is counted in {@linkcode BEGINNING}. */
const LENGTH = MUTEX_WORDS;
/** How often the collection was written down anew. */
const BEGINNING = LENGTH + 1;
/** How many bytes that took. */
const BASE = LENGTH + 2;
/** 1 while that is under way: a thread that dies then leaves nothing that can be read. */
const REWRITING = LENGTH + 3;
const HEADER_BYTES = 4 * (LENGTH + 4);

const FIRST_BYTES = 1 << 12;
const MOST_BYTES = 1 << 30;
/** Changes that take less than this are left as they are. */
const SMALL = 1 << 14;
/** So many times as many bytes as the collection takes. */
const SURPLUS = 4;
/** A lock that is taken is tried again so often before one looks whether its holder is alive. */
const TRIES = 1000;

/** Before each change stands its length, with its tag. */
const PREFIX = 4;
/** Nobody ever changes it: to rest a moment. */
const idle = new Int32Array(new SharedArrayBuffer(4));

/** A collection as one thread has it. */
export interface Replica {
  /** It is empty again. */
  reset(): void;
  /** Makes a change. */
  apply(change: readonly unknown[]): void;
  /** The changes that make it from nothing. */
  content(): Iterable<readonly unknown[]>;
}

/** Makes the memory, or views that behind a handle. */
export function logRegion(kind: string, handle: SharedHandle | undefined): Region {
  return handle === undefined
    ? newRegion(kind, HEADER_BYTES + FIRST_BYTES, MOST_BYTES)
    : regionOf(handle, kind);
}

/** A value as it is kept: as bytes, so that a thread that reads it gets a copy of its own. */
export function freeze(value: unknown, what: string): Packet {
  return keep(encode(value, what));
}

/** A copy of a value that was kept. */
export function thaw({ tag, bytes }: Packet): unknown {
  const copy = room(tag, bytes.length);
  copy.set(bytes);
  return decode(tag, copy);
}

/** One thread's view of the changes. */
export class ChangeLog {
  readonly #region: Region;
  readonly #mutex: SharedMutex;
  readonly #replica: Replica;
  #bytes: Uint8Array = new Uint8Array(0);
  #position = 0;
  #beginning = 0;

  /** The changes to `replica`, which is empty. */
  constructor(region: Region, replica: Replica) {
    this.#region = region;
    this.#mutex = new SharedMutex(region);
    this.#replica = replica;
  }

  /**
   * Calls `work` while no other thread changes anything, and returns what it returns; `what` says so in
   * messages. What `work` changes it has written down by `change`.
   *
   * @throws {DeadlockError} If it is called by `work` itself.
   * @throws {AbandonedError} If a thread died while it wrote the collection down anew.
   */
  use<T>(what: string, work: () => T): T {
    this.#take(what);
    try {
      this.#catchUp();
      return work();
    } finally {
      this.#mutex.give();
    }
  }

  /** Writes a change down, and makes it. Called within `use`. */
  change(change: readonly unknown[]): void {
    this.#append(change);
    this.#replica.apply(change);
    const { words } = this.#region;
    const length = words[LENGTH]!;
    if (length > SMALL && length > SURPLUS * words[BASE]!) this.#rewrite();
  }

  #take(what: string): void {
    if (this.#mutex.isMine) {
      throw new DeadlockError(
        `Cannot ${what}: this very call was made while it is being changed`,
        [],
      );
    }
    if (!this.#mutex.tryTake()) this.#takeSoon(what);
    if (this.#region.words[REWRITING] !== 0) {
      this.#mutex.give();
      throw new AbandonedError(what, "a thread that wrote it down");
    }
  }

  /** Takes the lock, which another thread has for a moment. */
  #takeSoon(what: string): void {
    const entry = this.#mutex.entry(what, () => true);
    for (let tries = 1; entry.attempt() === NOT_YET; tries++) {
      if (tries % TRIES !== 0) continue;
      // What was being written down is not there before all of it is, so it is as if it had not begun.
      if (this.#region.words[REWRITING] === 0) this.#mutex.recover();
      entry.check();
      Atomics.wait(idle, 0, 0, 1); // its holder may wait for this very processor
    }
  }

  #catchUp(): void {
    const { words } = this.#region;
    if (words[BEGINNING] !== this.#beginning) {
      this.#beginning = words[BEGINNING]!;
      this.#position = 0;
      this.#replica.reset();
    }
    while (this.#position < words[LENGTH]!) this.#replica.apply(this.#read());
  }

  #read(): readonly unknown[] {
    this.#see(this.#position + PREFIX);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    const cell = view.getUint32(this.#position, true);
    const [tag, length] = [cell % TAGS, Math.floor(cell / TAGS)];
    const end = this.#position + PREFIX + length;
    if (!isSound(tag, length) || end > this.#region.words[LENGTH]!) throw damaged();
    this.#see(end);
    const bytes = room(tag, length);
    bytes.set(this.#bytes.subarray(this.#position + PREFIX, end));
    const change = decode(tag, bytes);
    if (!Array.isArray(change)) throw damaged();
    this.#position = end;
    return change;
  }

  #append(change: readonly unknown[]): void {
    const { words } = this.#region;
    const { tag, bytes } = encode(change, `change ${this.#region.name}`);
    const at = words[LENGTH]!;
    const end = at + PREFIX + bytes.length;
    this.#makeRoom(end);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    view.setUint32(at, bytes.length * TAGS + tag, true);
    this.#bytes.set(bytes, at + PREFIX);
    words[LENGTH] = this.#position = end;
  }

  #rewrite(): void {
    const { words } = this.#region;
    const content = [...this.#replica.content()];
    words[REWRITING] = 1;
    words[LENGTH] = this.#position = 0;
    for (const change of content) this.#append(change);
    words[BASE] = words[LENGTH]!;
    this.#beginning = ++words[BEGINNING]!;
    words[REWRITING] = 0;
  }

  #makeRoom(bytes: number): void {
    const { memory, name } = this.#region;
    const needed = HEADER_BYTES + bytes;
    if (needed > memory.byteLength) {
      if (needed > memory.maxByteLength) {
        throw new RangeError(`Cannot change ${name}: it would take more than ${MOST_BYTES} bytes`);
      }
      memory.grow(Math.min(memory.maxByteLength, 2 ** Math.ceil(Math.log2(needed))));
    }
    this.#see(bytes);
  }

  /** Sees so many bytes. */
  #see(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const { memory } = this.#region;
    if (HEADER_BYTES + bytes > memory.byteLength) throw damaged();
    this.#bytes = new Uint8Array(memory, HEADER_BYTES, memory.byteLength - HEADER_BYTES);
  }
}

/**
 * The lock inside all that locks: one word that holds the number of the holding thread.
 *
 * Free is 0, so taking and giving back is one compare-and-exchange each while no other thread wants it. A thread
 * that finds it taken marks the word, and so the holder need not look for waiters: giving back a marked word fails
 * at first, and only then are waiters woken. A waiter that takes it while others wait marks the word itself.
 *
 * A thread that comes by when it is free may take it, before those who wait: handing it straight to a sleeping
 * thread would leave it idle for the 50 µs and more that the thread takes to wake up, each time, and
 * four workers that count under a lock would take ten times as long. But a waiter that was passed over
 * for {@linkcode LONGEST_PASS_MS} reserves it: the next release keeps it for that one. So nobody is passed
 * over for ever.
 *
 * When the holder has died, the word keeps its number: a thread that wants the lock, then or later, gets an
 * {@linkcode AbandonedError}, because what it guards may be half done.
 */
import { AbandonedError } from "../../kernel/errors.ts";
import { Gate, GATE_WORDS, type GateEntry, type GateKeeper, NOT_YET } from "./gate.ts";
import { type ThreadId, threadLocks } from "../thread/table.ts";
import type { Region } from "./region.ts";

/** How many words it takes. */
export const MUTEX_WORDS: number = 2 + GATE_WORDS;

/** Who has it. */
const HOLDER = 0;
/** Who has reserved it. */
const RESERVER = 1;
const GATE = 2;

/** In the holder's word: somebody has reserved the lock. Numbers of threads are smaller than both marks. */
const RESERVED = 1 << 30;
/** Likewise: somebody waits, and is to be woken when it is given back. */
const WANTED = 1 << 29;
/** A holder's number is what remains. */
const NUMBER = ~(RESERVED | WANTED);

/** Waiters let others pass for so long, in milliseconds. */
const LONGEST_PASS_MS = 10;

/** A mutual exclusion lock between threads: what is inside the public ones. */
export class SharedMutex {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #me: number;
  readonly #gate: Gate;
  readonly #name: string;

  /**
   * The lock whose words begin at `at` in the region's memory. `keeper` knows which task of this thread has
   * it, where tasks hold it.
   */
  constructor(region: Region, at: number = region.at, keeper: GateKeeper | null = null) {
    this.#words = region.words;
    this.#at = at;
    this.#thread = region.thread;
    this.#me = region.thread.number;
    this.#gate = new Gate(region.words, at + GATE, region.thread, "one", keeper);
    this.#name = region.name;
  }

  /** Where those wait who want it. */
  get gate(): Gate {
    return this.#gate;
  }

  /** The number of the thread that has it; 0 for none. */
  get holder(): number {
    return Atomics.load(this.#words, this.#at + HOLDER) & NUMBER;
  }

  /** The name of the thread that has it. */
  get holderName(): string | undefined {
    const { holder } = this;
    return holder === 0 ? undefined : this.#thread.nameOf(holder);
  }

  /** Whether this thread has it. */
  get isMine(): boolean {
    return this.holder === this.#me;
  }

  /** Takes it if it is free. */
  tryTake(): boolean {
    if (Atomics.compareExchange(this.#words, this.#at, 0, this.#me) !== 0) return false;
    threadLocks.held++;
    return true;
  }

  /** Gives it back. Returns `false` if this thread does not have it. */
  give(): boolean {
    if (Atomics.compareExchange(this.#words, this.#at, this.#me, 0) !== this.#me) {
      return this.#giveMarked();
    }
    threadLocks.held--;
    return true;
  }

  /** Frees it if its holder has died. Returns whether it had. */
  recover(): boolean {
    for (;;) {
      const held = Atomics.load(this.#words, this.#at);
      const holder = held & NUMBER;
      if (holder === 0 || this.#thread.isAlive(holder)) return false;
      // A waiter may mark it at this very moment.
      if (Atomics.compareExchange(this.#words, this.#at, held, held & RESERVED) !== held) continue;
      this.#gate.wakeAll();
      return true;
    }
  }

  /**
   * Makes sure that the thread that has it is alive; `what` needs that, as in `acquire SharedLock#1`.
   *
   * @throws {AbandonedError} If not.
   */
  checkHolder(what: string): void {
    if (this.#isAbandoned) throw new AbandonedError(what, this.holderName!);
  }

  get #isAbandoned(): boolean {
    const { holder } = this;
    return holder !== 0 && holder !== this.#me && !this.#thread.isAlive(holder);
  }

  /** Waits for it, then evaluates to what `taken` returns. */
  entry<T>(label: string, taken: () => T): Required<GateEntry<T>> {
    let reserved = false;
    let since = 0;
    return {
      label,
      attempt: () => {
        if (!this.#takeOrMark(reserved)) return NOT_YET;
        reserved = false;
        return taken();
      },
      check: () => {
        if (reserved) {
          if (!this.#isAbandoned) return;
          this.#unreserve(this.#me);
        }
        this.checkHolder(`acquire ${this.#name}`);
        const now = performance.now();
        if (since === 0) since = now;
        else if (now - since > LONGEST_PASS_MS) reserved = this.#reserve();
      },
      leave: () => {
        if (reserved) this.#unreserve(this.#me);
        return true;
      },
    };
  }

  /** Somebody waits, or has reserved it, or takes that back at this very moment; or this thread has not got it. */
  #giveMarked(): boolean {
    for (;;) {
      const held = Atomics.load(this.#words, this.#at);
      if ((held & NUMBER) !== this.#me) return false;
      if (Atomics.compareExchange(this.#words, this.#at, held, held & RESERVED) !== held) continue;
      threadLocks.held--;
      this.#gate.wake(held & RESERVED ? Infinity : 1);
      return true;
    }
  }

  /**
   * Takes it, or marks it as wanted. Two threads race here, the holder that gives it back and the waiter that is
   * about to sleep: the waiter reads the gate's count of changes before it marks the word, and the holder moves
   * that count after it has found the mark. So the waiter does not sleep through the release.
   */
  #takeOrMark(reserved: boolean): boolean {
    const words = this.#words;
    const free = reserved ? RESERVED : 0;
    for (;;) {
      const held = Atomics.load(words, this.#at);
      if ((held & ~WANTED) === free) {
        const mine = this.#gate.waiting > 0 ? this.#me | WANTED : this.#me;
        if (Atomics.compareExchange(words, this.#at, held, mine) !== held) continue;
        if (reserved) Atomics.store(words, this.#at + RESERVER, 0);
        threadLocks.held++;
        return true;
      }
      // Free, but reserved for another: the thread that uses that reservation, or gives it up, wakes the next.
      if ((held & NUMBER) === 0 || (held & WANTED) !== 0) return false;
      if (Atomics.compareExchange(words, this.#at, held, held | WANTED) === held) return false;
    }
  }

  #reserve(): boolean {
    const words = this.#words;
    const before = Atomics.compareExchange(words, this.#at + RESERVER, 0, this.#me);
    if (before === 0) {
      Atomics.or(words, this.#at, RESERVED);
      this.#gate.wake(); // it may have become free a moment ago
      return true;
    }
    if (before !== this.#me && !this.#thread.isAlive(before)) this.#unreserve(before);
    return false;
  }

  /** Lets everybody compete again. The bit goes first: its owner's word keeps others from setting it. */
  #unreserve(reserver: number): void {
    if (Atomics.load(this.#words, this.#at + RESERVER) !== reserver) return;
    Atomics.and(this.#words, this.#at, ~RESERVED);
    Atomics.compareExchange(this.#words, this.#at + RESERVER, reserver, 0);
    this.#gate.wake();
  }
}

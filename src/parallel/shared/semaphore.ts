/**
 * A semaphore between threads.
 *
 * A plain one is a count and has no holders: one thread may take what another releases, as a signal. A
 * bounded one stands for things that are taken and given back, so it notes which threads have them, and can
 * tell when one was lost with its thread.
 */
import { checkFlag, checkOptions, checkWhole, COUNT } from "../../kernel/checks.ts";
import { AbandonedError, WouldBlock } from "../../kernel/errors.ts";
import type { Operation } from "../../kernel/operation.ts";
import { Gate, GATE_WORDS, type GateEntry, NOT_YET } from "./gate.ts";
import { threadLocks } from "../thread/table.ts";
import { Holders, holdersWords } from "./holders.ts";
import type { SharedGuard } from "./lock.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { newRegion, type Region, regionOf, SharedObject } from "./region.ts";

/** How to make a {@linkcode SharedSemaphore}. */
export interface SharedSemaphoreOptions {
  /** Refuses to have more permits than it began with. @default {false} */
  bounded?: boolean;
}

/** The most permits there can be: a word holds no more. */
const MOST = 0x7fff_ffff;

/** How many permits are free. */
const FREE = 0;
/** The most there may be; -1 for any number. */
const BOUND = 1;
const GATE = 2;
const HOLDERS = GATE + GATE_WORDS;
/** So many threads are noted at a time: of one that is not, nobody learns when it dies. */
const NOTED = 62;

function makeRegion(permits: number, bounded: boolean): Region {
  checkWhole(permits, "make a SharedSemaphore of", "permits", { least: 0, most: MOST });
  const region = newRegion("SharedSemaphore", 4 * (HOLDERS + (bounded ? holdersWords(NOTED) : 0)));
  region.words[FREE] = permits;
  region.words[BOUND] = bounded ? permits : -1;
  return region;
}

/**
 * Permits that threads take and give back: pass it to a job, and it is the same semaphore there.
 *
 * A thread that comes by when a permit is free may take it before those who wait. A cancelled `acquire` takes
 * none. With `bounded`, releasing more than was taken is an error, and a thread that has to wait while a
 * thread that died had a permit gets an {@linkcode AbandonedError}. After Python's
 * `multiprocessing.Semaphore` and `BoundedSemaphore`.
 *
 * @example Two at a time
 * ```ts
 * import { run, SharedSemaphore, WouldBlock } from "@weft/weft";
 * await run(async function* () {
 *   const permits = new SharedSemaphore(2, { bounded: true });
 *   using _one = yield* permits.acquire();
 *   using _two = yield* permits.acquire();
 *   try {
 *     permits.tryAcquire();
 *     throw new Error("three of two permits");
 *   } catch (error) {
 *     if (!(error instanceof WouldBlock)) throw error;
 *   }
 * });
 * ```
 */
export class SharedSemaphore extends SharedObject {
  readonly #region: Region;
  readonly #gate: Gate;
  readonly #holders: Holders | null;
  readonly #guard: SharedGuard = { [Symbol.dispose]: () => this.release() };

  /**
   * Makes a semaphore with so many permits; with a handle, another view of the one behind it.
   *
   * @throws {RangeError} If that is no whole number from 0 on.
   */
  constructor(permits: number | SharedHandle = 1, options: SharedSemaphoreOptions = {}) {
    const region = typeof permits === "number"
      ? makeRegion(permits, isBounded(options))
      : regionOf(permits, "SharedSemaphore");
    super(region);
    this.#region = region;
    this.#gate = new Gate(region.words, GATE, region.thread, "one");
    this.#holders = region.words[BOUND] === -1
      ? null
      : new Holders(region.words, HOLDERS, NOTED, region.thread);
  }

  /** The semaphore behind a handle. */
  static from(handle: SharedHandle): SharedSemaphore {
    return new SharedSemaphore(handle);
  }

  /** How many permits are free at this moment. */
  get value(): number {
    return Atomics.load(this.#region.words, FREE);
  }

  /** Waits for a permit. */
  acquire(): Operation<SharedGuard> {
    return this.#gate.enter(`${this}.acquire()`, () => this.#entry("acquire"));
  }

  /**
   * Blocks until there is a permit, at most `ms` milliseconds. For the plain code of a worker; throws
   * like {@linkcode SharedLock.acquireSync}.
   */
  acquireSync(ms?: number): SharedGuard {
    return this.#gate.block(this.#entry("acquireSync"), ms);
  }

  /**
   * Takes a permit without waiting.
   *
   * @throws {WouldBlock} If there is none.
   */
  tryAcquire(): SharedGuard {
    if (this.#take()) return this.#guard;
    this.#checkHolders();
    throw new WouldBlock(`Cannot take ${this} now: no permit is free`);
  }

  /**
   * Gives `count` permits back, from whichever thread. Never waits.
   *
   * @throws {RangeError} If it is bounded and that would be more than it began with; and if there would be
   * 2^31 or more. Then it gives none back.
   */
  release(count = 1): void {
    const { words } = this.#region;
    const bound = words[BOUND]!;
    checkWhole(count, "release", "permits", COUNT);
    for (;;) {
      const free = Atomics.load(words, FREE);
      if (bound !== -1 && free + count > bound) {
        throw new RangeError(
          `Cannot release ${count} of ${this}: ${bound - free} of its ${bound} permits are taken`,
        );
      }
      if (free + count > MOST) {
        throw new RangeError(
          `Cannot release ${count} of ${this}: ${free} are free, and there can be ${MOST} at most`,
        );
      }
      if (Atomics.compareExchange(words, FREE, free, free + count) === free) break;
    }
    for (let i = 0; i < count; i++) this.#noteGiven();
    this.#gate.wake(count);
  }

  #take(): boolean {
    const { words } = this.#region;
    for (;;) {
      const free = Atomics.load(words, FREE);
      if (free <= 0) return false;
      if (Atomics.compareExchange(words, FREE, free, free - 1) !== free) continue;
      if (this.#holders?.add()) threadLocks.held++;
      return true;
    }
  }

  /** One of this thread's is given back, or else one of any. */
  #noteGiven(): void {
    if (this.#holders === null) return;
    if (this.#holders.remove()) threadLocks.held--;
    else this.#holders.removeAny();
  }

  #checkHolders(): void {
    const dead = this.#holders?.findDead();
    if (dead === undefined) return;
    throw new AbandonedError(`acquire ${this}`, this.#region.thread.nameOf(dead));
  }

  #entry(verb: string): GateEntry<SharedGuard> {
    return {
      label: `${this}.${verb}()`,
      attempt: () => this.#take() ? this.#guard : NOT_YET,
      check: () => this.#checkHolders(),
    };
  }
}

registerShared("SharedSemaphore", SharedSemaphore.from);

function isBounded(options: SharedSemaphoreOptions): boolean {
  return checkFlag(checkOptions(options, "SharedSemaphore").bounded ?? false, "bounded");
}

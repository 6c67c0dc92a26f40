/**
 * A barrier between threads.
 *
 * The round and the number of those who have come stand in one word, so that coming is one step. Each
 * of them also has an entry with its thread's number and its round, which tells the others when one of
 * them dies, and tells it when the barrier was reset under it.
 */
import { checkMs, checkWhole } from "../../kernel/checks.ts";
import { AbandonedError, BrokenBarrierError } from "../../kernel/errors.ts";
import { type Operation, sequence } from "../../kernel/operation.ts";
import { Gate, GATE_WORDS, type GateEntry, NOT_YET } from "./gate.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { damaged, newRegion, type Region, regionOf, SharedObject } from "./region.ts";
import { inTime, refuseMainThread, within } from "./waiting.ts";

/** How many must come. */
const PARTIES = 0;
/** The round, and in its lowest bits how many have come. */
const STATE = 1;
/** 0 while it is whole, 1 if it is broken, or the number of the thread that died at it. */
const BROKEN = 2;
const GATE = 3;
const ENTRIES = GATE + GATE_WORDS;

const COUNT_BITS = 11;
const COUNT = (1 << COUNT_BITS) - 1;
/** The most parties: a count must hold them, and entries be found by looking at each. */
const MOST = 1024;

/** An entry of a thread whose round was reset. Numbers of threads are larger. */
const RESET = -1;

/** How many entries there are: some may not have gone yet when those of the next round come. */
function entriesOf(parties: number): number {
  return 2 * parties + 8;
}

function makeRegion(parties: number): Region {
  checkWhole(parties, "make a SharedBarrier for", "parties", { least: 1, most: MOST });
  const region = newRegion("SharedBarrier", 4 * (ENTRIES + 2 * entriesOf(parties)));
  region.words[PARTIES] = parties;
  return region;
}

/** What a shared barrier is doing. */
export interface SharedBarrierStatistics {
  /** How many must come. */
  readonly parties: number;
  /** How many of them wait. */
  readonly waiting: number;
  /** Whether it is broken. */
  readonly broken: boolean;
}

/**
 * A place where a number of threads (or tasks of theirs) wait until the last of them has come: pass it
 * to jobs, and it is the same barrier there.
 *
 * - Then all go on, and the barrier is ready for the next round.
 * - One that is cancelled, or whose time is up, breaks it: the others get a
 *   {@linkcode BrokenBarrierError}, and so does everyone who comes before a {@linkcode reset}.
 * - If one dies that waits at it, the others get an {@linkcode AbandonedError}, and it is broken.
 *
 * After Python's `multiprocessing.Barrier`.
 *
 * @example Two workers in step
 * ```ts
 * import { jobs, SharedBarrier, WorkerPool } from "@weft/weft";
 *
 * const { meet } = jobs(import.meta, {
 *   meet: (barrier: SharedBarrier): number => barrier.waitSync(),
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(2);
 *   const barrier = new SharedBarrier(2);
 *   const places = await Promise.all([pool.submit(meet, barrier), pool.submit(meet, barrier)]);
 *   if (places.toSorted().join() !== "0,1") throw new Error(places.join());
 * }
 * ```
 */
export class SharedBarrier extends SharedObject {
  /** How many must come. */
  readonly parties: number;
  readonly #region: Region;
  readonly #gate: Gate;
  readonly #action: (() => void) | undefined;

  /**
   * Makes a barrier; with a handle, another view of the one behind it.
   *
   * @param parties How many must come.
   * @param action Called by the last one to come through this very object, before the others go on. A
   * function cannot travel: a copy of the barrier in another thread has none.
   * @throws {RangeError} If `parties` is no whole number from 1 to 1024.
   */
  constructor(parties: number | SharedHandle, action?: () => void) {
    const region = typeof parties === "number"
      ? makeRegion(parties)
      : regionOf(parties, "SharedBarrier");
    super(region);
    this.#region = region;
    const count = region.words[PARTIES]!;
    if (count < 1 || ENTRIES + 2 * entriesOf(count) > region.words.length) throw damaged();
    this.parties = count;
    this.#gate = new Gate(region.words, GATE, region.thread, "all");
    this.#action = action;
  }

  /** The barrier behind a handle. */
  static from(handle: SharedHandle): SharedBarrier {
    return new SharedBarrier(handle);
  }

  /** How many have come and wait. */
  get nWaiting(): number {
    return this.broken ? 0 : Atomics.load(this.#region.words, STATE) & COUNT;
  }

  /** Whether it is broken. */
  get broken(): boolean {
    return Atomics.load(this.#region.words, BROKEN) !== 0;
  }

  /**
   * Waits until all have come, at most `ms` milliseconds if that is given; then the barrier breaks.
   * Evaluates to the place in the order of arrival, from 0.
   *
   * @throws {BrokenBarrierError} If the barrier is broken, breaks or is reset meanwhile, or time is up.
   * @throws {AbandonedError} If a thread died that waited at it.
   */
  wait(ms?: number): Operation<number> {
    if (ms !== undefined) checkMs(ms, "a timeout");
    const label = `${this}.wait()`;
    return sequence(label, () => this.#wait(label, ms));
  }

  /**
   * Blocks until all have come, at most `ms` milliseconds; then the barrier breaks. For the plain code
   * of a worker; returns and throws like {@linkcode wait}.
   */
  waitSync(ms?: number): number {
    refuseMainThread(this, "waitSync");
    const label = `${this}.waitSync()`;
    const stay = this.#arrive(label);
    let place = -1;
    const passed = inTime(() => {
      place = this.#gate.block(stay, ms);
    });
    if (passed) return place;
    throw this.#error(`${ms} ms have passed`);
  }

  /** Sends those who wait away with a {@linkcode BrokenBarrierError}, and begins anew. Never waits. */
  reset(): void {
    const { words } = this.#region;
    for (;;) {
      const state = Atomics.load(words, STATE);
      const round = state >> COUNT_BITS;
      for (const at of this.#entries()) {
        const who = Atomics.load(words, at);
        if (who <= 0 || Atomics.load(words, at + 1) !== round) continue;
        Atomics.compareExchange(words, at, who, RESET);
      }
      const next = (round + 1) << COUNT_BITS;
      if (Atomics.compareExchange(words, STATE, state, next) === state) break;
    }
    Atomics.store(words, BROKEN, 0);
    this.#gate.wakeAll();
  }

  /** Breaks the barrier: a thread that waits, or comes, gets a {@linkcode BrokenBarrierError}. Never waits. */
  abort(): void {
    Atomics.compareExchange(this.#region.words, BROKEN, 0, 1);
    this.#gate.wakeAll();
  }

  /** A frozen record of parties, waiters and state. */
  statistics(): SharedBarrierStatistics {
    const { parties, nWaiting: waiting, broken } = this;
    return Object.freeze({ parties, waiting, broken });
  }

  *#wait(label: string, ms: number | undefined): Generator<unknown, number, unknown> {
    const place = yield* within(
      ms,
      label,
      () => this.#gate.enter(label, () => this.#arrive(label)),
      () => undefined,
    );
    if (place === undefined) throw this.#error(`${ms} ms have passed`);
    return place;
  }

  /** One more has come; the last one opens the barrier. */
  #arrive(label: string): GateEntry<number> {
    const { words } = this.#region;
    const last = this.parties - 1;
    for (;;) {
      this.#refuseBroken();
      const state = Atomics.load(words, STATE);
      const place = state & COUNT;
      const round = state >> COUNT_BITS;
      if (place < last) {
        const at = this.#claim(round);
        if (Atomics.compareExchange(words, STATE, state, state + 1) === state) {
          return this.#stay(label, round, place, at);
        }
        if (at !== -1) Atomics.store(words, at, 0);
        continue;
      }
      this.#act();
      const next = (round + 1) << COUNT_BITS;
      if (Atomics.compareExchange(words, STATE, state, next) !== state) continue;
      this.#gate.wakeAll();
      return { label, attempt: () => place, leave: () => false };
    }
  }

  /** One that has come and waits for the others. `at` is its entry, or -1. */
  #stay(label: string, round: number, place: number, at: number): GateEntry<number> {
    const { words } = this.#region;
    const go = (): void => {
      if (at !== -1) Atomics.store(words, at, 0);
      at = -1;
    };
    const opened = (): boolean => Atomics.load(words, STATE) >> COUNT_BITS !== round;
    return {
      label,
      attempt: () => {
        const isReset = at !== -1 && Atomics.load(words, at) === RESET;
        if (!isReset && !opened()) {
          this.#refuseBroken(go);
          return NOT_YET;
        }
        go();
        if (isReset) throw this.#error("it was reset");
        return place;
      },
      check: () => this.#checkOthers(round, go),
      leave: () => {
        if (opened()) return false;
        go();
        this.abort();
        return true;
      },
    };
  }

  #act(): void {
    try {
      this.#action?.();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  #refuseBroken(go?: () => void): void {
    const broken = Atomics.load(this.#region.words, BROKEN);
    if (broken === 0) return;
    go?.();
    if (broken === 1) throw this.#error("it is broken");
    throw new AbandonedError(`pass ${this}`, this.#region.thread.nameOf(broken));
  }

  #checkOthers(round: number, go: () => void): void {
    const { words, thread } = this.#region;
    for (const at of this.#entries()) {
      const who = Atomics.load(words, at);
      if (who <= 0 || Atomics.load(words, at + 1) !== round || thread.isAlive(who)) continue;
      Atomics.compareExchange(words, BROKEN, 0, who);
      this.#gate.wakeAll();
      this.#refuseBroken(go);
    }
  }

  /** An entry of this thread for a round; -1 if none is free. */
  #claim(round: number): number {
    const { words, thread } = this.#region;
    for (const at of this.#entries()) {
      if (Atomics.compareExchange(words, at, 0, thread.number) !== 0) continue;
      Atomics.store(words, at + 1, round);
      return at;
    }
    return -1;
  }

  *#entries(): Generator<number> {
    const end = ENTRIES + 2 * entriesOf(this.parties);
    for (let at = ENTRIES; at < end; at += 2) yield at;
  }

  #error(why: string): BrokenBarrierError {
    return new BrokenBarrierError(`Cannot pass ${this}: ${why}`);
  }
}

registerShared("SharedBarrier", SharedBarrier.from);

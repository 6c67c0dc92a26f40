/**
 * A condition between threads.
 *
 * A notification goes to one that was waiting when it was sent, in order, and never to one that came
 * later, has given up, or has died. So the waiters stand in a line: each has a place with the number of its
 * thread, and later a sign that it was notified; a number that counts up says which came first. Rejected: a count
 * of notifications to be taken, because a thread that comes later may take what was meant for others; and a
 * ring of places, because a waiter that stays for long would keep all behind it from being used again.
 */
import { checkFunction, checkMs, isInstance } from "../../kernel/checks.ts";
import { type Operation, sequence } from "../../kernel/operation.ts";
import { shield } from "../../tasks/cancel_scope.ts";
import { Gate, GATE_WORDS, type GateEntry, NOT_YET } from "./gate.ts";
import { type SharedGuard, SharedLock } from "./lock.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { handleOf, type Region, regionFor, SharedObject } from "./region.ts";
import { inTime, refuseMainThread, within } from "./waiting.ts";

/** How many can wait at a time. */
const PLACES = 1024;

const GATE = 0;
/** The number of the next stay; and how many places are looked at: those behind are empty. */
const TICKET = GATE + GATE_WORDS;
const USED = TICKET + 1;
const FIRST = USED + 1;

/** The words of a place: which thread is there, and the number of the stay, which tells which came first. */
const STAY = 1;
const PLACE_WORDS = 2;

const WORDS = FIRST + PLACES * PLACE_WORDS;

/** No thread; or one that was notified and has not left yet; or else the number of a waiting thread. */
const EMPTY = 0;
const NOTIFIED = -1;

/** One stay in the line. */
interface Stay {
  /** Leaves if it was notified. Returns whether it was. */
  pass(): boolean;
  /** Leaves. Returns whether it had been notified; `false` if it had left before. */
  leave(): boolean;
}

/**
 * A condition: threads wait under a lock until others say that something has changed.
 *
 * `wait()` gives the lock back, waits to be notified and takes the lock again, also when it is
 * cancelled. Those who wait are notified in the order in which they came. A notification that reaches
 * one who is being cancelled goes on to the next. After Python's `multiprocessing.Condition`.
 *
 * @example Wait for a state, not for a sign
 * ```ts
 * import { jobs, run, SharedCondition, SharedValue, WorkerPool } from "@weft/weft";
 *
 * const { raise } = jobs(import.meta, {
 *   raise(changed: SharedCondition, level: SharedValue<"int32">): void {
 *     using _guard = changed.lock.acquireSync();
 *     level.value = 3;
 *     changed.notifyAll();
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(1);
 *   await run(async function* () {
 *     const [changed, level] = [new SharedCondition(), new SharedValue("int32")];
 *     pool.submit(raise, changed, level);
 *     using _guard = yield* changed.lock.acquire();
 *     yield* changed.waitFor(() => level.value >= 3);
 *   });
 * }
 * ```
 */
export class SharedCondition extends SharedObject {
  /** The lock it works under. */
  readonly lock: SharedLock;
  readonly #gate: Gate;
  readonly #region: Region;

  /** Makes a condition under `lock`; with a handle, another view of the one behind it. */
  constructor(lock: SharedLock | SharedHandle = new SharedLock()) {
    const handle = isInstance(lock, SharedLock) ? undefined : lock;
    const region = regionFor("SharedCondition", handle, 4 * WORDS);
    super(region, () => ({ ...handleOf(region), inner: this.lock.share() }));
    this.lock = isInstance(lock, SharedLock) ? lock : SharedLock.from(lock.inner!);
    this.#gate = new Gate(region.words, GATE, region.thread, "all");
    this.#region = region;
  }

  /** The condition behind a handle. */
  static from(handle: SharedHandle): SharedCondition {
    return new SharedCondition(handle);
  }

  /** Waits for the lock. */
  acquire(): Operation<SharedGuard> {
    return this.lock.acquire();
  }

  /** Blocks until this thread has the lock; see {@linkcode SharedLock.acquireSync}. */
  acquireSync(ms?: number): SharedGuard {
    return this.lock.acquireSync(ms);
  }

  /** Gives the lock back. */
  release(): void {
    this.lock.release();
  }

  /**
   * Gives the lock back, waits to be notified, at most `ms` milliseconds if that is given, and takes the
   * lock again. Evaluates to whether it was notified.
   *
   * @throws {Error} If this thread does not hold the lock.
   */
  wait(ms?: number): Operation<boolean> {
    const label = `${this}.wait()`;
    return sequence(label, () => this.#wait(label, ms));
  }

  /**
   * Waits until `predicate` is true, which is called under the lock, now and after each notification; at
   * most `ms` milliseconds if that is given. Evaluates to what the predicate said last.
   */
  waitFor(predicate: () => boolean, ms: number = Infinity): Operation<boolean> {
    checkFunction(predicate, "a predicate");
    const label = `${this}.waitFor()`;
    const until = performance.now() + checkMs(ms, "a timeout");
    const wait = (left: number) => this.#wait(label, ms === Infinity ? undefined : left);
    return sequence(label, function* () {
      for (let left = ms; !predicate(); left = until - performance.now()) {
        if (left <= 0) return false;
        yield* wait(left);
      }
      return true;
    });
  }

  /**
   * Blocks until it is notified, at most `ms` milliseconds; the lock is given back meanwhile. For the
   * plain code of a worker. Returns whether it was notified.
   *
   * @throws {Error} If this thread does not hold the lock, on the main thread, and in a task.
   */
  waitSync(ms?: number): boolean {
    refuseMainThread(this, "waitSync");
    const label = `${this}.waitSync()`;
    const place = this.#enter("waitSync");
    let told = false;
    try {
      told = inTime(() => this.#gate.block(this.#entry(place, label), ms));
    } finally {
      const late = place.leave();
      this.lock.acquireSync();
      if (late) this.notify();
    }
    return told;
  }

  /** Blocks until `predicate` is true, at most `ms` milliseconds; see {@linkcode waitFor}. */
  waitForSync(predicate: () => boolean, ms: number = Infinity): boolean {
    checkFunction(predicate, "a predicate");
    const until = performance.now() + checkMs(ms, "a timeout");
    for (let left = ms; !predicate(); left = until - performance.now()) {
      if (left <= 0) return false;
      this.waitSync(left);
    }
    return true;
  }

  /**
   * Notifies the longest waiters, `count` of them. They go on when they have got the lock. Returns how
   * many there were.
   *
   * @throws {Error} If this thread does not hold the lock.
   */
  notify(count = 1): number {
    this.#needLock("notify");
    const { words, thread } = this.#region;
    let told = 0;
    for (const at of this.#waiting()) {
      if (told >= count) break;
      const who = Atomics.load(words, at);
      const sign = thread.isAlive(who) ? NOTIFIED : EMPTY;
      const isStillThere = who > 0 && Atomics.compareExchange(words, at, who, sign) === who;
      if (isStillThere && sign === NOTIFIED) told++;
    }
    if (told > 0) this.#gate.wakeAll();
    return told;
  }

  /** Notifies everyone who waits. Returns how many there were. */
  notifyAll(): number {
    return this.notify(Infinity);
  }

  *#wait(label: string, ms: number | undefined): Generator<unknown, boolean, unknown> {
    const place = this.#enter("wait");
    try {
      const told = () => this.#gate.enter(label, () => this.#entry(place, label));
      return yield* within(ms, label, told, () => false);
    } finally {
      const passOn = place.leave();
      yield* shield(this.lock.acquire());
      if (passOn) this.notify();
    }
  }

  /** Gets in line, and gives the lock back: in this order, or a notification could come between. */
  #enter(verb: string): Stay {
    this.#needLock(verb);
    const { words, thread } = this.#region;
    for (let i = 0; i < PLACES; i++) {
      const at = FIRST + i * PLACE_WORDS;
      if (Atomics.load(words, at) !== EMPTY) continue;
      words[at + STAY] = words[TICKET]!++;
      Atomics.store(words, at, thread.number);
      words[USED] = Math.max(words[USED]!, i + 1);
      this.lock.release();
      return stayAt(words, at);
    }
    throw new RangeError(`Cannot wait for ${this}: ${PLACES} wait already`);
  }

  /** The places where somebody waits, in the order in which they came. Only the holder of the lock looks. */
  #waiting(): number[] {
    const { words } = this.#region;
    const places: number[] = [];
    let used = 0;
    const most = Math.min(words[USED]!, PLACES);
    for (let i = 0; i < most; i++) {
      const at = FIRST + i * PLACE_WORDS;
      const who = Atomics.load(words, at);
      if (who !== EMPTY) used = i + 1;
      if (who > 0) places.push(at);
    }
    words[USED] = used;
    return places.sort((a, b) => (words[a + STAY]! - words[b + STAY]!) | 0);
  }

  #needLock(verb: string): void {
    if (this.lock.isMine) return;
    throw new Error(`Cannot call ${this}.${verb}(): this thread does not hold ${this.lock}`);
  }

  #entry(place: Stay, label: string): GateEntry<true> {
    return {
      label,
      attempt: () => place.pass() ? true : NOT_YET,
      check: () => this.lock.check(),
    };
  }
}

registerShared("SharedCondition", SharedCondition.from);

function stayAt(words: Int32Array, at: number): Stay {
  let left = false;
  const leave = (): boolean => {
    if (left) return false;
    left = true;
    return Atomics.exchange(words, at, EMPTY) === NOTIFIED;
  };
  return { pass: () => !left && Atomics.load(words, at) === NOTIFIED && leave(), leave };
}

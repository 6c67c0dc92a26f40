/** An event between threads: a flag that any of them can set and all can wait for. */
import type { Operation } from "../../kernel/operation.ts";
import { Gate, GATE_WORDS, type GateEntry, NOT_YET } from "./gate.ts";
import { registerShared, type SharedHandle } from "./pack.ts";
import { type Region, regionFor, SharedObject } from "./region.ts";
import { inTime, within } from "./waiting.ts";

/** Whether it is set. */
const FLAG = 0;
/** How often it was set, so that nobody misses a flag that is cleared again at once. */
const SETS = 1;
const GATE = 2;

/**
 * A flag between threads: pass it to a job, and it is the same flag there.
 *
 * `set()` wakes everyone who waits, in every thread, also if `clear()` follows at once. After Python's
 * `multiprocessing.Event`.
 *
 * @example A worker waits for a sign
 * ```ts
 * import { jobs, SharedEvent, WorkerPool } from "@weft/weft";
 *
 * const { follow } = jobs(import.meta, {
 *   follow(go: SharedEvent): string {
 *     go.waitSync();
 *     return "gone";
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await using pool = new WorkerPool(1);
 *   const go = new SharedEvent();
 *   const future = pool.submit(follow, go);
 *   go.set();
 *   if (await future !== "gone") throw new Error();
 * }
 * ```
 */
export class SharedEvent extends SharedObject {
  readonly #region: Region;
  readonly #gate: Gate;

  /** Makes an event that is not set; with a handle, another view of the one behind it. */
  constructor(handle?: SharedHandle) {
    const region = regionFor("SharedEvent", handle, 4 * (GATE + GATE_WORDS));
    super(region);
    this.#region = region;
    this.#gate = new Gate(region.words, region.at + GATE, region.thread, "all");
  }

  /** The event behind a handle. */
  static from(handle: SharedHandle): SharedEvent {
    return new SharedEvent(handle);
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return Atomics.load(this.#region.words, FLAG) === 1;
  }

  /** Sets it and wakes everyone who waits. Never waits. */
  set(): void {
    Atomics.store(this.#region.words, FLAG, 1);
    Atomics.add(this.#region.words, SETS, 1);
    this.#gate.wakeAll();
  }

  /** Clears it: a thread that comes now waits. */
  clear(): void {
    Atomics.store(this.#region.words, FLAG, 0);
  }

  /** Waits until it is set, at most `ms` milliseconds if that is given. Evaluates to whether it was. */
  wait(ms?: number): Operation<boolean> {
    const label = `${this}.wait()`;
    const set = () => this.#gate.enter(label, () => this.#entry("wait"));
    return within(ms, label, set, () => false);
  }

  /**
   * Blocks until it is set, at most `ms` milliseconds. For the plain code of a worker. Returns whether
   * it was set.
   *
   * @throws {ClosedError} If this worker is told to end meanwhile.
   * @throws {Error} On the main thread, and in a task if it would have to wait.
   */
  waitSync(ms?: number): boolean {
    return inTime(() => this.#gate.block(this.#entry("waitSync"), ms));
  }

  #entry(verb: string): GateEntry<true> {
    const { words } = this.#region;
    const before = Atomics.load(words, SETS);
    return {
      label: `${this}.${verb}()`,
      attempt: () =>
        Atomics.load(words, FLAG) === 1 || Atomics.load(words, SETS) !== before ? true : NOT_YET,
    };
  }
}

registerShared("SharedEvent", SharedEvent.from);

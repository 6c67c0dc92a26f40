/**
 * A flag that tasks wait for: `threading.Event` and `gevent.event.Event` for tasks.
 *
 * The flag alone does not say who goes on: each task that waits when it is set goes on, also when it is
 * cleared before their turn. A wake-up that could be taken back would be one that is lost.
 */
import { checkMs } from "../kernel/checks.ts";
import { currentScope } from "../kernel/context.ts";
import { within } from "../kernel/scope.ts";
import { reportName } from "../kernel/printable.ts";
import { inOneShape, NOT_NOW, type Operation, Repeated, sequence } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { WaitQueue } from "../kernel/wait_queue.ts";

/** What an event is doing. */
export interface EventStatistics {
  /** Whether it is set. */
  readonly isSet: boolean;
  /** How many tasks wait for it. */
  readonly waiting: number;
}

/**
 * A flag: tasks wait until it is set, then all go on.
 *
 * - Waiters go on in the order in which they came.
 * - `set` and `clear` never wait, and may be called outside of tasks.
 * - A cancelled `wait` leaves no trace.
 *
 * Named as in Python; the global `Event` of the host is another thing.
 *
 * @example Everyone starts at once
 * ```ts
 * import { Event, run, spawn } from "@weft/weft";
 * const order: number[] = [];
 * await run(function* () {
 *   const go = new Event();
 *   for (let i = 0; i < 3; i++) {
 *     spawn(function* () {
 *       yield* go.wait();
 *       order.push(i);
 *     });
 *   }
 *   yield;
 *   go.set();
 * });
 * if (order.join() !== "0,1,2") throw new Error(order.join());
 * ```
 */
export class Event {
  readonly #name: string;
  readonly #waiters: WaitQueue<boolean>;
  #isSet = false;
  readonly #waiting: Repeated<boolean>;

  /** Makes an event that is not set; `name` is what reports call it. */
  constructor(name?: string) {
    this.#name = reportName("Event", name);
    this.#waiters = new WaitQueue<boolean>(this, "wait");
    const begin = (wait: Wait<boolean>): void => {
      if (this.#isSet) wait.settle(true);
      else this.#waiters.park(wait);
    };
    const options = inOneShape<boolean>({ now: () => this.#isSet ? true : NOT_NOW });
    this.#waiting = new Repeated(this.#waiters, begin, options);
  }

  /** Whether it is set. */
  get isSet(): boolean {
    return this.#isSet;
  }

  /** Sets it: every waiter goes on, and nobody waits until it is cleared. Never a checkpoint. */
  set(): void {
    this.#isSet = true;
    this.#waiters.wakeAll(true);
  }

  /** Clears it: a task that comes from now on waits. Never a checkpoint. */
  clear(): void {
    this.#isSet = false;
  }

  /**
   * Waits until it is set.
   *
   * @param ms Gives up after so many milliseconds, without an error.
   * @returns An operation that evaluates to `true`, or to `false` when the time was up first.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  wait(ms?: number): Operation<boolean> {
    if (ms === undefined) return this.#waiting.make(currentScope());
    checkMs(ms, "a timeout");
    return sequence(
      `${this.#name}.wait(${ms})`,
      () => within(ms, () => this.wait(), () => false),
    );
  }

  /** A frozen record of flag and waiters. */
  statistics(): EventStatistics {
    return Object.freeze({ isSet: this.#isSet, waiting: this.#waiters.size });
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }
}

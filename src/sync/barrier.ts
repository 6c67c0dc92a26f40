/**
 * A barrier: `threading.Barrier` for tasks.
 *
 * Those who have arrived are a plain list, since nobody ever leaves it alone: a waiter that goes away
 * breaks the barrier for all. That happens at once, so that nobody who comes in between is counted on;
 * but each of the others asks for its own cancel before it reports the break. Tasks cancelled together
 * (a group that ends) would otherwise blame one another.
 */
import { checkMs, checkWhole, COUNT } from "../kernel/checks.ts";
import { within } from "../kernel/scope.ts";
import { BrokenBarrierError } from "../kernel/errors.ts";
import { reportName } from "../kernel/printable.ts";
import { CEDES, type Operation, operation, sequence } from "../kernel/operation.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";

/** What a barrier is doing. */
export interface BarrierStatistics {
  /** How many tasks must come. */
  readonly parties: number;
  /** How many of them wait. */
  readonly waiting: number;
  /** Whether it is broken. */
  readonly broken: boolean;
}

/**
 * A place where a number of tasks wait until the last of them has come.
 *
 * - Then all go on, in the order in which they came, and the barrier is ready for the next round.
 * - A waiter that is cancelled, or whose time is up, breaks it: the others get a
 *   {@linkcode BrokenBarrierError}, and so does everyone who comes before a {@linkcode Barrier.reset}.
 *
 * @example Two rounds
 * ```ts
 * import { Barrier, run, spawn } from "@weft/weft";
 * const log: string[] = [];
 * await run(function* () {
 *   const barrier = new Barrier(2, () => log.push("|"));
 *   for (const name of ["a", "b"]) {
 *     spawn(function* () {
 *       for (let round = 0; round < 2; round++) {
 *         log.push(name);
 *         yield* barrier.wait();
 *       }
 *     });
 *   }
 * });
 * if (log.join("") !== "ab|ab|") throw new Error(log.join(""));
 * ```
 */
export class Barrier {
  readonly #name: string;
  readonly #parties: number;
  readonly #action: (() => unknown) | undefined;
  #arrived: Wait<number>[] = [];
  #state: "filling" | "broken" = "filling";
  readonly #source: WaitSource = {
    host: "none",
    abandon: (wait) => this.#left(wait),
    toString: () => `${this.#name}.wait()`,
  };

  /**
   * Makes a barrier.
   *
   * @param parties How many tasks must come.
   * @param action Called by the last one, before the others go on. If it throws, the barrier is broken.
   *   It must not wait.
   * @param name What reports call it.
   * @throws {RangeError} If `parties` is not a whole number of at least 1.
   */
  constructor(parties: number, action?: () => unknown, name?: string) {
    checkWhole(parties, "make a barrier for", "parties", COUNT);
    this.#parties = parties;
    this.#action = action;
    this.#name = reportName("Barrier", name);
  }

  /** How many tasks must come. */
  get parties(): number {
    return this.#parties;
  }

  /** How many have come and wait. */
  get nWaiting(): number {
    return this.#arrived.length;
  }

  /** Whether it is broken. */
  get broken(): boolean {
    return this.#state === "broken";
  }

  /**
   * Waits until all parties have come.
   *
   * @param ms How many milliseconds at most; then the barrier breaks.
   * @returns An operation that evaluates to the place in the order of arrival, from 0.
   * @throws {BrokenBarrierError} If the barrier is broken, breaks or is reset meanwhile, or the time is up.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  wait(ms?: number): Operation<number> {
    if (ms !== undefined) checkMs(ms, "a timeout");
    return sequence(`${this.#name}.wait()`, () => this.#wait(ms));
  }

  /** Sends those who wait away with a {@linkcode BrokenBarrierError}, and begins anew. Never a checkpoint. */
  reset(): void {
    this.#sendAway("it was reset");
    this.#state = "filling";
  }

  /** Breaks the barrier: a task that waits, or comes, gets a {@linkcode BrokenBarrierError}. Never a checkpoint. */
  abort(): void {
    this.#break("it was aborted");
  }

  /** A frozen record of parties, waiters and state. */
  statistics(): BarrierStatistics {
    const { parties, nWaiting: waiting, broken } = this;
    return Object.freeze({ parties, waiting, broken });
  }

  /** The name. */
  toString(): string {
    return this.#name;
  }

  *#wait(ms: number | undefined): Generator<unknown, number, unknown> {
    // The last one need not wait, but goes on after those who came before.
    const arrive = (wait: Wait<number>): void => this.#arrive(wait);
    const arriving = operation<number>(`${this.#name}.wait()`, arrive, CEDES);
    try {
      if (ms === undefined) return yield* arriving;
      return yield* within(ms, () => arriving, () => {
        throw this.#error(`${ms} ms have passed`);
      });
    } catch (error) {
      if (error instanceof BrokenBarrierError) {
        yield* operation<void>(`${this.#name}.wait()`, (wait) => wait.settle());
      }
      throw error;
    }
  }

  #arrive(wait: Wait<number>): void {
    if (this.broken) throw this.#error("it is broken");
    const arrived = this.#arrived;
    if (arrived.length + 1 < this.#parties) {
      arrived.push(wait);
      wait.park(this.#source);
      return;
    }
    this.#act();
    if (this.broken || this.#arrived !== arrived) throw this.#error("its action broke it");
    // This round and the next: a task that is let go may come back at once, and must find the new round.
    this.#arrived = [];
    for (const [place, one] of arrived.entries()) one.settle(place);
    wait.settle(arrived.length);
  }

  /** Calls the action; a promise or a generator it gives would be lost. */
  #act(): void {
    try {
      const result = this.#action?.();
      if (typeof result === "object" && result !== null && ("then" in result || "next" in result)) {
        throw new TypeError(
          `Cannot wait in the action of ${this.#name}: it must be a plain function`,
        );
      }
    } catch (error) {
      this.#break("its action failed");
      throw error;
    }
  }

  #left(wait: Wait): boolean {
    this.#arrived = this.#arrived.filter((one) => one !== wait);
    this.#break("a waiter went away");
    return true;
  }

  #break(why: string): void {
    this.#state = "broken";
    this.#sendAway(why);
  }

  #sendAway(why: string): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    if (arrived.length === 0) return;
    const error = this.#error(why);
    for (const wait of arrived) wait.fail(error);
  }

  #error(why: string): BrokenBarrierError {
    return new BrokenBarrierError(`Cannot pass ${this.#name}: ${why}`);
  }
}

/**
 * A run driven by hand: nothing moves unless `tick()` is called, one step at a time.
 *
 * For tests that must look between two steps, and for teaching: a clock would have to be waited for,
 * a tick is simply the next thing that happens.
 */
import { checkGeneratorFunction, checkOptions } from "../kernel/checks.ts";
import { RunLife, type RunLifeOptions } from "../kernel/run_life.ts";
import type { Task } from "../kernel/task.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { LOOKS, VirtualClock } from "./virtual_clock.ts";

/**
 * A run whose steps are given out by its user.
 *
 * @example Two tasks take turns
 * ```ts
 * import { spawn } from "@weft/weft";
 * import { HandRun } from "@weft/weft/testing";
 * const log: string[] = [];
 * const hand = new HandRun(function* () {
 *   spawn(function* () {
 *     log.push("child");
 *   });
 *   yield;
 *   log.push("main");
 * });
 * await hand.tick(); // main up to its yield
 * await hand.tick(); // the child
 * if (log.join() !== "child") throw new Error(log.join());
 * await hand.end();
 * ```
 *
 * @typeParam T What the body returns.
 */
export class HandRun<T> {
  /** Stands still except by {@linkcode VirtualClock.advance}, unless another one was given. */
  readonly clock: VirtualClock;
  readonly #life: RunLife<T>;

  /** Makes the main task of `body`, ready for its first step. */
  constructor(body: TaskBody<[], T>, options: Omit<RunLifeOptions, "clock"> = {}) {
    checkGeneratorFunction(body, "run by hand");
    checkOptions(options, "HandRun");
    this.clock = new VirtualClock({ autojump: false });
    this.#life = new RunLife<T>({ ...options, clock: this.clock });
    this.#life.begin(body());
  }

  /** The tasks that are alive, in the order in which they were spawned. */
  get tasks(): readonly Task[] {
    return this.#life.scheduler.tasks();
  }

  /**
   * Rings the timers that are due, then runs one step of the task whose turn it is.
   *
   * @returns Whether there was a step to run, once it is over.
   */
  tick(): Promise<boolean> {
    return this.#life.scheduler.tick();
  }

  /**
   * Ticks until no task is ready.
   *
   * @returns How many steps there were.
   */
  async settle(): Promise<number> {
    let steps = 0;
    while (await this.tick()) steps++;
    return steps;
  }

  /**
   * Ticks on until every task has ended, moving the clock from timer to timer, and gives main's result.
   * Where the host has something to finish first, it waits for that.
   */
  async end(): Promise<T> {
    const { scheduler } = this.#life;
    while (scheduler.live > 0) {
      await this.settle();
      if (scheduler.live > 0 && !await this.#goOn()) break;
    }
    return await this.#life.settle();
  }

  /** Nothing is ready: has the host, or else time, go on; returns whether that may help. */
  async #goOn(): Promise<boolean> {
    const { scheduler } = this.#life;
    const { open, bound } = scheduler.hostWaits;
    const next = scheduler.timers.next;
    if (bound > 0 || (open > 0 && next === undefined)) {
      await scheduler.roused();
      return true;
    }
    if (next === undefined) return this.#life.stuck();
    const steps = open > 0 ? await this.#look() : 0;
    if (steps === 0) this.clock.advance(Math.max(0, next - this.clock.now()));
    return true;
  }

  /** Lets the host look at its sockets before time goes on. */
  async #look(): Promise<number> {
    let steps = 0;
    for (let looks = LOOKS; looks > 0 && steps === 0; looks--) {
      await this.clock.hop(true);
      steps = await this.settle();
    }
    return steps;
  }
}

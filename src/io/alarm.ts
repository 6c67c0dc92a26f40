/**
 * Time as a source of events, for poll: like Linux's timerfd.
 *
 * In a run it goes by that run's clock, so a virtual clock moves it; outside of one, by the machine's.
 */
import { SystemClock } from "../kernel/clock.ts";
import { currentScope } from "../kernel/context.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Timer } from "../kernel/timers.ts";
import type { EventOrigin } from "./events.ts";

/** What an alarm needs of time. */
interface Time {
  now(): number;
  /** Calls `ring` once, at `at` or a moment before; one at a time. */
  set(at: number, ring: () => void): void;
  clear(): void;
}

/** Time as a run has it. */
class RunTime implements Time {
  readonly #scheduler: Scheduler;
  #timer: Timer | null = null;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  now(): number {
    return this.#scheduler.clock.now();
  }

  set(at: number, ring: () => void): void {
    this.#timer = this.#scheduler.timers.after(Math.max(0, at - this.now()), ring);
  }

  clear(): void {
    if (this.#timer !== null) this.#scheduler.timers.cancel(this.#timer);
  }
}

/** The machine's time. */
class HostTime implements Time {
  readonly #clock = new SystemClock();

  now(): number {
    return this.#clock.now();
  }

  set(at: number, ring: () => void): void {
    if (at < Infinity) this.#clock.setAlarm(at, ring);
  }

  clear(): void {
    this.#clock.clearAlarm();
  }
}

function timeHere(): Time {
  const task = currentScope()?.task as unknown as Task | undefined;
  return task === undefined ? new HostTime() : new RunTime(schedulerOf(task));
}

/** Expires once after some time, and then again and again if it is to. An event is the number of expirations. */
export class AlarmOrigin implements EventOrigin<number> {
  readonly #time: Time = timeHere();
  readonly #every: number | undefined;
  readonly #came: () => void;
  #due: number;
  #count = 0;

  /**
   * Starts the time.
   *
   * @param ms When it expires first.
   * @param every After how many milliseconds each it expires again; `undefined` for never.
   * @param came Called when it has expired.
   */
  constructor(ms: number, every: number | undefined, came: () => void) {
    this.#every = every;
    this.#came = came;
    this.#due = this.#time.now() + ms;
    this.#time.set(this.#due, this.#ring);
  }

  /** Whether it has expired since somebody asked. */
  get some(): boolean {
    return this.#count > 0;
  }

  /** How often it has. */
  take(): number {
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** Its timer keeps the process alive anyhow. */
  awaited(): void {}

  /** Stops the time. */
  close(): void {
    this.#time.clear();
    this.#count = 0;
  }

  readonly #ring = (): void => {
    const every = this.#every;
    const late = this.#time.now() - this.#due;
    // Late by more than one period, it has expired more than once; the beat does not drift.
    const times = late < 0 ? 0 : every === undefined ? 1 : 1 + Math.floor(late / every);
    if (every !== undefined) this.#due += times * every;
    if (every !== undefined || times === 0) this.#time.set(this.#due, this.#ring);
    if (times === 0) return; // the host rang a moment too early
    this.#count += times;
    this.#came();
  };
}

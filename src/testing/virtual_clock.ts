/**
 * A clock that jumps: whenever a run has nothing to do before its next timer, that timer is now.
 *
 * Jumping is right only if nothing else could happen first. So it waits for what the host is bound to finish
 * (a write, a connect, a job, a promise), however long that takes, and for a task that is out in a foreign
 * `await`. So what such a promise depends on must not depend on virtual time in its turn. For what may never
 * come (an accept, a read) it cannot wait; there it lets the host look at its sockets a few times, so that
 * bytes which are already under way between two sockets of the test arrive first. Rejected: a threshold of
 * real milliseconds, which is slow when nothing comes and too short when a machine is busy.
 */
import {
  checkFinite,
  checkFlag,
  checkFunction,
  checkMs,
  checkNumber,
  checkOptions,
} from "../kernel/checks.ts";
import { type Clock, SystemClock } from "../kernel/clock.ts";
import type { HostWaits } from "../kernel/turn.ts";

/** How many times the host may look at its sockets before time jumps past an open read. */
export const LOOKS = 3;
/** Real milliseconds of jumping after which the host gets a turn. */
const SLICE_MS = 2;

/** How a virtual clock behaves. */
export interface VirtualClockOptions {
  /** The time it begins with, in milliseconds. @default {0} */
  start?: number;
  /** Whether it jumps by itself; if not, only {@linkcode VirtualClock.advance} moves it. @default {true} */
  autojump?: boolean;
}

/**
 * A clock for tests, and for looking at hours in milliseconds. One run uses it at a time.
 *
 * @example An hour of ticks
 * ```ts
 * import { run, sleep } from "@weft/weft";
 * import { VirtualClock } from "@weft/weft/testing";
 * const clock = new VirtualClock();
 * let ticks = 0;
 * await run(function* () {
 *   for (; ticks < 3600; ticks++) yield* sleep(1000);
 * }, { clock });
 * if (clock.now() !== 3_600_000) throw new Error(String(clock.now()));
 * ```
 */
export class VirtualClock implements Clock {
  /** Time stands still while tasks run. */
  readonly exact: boolean = true;
  readonly #host = new SystemClock();
  readonly #autojump: boolean;
  /** How far time has come. */
  #now: number;
  /** What is shown instead, while deadlines that were passed have their turns. */
  #shown: number | undefined;
  #alarm: { at: number; ring: () => void } | null = null;
  #hoppedAt = performance.now();

  /** A clock at `start`. */
  constructor(options: VirtualClockOptions = {}) {
    const { start = 0, autojump = true } = checkOptions(options, "VirtualClock");
    checkFlag(autojump, "autojump");
    this.#now = checkFinite(start, "a time to start");
    this.#autojump = autojump;
  }

  /** The virtual time in milliseconds. A task that a timer woke sees the time at which that was due. */
  now(): number {
    return this.#shown ?? this.#now;
  }

  /** How far time has come, when {@linkcode advance} moved it past deadlines that are still to be shown. */
  get reached(): number {
    return this.#now;
  }

  /** Called by the run, which gives each of those deadlines its turn. */
  show(at: number | undefined): void {
    this.#shown = at;
  }

  /** The machine's time. */
  wall(): number {
    return this.#host.wall();
  }

  /** Sets the one alarm, and jumps to it if nothing else can happen first. */
  setAlarm(at: number, ring: () => void, host: HostWaits): void {
    checkNumber(at, "a time of an alarm");
    checkFunction(ring, "what an alarm calls");
    checkOptions(host, "an alarm");
    const alarm = this.#alarm = { at, ring };
    if (at <= this.#now) this.#ring(alarm);
    else if (this.#autojump && host.bound === 0) this.#jump(alarm, host);
  }

  /** Forgets the alarm, so that a jump under way does not happen. */
  awake(): void {
    this.#alarm = null;
  }

  /** Forgets the alarm. */
  clearAlarm(): void {
    this.#alarm = null;
  }

  /** Lets the machine's event loop run. */
  async hop(io: boolean): Promise<void> {
    await this.#host.hop(io);
    this.#hoppedAt = performance.now();
  }

  /**
   * Moves the time by hand; a timer that becomes due rings at the run's next turn. Past several deadlines,
   * each has its turn, with its own time as the time, before the next.
   *
   * @param ms How far, zero or more.
   * @throws {RangeError} If `ms` is negative or not a number.
   */
  advance(ms: number): void {
    checkMs(ms, "a time to advance by");
    this.#now += ms;
    const alarm = this.#alarm;
    if (alarm !== null && alarm.at <= this.#now) this.#ring(alarm);
  }

  async #jump(alarm: { at: number; ring: () => void }, host: HostWaits): Promise<void> {
    for (let looks = host.open > 0 ? LOOKS : 0; looks > 0; looks--) {
      await this.hop(true);
      if (this.#alarm !== alarm || host.bound > 0) return;
    }
    if (performance.now() - this.#hoppedAt > SLICE_MS) await this.hop(false);
    if (this.#alarm !== alarm) return;
    this.#now = Math.max(this.#now, alarm.at);
    this.#ring(alarm);
  }

  #ring(alarm: { ring: () => void }): void {
    this.#alarm = null;
    alarm.ring();
  }
}

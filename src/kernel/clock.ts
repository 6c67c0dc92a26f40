/**
 * The one place where weft touches the host's timers and its event loop.
 *
 * A scheduler asks its clock for four things: the time, one alarm, a hop that lets the host loop
 * run, and (when idle) leave to jump ahead. The system clock answers with `setTimeout` and
 * `setImmediate`; the virtual clock in `testing` answers at once.
 *
 * The hop. `setTimeout(0)` costs 2 ms on Deno, `setImmediate` 1 µs. But one `setImmediate` is not
 * one poll of the sockets: the host loop looks at its IO driver about once in 61 turns. A loop that
 * computes 2 ms between single hops therefore answers a TCP client only every 120 ms (measured).
 * So a hop that must let IO in makes {@linkcode IO_TURNS} turns, 60 µs in all, and the same client
 * is answered within one slice.
 */
import { checkOptions } from "./checks.ts";

/** The host loop polls its sockets about once in this many turns (tokio's event interval, rounded up). */
const IO_TURNS = 64;

/** The longest delay that `setTimeout` takes; beyond it the alarm is set again. */
const LONGEST = 0x7fff_ffff;

/** How many waits of a run the host may end: those that may never end, and those that are bound to. A task
 * in a foreign `await` is one of the latter. */
export interface HostWaits {
  /** Accepts, reads, signals: they may stay for ever. */
  readonly open: number;
  /** Writes, connects, promises, jobs: something will come of them. */
  readonly bound: number;
}

/** What a scheduler needs of time. All times are milliseconds on the clock's own scale. */
export interface Clock {
  /**
   * Whether time moves only while the scheduler is idle. Then timers ring at fixed counts of steps, and
   * never because some real time has passed: the same run goes the same way on any machine.
   */
  readonly exact: boolean;
  /** The time now; it never goes back. */
  now(): number;
  /**
   * How far time has come, where a clock was moved past several deadlines at once: each of them is shown in
   * turn, by {@linkcode show}, before `now` tells this time. @default what `now` tells
   */
  readonly reached?: number;
  /** From now on `now` tells this time, a deadline that was passed; with `undefined`, the time reached. */
  show?(at: number | undefined): void;
  /** The machine's time in milliseconds, by which slices are measured; it runs on when `now` stands still. */
  wall(): number;
  /**
   * Calls `ring` once at `at` or later, in place of any earlier alarm. The scheduler is idle: nothing
   * but this alarm and what is in `host` can wake it, so a virtual clock may jump.
   */
  setAlarm(at: number, ring: () => void, host: HostWaits): void;
  /** The scheduler is idle no more: no jumping until the alarm is set again. */
  awake(): void;
  /** Forgets the alarm. */
  clearAlarm(): void;
  /** Resolves after the host loop has run; with `io`, after it has looked at its sockets too. */
  hop(io: boolean): Promise<void>;
}

/** The clock of the machine: `performance.now`, `setTimeout`, `setImmediate`. */
export class SystemClock implements Clock {
  /** Time runs on while tasks do. */
  readonly exact: boolean = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Infinity;
  readonly #idle: boolean;

  /** A clock without an alarm; with `idle`, its alarm does not keep the process alive. */
  constructor(options: { readonly idle?: boolean } = {}) {
    this.#idle = checkOptions(options, "SystemClock").idle === true;
  }

  /** Milliseconds since the process began. */
  now(): number {
    return performance.now();
  }

  /** The same. */
  wall(): number {
    return performance.now();
  }

  /** Sets the one alarm. One that is set for an earlier time stays: ringing early is cheaper than resetting. */
  setAlarm(at: number, ring: () => void): void {
    if (this.#at <= at) return;
    this.clearAlarm();
    this.#at = at;
    const delay = Math.min(Math.max(0, at - performance.now()), LONGEST);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#at = Infinity;
      ring();
    }, delay);
    if (this.#idle) this.#timer.unref();
  }

  /** Keeps the alarm: it may be the next one, too. */
  awake(): void {}

  /** Forgets the alarm, if one is set. */
  clearAlarm(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#at = Infinity;
  }

  /** One turn of the host loop, or as many as it needs to look at its sockets. */
  hop(io: boolean): Promise<void> {
    return new Promise((resolve) => {
      let turns = io ? IO_TURNS : 1;
      const turn = (): void => {
        if (--turns === 0) resolve();
        else setImmediate(turn);
      };
      setImmediate(turn);
    });
  }
}

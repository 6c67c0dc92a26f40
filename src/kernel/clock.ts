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
 *
 * A clock of a user's may throw. A run without a clock cannot go on, and to give it up would leave its tasks'
 * clean-up undone. So from the first error on, the machine's clock takes the place of one that threw: time goes
 * on from where it was, at its usual pace.
 */
import { thrownText } from "./callback.ts";
import { checkOptions } from "./checks.ts";

/** The host loop polls its sockets about once in this many turns (tokio's event interval, rounded up). */
const IO_TURNS = 64;

/** The longest delay that `setTimeout` takes; beyond it the alarm is set again. */
const LONGEST = 0x7fff_ffff;

/**
 * How many waits of a run the host may end: those that may never end, and those that are bound to. A task
 * in a foreign `await` is one of the latter.
 */
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

/** The alarm that is set. */
interface Alarm {
  readonly at: number;
  readonly ring: () => void;
}

/** A clock that never throws. */
export class GuardedClock implements Clock {
  /** As the user's clock said at first: a run is planned by it. */
  readonly exact: boolean;
  /** The user's clock, or what stands in for it. */
  clock: Clock;
  readonly #failed: (error: unknown) => void;
  /** By how much the time given out is ahead of the clock's. */
  #shift = 0;
  #last = 0;
  #alarm: Alarm | null = null;

  /** Guards `clock`; `failed` hears of the error that ends its service. */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.clock = clock;
    this.#failed = failed;
    this.exact = clock.exact === true;
  }

  /** The time. */
  now(): number {
    try {
      return this.#last = this.clock.now() + this.#shift;
    } catch (error) {
      this.#replace(error);
      return this.#last;
    }
  }

  /** The machine's time. */
  wall(): number {
    try {
      return this.clock.wall();
    } catch (error) {
      this.#replace(error);
      return this.clock.wall();
    }
  }

  /** How far time has come. */
  get reached(): number {
    try {
      return (this.clock.reached ?? this.clock.now()) + this.#shift;
    } catch (error) {
      this.#replace(error);
      return this.#last;
    }
  }

  /** Has `now` tell a deadline that was passed. */
  show(at: number | undefined): void {
    try {
      this.clock.show?.(at === undefined ? at : at - this.#shift);
    } catch (error) {
      this.#replace(error);
    }
  }

  /** Sets the one alarm. */
  setAlarm(at: number, ring: () => void, host: HostWaits): void {
    this.#alarm = { at, ring };
    try {
      this.clock.setAlarm(at - this.#shift, ring, host);
    } catch (error) {
      this.#replace(error);
    }
  }

  /** The scheduler is idle no more. */
  awake(): void {
    this.#alarm = null;
    try {
      this.clock.awake();
    } catch (error) {
      this.#replace(error);
    }
  }

  /** Forgets the alarm. */
  clearAlarm(): void {
    this.#alarm = null;
    try {
      this.clock.clearAlarm();
    } catch (error) {
      this.#replace(error);
    }
  }

  /** Lets the host loop run. */
  async hop(io: boolean): Promise<void> {
    try {
      await this.clock.hop(io);
    } catch (error) {
      this.#replace(error);
      await this.clock.hop(io);
    }
  }

  /** Puts the machine's clock in place of the one that threw, and sets its alarm there. */
  #replace(error: unknown): void {
    const clock = this.clock = new SystemClock();
    this.#shift = this.#last - clock.now();
    if (this.#alarm !== null) {
      clock.setAlarm(this.#alarm.at - this.#shift, this.#alarm.ring);
    }
    this.#failed(error);
  }
}

/** The clock of a run: the machine's, or a user's, of which a failure is reported to `warn`. */
export function clockOf(
  given: Clock | undefined,
  warn: (message: string) => void,
): SystemClock | GuardedClock {
  if (given === undefined) return new SystemClock();
  return new GuardedClock(
    given,
    (error) => warn(thrownText("The clock, which the machine's replaces now,", error)),
  );
}

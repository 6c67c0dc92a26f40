/**
 * A clock of a user's that may throw.
 *
 * A run without a clock cannot go on, and to give it up would leave its tasks' clean-up undone. So from
 * the first error on, the machine's clock takes the place of one that threw: time goes on from where it
 * was, at its usual pace.
 */
import { type Clock, type HostWaits, SystemClock } from "./clock.ts";

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

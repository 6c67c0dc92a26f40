/**
 * Time: the one place where weft touches the host's timers and its event loop, and the deadlines of a run.
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
 *
 * Any number of timers stand behind the one alarm, in a heap. They know their place in it, which makes both
 * setting and cancelling O(log n), and leaves nothing of a cancelled one. Timers that are due together ring in the
 * order of their deadlines, then of their making, unless the run's `choose` says otherwise: two equal deadlines
 * are a free choice.
 */
import { thrownText } from "./callback.ts";
import { checkOptions } from "./checks.ts";
import { Heap, type HeapItem } from "../internal/heap.ts";
import type { Choose } from "./choose.ts";
import type { HostWaits } from "./turn.ts";

/** The host loop polls its sockets about once in this many turns (tokio's event interval, rounded up). */
const IO_TURNS = 64;

/** The longest delay that `setTimeout` takes; beyond it the alarm is set again. */
const LONGEST = 0x7fff_ffff;

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

  now(): number {
    try {
      return this.#last = this.clock.now() + this.#shift;
    } catch (error) {
      this.#replace(error);
      return this.#last;
    }
  }

  wall(): number {
    try {
      return this.clock.wall();
    } catch (error) {
      this.#replace(error);
      return this.clock.wall();
    }
  }

  get reached(): number {
    try {
      return (this.clock.reached ?? this.clock.now()) + this.#shift;
    } catch (error) {
      this.#replace(error);
      return this.#last;
    }
  }

  show(at: number | undefined): void {
    try {
      this.clock.show?.(at === undefined ? at : at - this.#shift);
    } catch (error) {
      this.#replace(error);
    }
  }

  setAlarm(at: number, ring: () => void, host: HostWaits): void {
    this.#alarm = { at, ring };
    try {
      this.clock.setAlarm(at - this.#shift, ring, host);
    } catch (error) {
      this.#replace(error);
    }
  }

  awake(): void {
    this.#alarm = null;
    try {
      this.clock.awake();
    } catch (error) {
      this.#replace(error);
    }
  }

  clearAlarm(): void {
    this.#alarm = null;
    try {
      this.clock.clearAlarm();
    } catch (error) {
      this.#replace(error);
    }
  }

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

/** One deadline; what it does when it rings is its owner's. */
export class Timer implements HeapItem {
  /** Kept by the heap. */
  place: number = -1;
  /** Order of making, to break ties. */
  serial: number = 0;
  /** When to ring, on the clock's scale. */
  readonly at: number;
  /** Called once when due. */
  readonly ring: () => void;

  /** A timer for `at`, not yet set. */
  constructor(at: number, ring: () => void) {
    this.at = at;
    this.ring = ring;
  }
}

/** What timers go by. */
export interface TimersOptions {
  /** Picks the order in which equal deadlines ring; `null` for that of their making. */
  readonly choose: Choose | null;
  /** Called when a timer is set that comes before all others: who sleeps until the next must look again. */
  readonly sooner: () => void;
  /** Hears what a timer threw; the others ring. */
  readonly failed: (error: unknown) => void;
}

/** All timers of one run. */
export class Timers {
  readonly #clock: Clock;
  readonly #choose: Choose | null;
  readonly #sooner: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #heap = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.serial < b.serial));
  #serial = 0;
  /** The deadline whose ties have been put in their chosen order. */
  #shuffled = -Infinity;

  /** Timers on `clock`, none of which is set. */
  constructor(clock: Clock, options: TimersOptions) {
    this.#clock = clock;
    this.#choose = options.choose;
    this.#sooner = options.sooner;
    this.#failed = options.failed;
  }

  /** The time now, on the scale of the deadlines. */
  now(): number {
    return this.#clock.now();
  }

  /** How many are set. */
  get size(): number {
    return this.#heap.size;
  }

  /** The nearest deadline, or `undefined`. */
  get next(): number | undefined {
    return this.#heap.peek()?.at;
  }

  /** Sets a timer `ms` from now. `Infinity` is a deadline that never comes, and sets nothing. */
  after(ms: number, ring: () => void): Timer {
    return this.#set(new Timer(this.#clock.now() + ms, ring));
  }

  /** Sets a timer for a time on the clock of the run; one that is past rings at the next look. */
  at(at: number, ring: () => void): Timer {
    return this.#set(new Timer(Math.max(at, this.#clock.now()), ring));
  }

  #set(timer: Timer): Timer {
    timer.serial = ++this.#serial;
    if (timer.at === Infinity) return timer;
    this.#heap.push(timer);
    if (timer.place === 0) this.#sooner();
    return timer;
  }

  /** Forgets a timer; one that has rung or was cancelled before is left alone. */
  cancel(timer: Timer): void {
    this.#heap.remove(timer);
  }

  /**
   * Rings the timers that are due. A clock that was moved past several deadlines shows them one after the
   * other: what the timers of one have made ready goes on before the next, unless they are to ring all at once.
   */
  ringDue(allAtOnce: boolean): void {
    const clock = this.#clock;
    if (!clock.exact) return this.ring(clock.now());
    const reached = clock.reached ?? clock.now();
    do {
      const due = this.next;
      if (due === undefined || due > reached) return clock.show?.(undefined);
      clock.show?.(due);
      this.ring(due);
    } while (allAtOnce);
  }

  /** Rings every timer that is due at `now`. */
  ring(now: number): void {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || first.at > now) return;
      if (this.#choose !== null && first.at !== this.#shuffled) {
        this.#shuffle(first.at, this.#choose);
        continue;
      }
      this.#heap.remove(first);
      try {
        first.ring();
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** Puts the timers that share a deadline in an order that `choose` picks, once per deadline. */
  #shuffle(at: number, choose: Choose): void {
    const ties: Timer[] = [];
    while (this.#heap.peek()?.at === at) ties.push(this.#heap.pop()!);
    for (let left = ties.length; left > 0; left--) {
      const picked = left === 1 ? 0 : choose(left);
      const timer = ties[picked]!;
      ties[picked] = ties[left - 1]!;
      timer.serial = ++this.#serial;
      this.#heap.push(timer);
    }
    this.#shuffled = at;
  }
}

/**
 * Sources of events that are not bytes: signals of the operating system, and the ticks of an alarm.
 *
 * What has come is held until somebody takes it. An event that comes again before that is the same one:
 * signals and expired timers merge in a kernel, too, so the bound is the number of kinds.
 *
 * An alarm is to poll what a timerfd is on Linux. In a run it goes by that run's clock, so a virtual clock
 * moves it; outside of one, by the machine's. Deno lets a process end that only listens for signals, so a
 * task that waits for one keeps it alive.
 */
import { SystemClock, type Timer } from "../kernel/clock.ts";
import { currentScope } from "../kernel/context.ts";
import { listenForSignal } from "../kernel/callback.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { SingleWaiter, type Timeout } from "./waiting.ts";
import { IN, type Watcher } from "./pollable.ts";
import { Handle } from "./handle.ts";

/** What makes events of type `E`, and holds those that nobody has taken. */
export interface EventOrigin<E> {
  /** Whether one is held. */
  readonly some: boolean;
  /** Takes the oldest. */
  take(): E;
  /** Somebody does, or does not, wait for the next one. */
  awaited(on: boolean): void;
  /** Makes no more. */
  close(): void;
}

/** The handle over a source of events. One waiter at a time. */
export class EventHandle<E> extends Handle {
  readonly #origin: EventOrigin<E>;
  readonly #waiter: SingleWaiter<E>;
  #closed: ClosedError | null = null;
  #armed = false;

  /**
   * A handle over `open`'s events.
   *
   * @param name What reports call it.
   * @param open Starts the source; it calls its argument when an event has come.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(name: string, open: (came: () => void) => EventOrigin<E>, owner?: Task | null) {
    super(name, owner);
    this.#waiter = new SingleWaiter(this, "next");
    try {
      this.#origin = open(() => this.#came());
    } catch (error) {
      this.letGo();
      throw error;
    }
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** `IN` when an event is held. */
  get ready(): number {
    return this.#closed === null && this.#origin.some ? IN : 0;
  }

  /** Keeps the process alive until the next event. */
  arm(_interest: number): void {
    if (this.#closed !== null) return;
    this.#armed = true;
    this.#origin.awaited(true);
  }

  /** Stops telling it. */
  override unwatch(watcher: Watcher): void {
    super.unwatch(watcher);
    if (this.isWatched) return;
    this.#armed = false;
    this.#rest();
  }

  /** Begins a wait for the next event. */
  begin(wait: Wait<E>, timeout: Timeout): void {
    if (this.#closed !== null) throw this.#closed;
    this.#waiter.check();
    if (this.#origin.some) return wait.settle(this.#take());
    this.#origin.awaited(true);
    this.#waiter.park(wait, timeout, () => this.#rest());
  }

  /** Takes an event that has come. */
  tryTake(): E {
    if (this.#closed !== null) throw this.#closed;
    this.#waiter.check();
    if (this.#origin.some) return this.#take();
    throw new WouldBlock(`Cannot take an event of ${this} now: none has come`);
  }

  /** Closes it; events not taken are dropped. */
  close(): void {
    if (this.#closed !== null) return;
    const error = this.#closed = new ClosedError(`Cannot wait for ${this}: it is closed`);
    this.#origin.close();
    this.#waiter.leave()?.fail(error);
    this.letGo();
    this.changed();
  }

  #came(): void {
    this.#armed = false;
    const wait = this.#waiter.leave();
    if (wait === null) this.changed(IN);
    else wait.settle(this.#take());
    this.#rest();
  }

  #take(): E {
    const event = this.#origin.take();
    this.changed();
    return event;
  }

  /** Lets the process end if nobody waits any more. */
  #rest(): void {
    if (this.#closed === null && !this.#armed && !this.#waiter.waits) this.#origin.awaited(false);
  }
}

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
  const task = currentScope()?.task;
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

/** Listens for signals; the same signal twice before it was taken is one event, as in a kernel. */
export class SignalOrigin implements EventOrigin<Deno.Signal> {
  readonly #pending = new Set<Deno.Signal>();
  readonly #silence: (() => void)[] = [];
  readonly #keepAlive = new KeepAlive();

  /**
   * Starts to listen.
   *
   * @param names The signals; from now on they do nothing but this.
   * @param came Called when one has come.
   */
  constructor(names: readonly Deno.Signal[], came: () => void) {
    try {
      for (const name of new Set(names)) {
        const silence = listenForSignal(name, () => {
          this.#pending.add(name);
          came();
        });
        this.#silence.push(silence);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether one has come. */
  get some(): boolean {
    return this.#pending.size > 0;
  }

  /** Takes the one that came first. */
  take(): Deno.Signal {
    const [name] = this.#pending;
    this.#pending.delete(name!);
    return name!;
  }

  /** Keeps the process alive while somebody waits: a signal listener alone does not. */
  awaited(on: boolean): void {
    this.#keepAlive.set(on);
  }

  /** Stops listening: the signals do what they did before. */
  close(): void {
    for (const silence of this.#silence.splice(0)) silence();
    this.#pending.clear();
    this.#keepAlive.set(false);
  }
}

/** About a day: an alarm that is set again before anybody could notice it. */
const LONG_MS = 86_400_000;

/** A hold on the process. */
class KeepAlive {
  readonly #clock = new SystemClock();
  #on = false;

  /** Holds the process, or lets it go. */
  set(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    if (on) this.#again();
    else this.#clock.clearAlarm();
  }

  #again(): void {
    this.#clock.setAlarm(this.#clock.now() + LONG_MS, () => this.#again());
  }
}

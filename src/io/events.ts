/**
 * A source of events that are not bytes: signals, and the ticks of an alarm.
 *
 * What has come is held until somebody takes it. An event that comes again before that is the same one:
 * signals and expired timers merge in a kernel, too, so the bound is the number of kinds.
 */
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Resource } from "../kernel/resource.ts";
import type { Party, Wait } from "../kernel/wait.ts";
import type { Timeout } from "./wait_timeout.ts";
import { IN, type Pollable, type Watcher, Watchers } from "./pollable.ts";
import { SingleWaiter } from "./single_waiter.ts";
import { HandleLifetime } from "./handle_lifetime.ts";

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
export class EventHandle<E> implements Pollable, Resource {
  readonly #origin: EventOrigin<E>;
  readonly #name: string;
  readonly #lifetime: HandleLifetime;
  readonly #watchers: Watchers;
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
  constructor(name: string, open: (came: () => void) => EventOrigin<E>, owner?: Party | null) {
    this.#name = name;
    this.#waiter = new SingleWaiter(this, "next");
    this.#watchers = new Watchers(this);
    this.#origin = open(() => this.#came());
    this.#lifetime = new HandleLifetime(this, owner);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** Resolves when it has been closed. */
  get gone(): Promise<void> {
    return this.#lifetime.gone;
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

  /** Tells `watcher` of changes. */
  watch(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  /** Stops telling it. */
  unwatch(watcher: Watcher): void {
    this.#watchers.remove(watcher);
    if (this.#watchers.some) return;
    this.#armed = false;
    this.#rest();
  }

  /** Calls `f` when it is closed. */
  whenClosed(f: () => void): void {
    this.#watchers.whenClosed(f);
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
    throw new WouldBlock(`Cannot take an event of ${this.#name} now: none has come`);
  }

  /** Closes it; events not taken are dropped. */
  close(): void {
    if (this.#closed !== null) return;
    const error = this.#closed = new ClosedError(`Cannot wait for ${this.#name}: it is closed`);
    this.#origin.close();
    this.#waiter.leave()?.fail(error);
    this.#lifetime.close();
    this.#watchers.changed();
  }

  /** Closes it. */
  release(): void {
    this.close();
  }

  /** Its name. */
  toString(): string {
    return this.#name;
  }

  #came(): void {
    this.#armed = false;
    const wait = this.#waiter.leave();
    if (wait === null) this.#watchers.changed(IN);
    else wait.settle(this.#take());
    this.#rest();
  }

  #take(): E {
    const event = this.#origin.take();
    this.#watchers.changed();
    return event;
  }

  /** Lets the process end if nobody waits any more. */
  #rest(): void {
    if (this.#closed === null && !this.#armed && !this.#waiter.waits) this.#origin.awaited(false);
  }
}

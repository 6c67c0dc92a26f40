/**
 * The waiting half of a registry: poll(2) over handles that complete operations and know no readiness.
 *
 * How a poll goes. It walks the active entries (see `registration.ts`): each is armed, that is, its handle starts the
 * native read or write probe that will tell, and those with nothing to tell leave the list. Then it parks.
 * Arming an idle handle costs one native operation, which stays in flight over any number of polls.
 * When a handle's readiness changes, its entry becomes active again, and a microtask later the poll ends
 * with all that is active: a microtask, because Deno settles everything that one turn of its loop found
 * in one go, and all of it belongs in one answer.
 *
 * Looking. What sits in the kernel already comes within three microtasks of being armed (measured); what
 * has arrived for a read in flight comes when Deno's loop has looked at its sockets. So a poll that has something to
 * tell waits those microtasks for more, and `poll(0)`, unless everything is told already, for that look.
 * A program that leaves what it is told untaken would get answers without a turn of the loop, and keep
 * timers and everybody else from theirs; so every so many such answers wait for a turn too.
 *
 * Rejected: asking every handle on each poll (ten thousand idle ones would cost 1 ms); a promise per handle
 * and `Promise.race` over them (the same, and the losers pile up); ending a poll at the first change
 * (an answer for each event, at the cost of a task switch each).
 */
import { activity } from "../kernel/instrument.ts";
import { printable } from "../kernel/printable.ts";
import { BusyError } from "../kernel/errors.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Timer } from "../kernel/clock.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { ActiveList, type Registration, type RegistrationOwner } from "./registration.ts";

/** A descriptor and what is so of it, as in `[5, POLLIN | POLLOUT]`. */
export type PollEvent = readonly [fd: number, mask: number];

/** How many microtasks bring what the kernel has: reads take two, accepts three (measured), and one to spare. */
const LOOK_HOPS = 4;
/** So many answers in a row may do without a turn of the host's loop. */
const MOST_WITHOUT_TURN = 16;

/** What a poller knows of its registry. */
export interface PollerHost {
  /** How many descriptors are registered. */
  readonly size: number;
  /** Its name. */
  toString(): string;
}

/** The active entries of one registry, and the poll that waits for them. */
export class Poller implements RegistrationOwner {
  /** What its waits are parked on. */
  readonly source: WaitSource;
  readonly #host: PollerHost;
  readonly #active = new ActiveList();
  #wait: Wait<PollEvent[]> | null = null;
  #timer: Timer | null = null;
  #looking = false;
  #attending = false;
  #woken = false;
  #answers = 0;
  /** When the poll that waits began; kept only while somebody listens. */
  #beganAt = 0;

  /** A poller without entries. */
  constructor(host: PollerHost) {
    this.#host = host;
    this.source = {
      host: "open",
      abandon: (wait) => this.#abandon(wait),
      toString: () => `${host}.poll()`,
    };
  }

  /** How many entries the next poll looks at. */
  get active(): number {
    return this.#active.size;
  }

  /** Whether a poll waits. */
  get polling(): boolean {
    return this.#wait !== null;
  }

  /** An entry must be looked at. */
  activate(entry: Registration): void {
    this.#active.add(entry);
    this.#callAttention();
  }

  /** An entry has left the registry. */
  forget(entry: Registration): void {
    this.#active.remove(entry);
  }

  /** Ends the poll that waits, or else the next one, as soon as it has looked. */
  wake(): void {
    this.#woken = true;
    this.#callAttention();
  }

  /** Ends the poll that waits with an error. */
  fail(error: Error): void {
    this.#leave()?.fail(error);
  }

  /** Begins a poll of `ms` milliseconds at most, `Infinity` for no limit. */
  begin(wait: Wait<PollEvent[]>, ms: number): void {
    if (this.#wait !== null) {
      const { name } = this.#wait.task!;
      throw new BusyError(`Cannot poll ${this.#host}: task "${printable(name)}" polls it already`);
    }
    const isReady = this.#armActive();
    wait.park(this.source);
    this.#wait = wait;
    if (activity.listener !== null) this.#beganAt = performance.now();
    if (isReady || this.#woken || ms === 0) this.#look(wait, ms === 0);
    else this.#answers = 0;
    if (ms > 0 && ms < Infinity) {
      this.#timer = wait.scope!.task.timers.after(ms, () => this.#answer(wait, true));
    }
  }

  /** Ends a poll that need not wait, once what the kernel has already has had time to show. */
  async #look(wait: Wait<PollEvent[]>, mustEnd: boolean): Promise<void> {
    const { clock } = schedulerOf(wait.task);
    this.#looking = true;
    if (++this.#answers % MOST_WITHOUT_TURN === 0) await clock.hop(false);
    else for (let hops = 0; hops < LOOK_HOPS; hops++) await null;
    if (this.#wait !== wait) return;
    this.#looking = false;
    if (mustEnd && !this.#tellsAll()) await clock.hop(true);
    this.#answer(wait, mustEnd || this.#woken);
  }

  /** Arms the active entries, and lets those go that have nothing to tell. Returns whether one has. */
  #armActive(): boolean {
    for (let entry = this.#active.first; entry !== null;) {
      const { after } = entry;
      entry.arm();
      if (entry.news === 0) this.#active.remove(entry);
      entry = after;
    }
    return this.#active.first !== null;
  }

  /** What the active entries have to tell. One that has nothing is armed and let go. */
  #collect(): PollEvent[] {
    const events: PollEvent[] = [];
    for (let entry = this.#active.first; entry !== null;) {
      const { after, news } = entry;
      if (news === 0) {
        entry.arm();
        this.#active.remove(entry);
      } else {
        events.push([entry.fd, news]);
        entry.told();
      }
      entry = after;
    }
    return events;
  }

  /** Whether every descriptor has everything to tell that it was asked. Walks no further than the active ones. */
  #tellsAll(): boolean {
    if (this.#active.size < this.#host.size) return false;
    for (let entry = this.#active.first; entry !== null; entry = entry.after) {
      if (!entry.tellsAll) return false;
    }
    return true;
  }

  /** Ends `wait`, if it still waits, with what there is to tell; with nothing only if it must end. */
  #answer(wait: Wait<PollEvent[]>, mustEnd: boolean): boolean {
    if (this.#wait !== wait) return true;
    const events = this.#collect();
    if (events.length === 0 && !mustEnd) return false;
    this.#active.rotate();
    this.#leave();
    activity.listener?.polled(`${this.#host}`, this.#beganAt, performance.now(), events.length);
    wait.settle(events);
    return true;
  }

  /** Sees to it that a waiting poll looks again, after everything that happens at this moment. */
  #callAttention(): void {
    if (this.#wait === null || this.#attending || this.#looking) return;
    this.#attending = true;
    queueMicrotask(this.#attend);
  }

  readonly #attend = (): void => {
    this.#attending = false;
    if (this.#wait !== null && !this.#looking) this.#answer(this.#wait, this.#woken);
  };

  #abandon(wait: Wait): boolean {
    if (this.#wait === wait) this.#leave();
    return true;
  }

  /** Nobody waits any more. */
  #leave(): Wait<PollEvent[]> | null {
    const wait = this.#wait;
    this.#wait = null;
    this.#looking = false;
    if (wait === null) return null;
    this.#woken = false;
    if (this.#timer !== null) wait.scope!.task.timers.cancel(this.#timer);
    this.#timer = null;
    return wait;
  }
}

/**
 * The event registry: poll(2) over handles that complete operations and know no readiness.
 *
 * How a poll goes. It walks the active entries (see `entry.ts`): each is armed, that is, its handle starts the
 * native read or write probe that will tell, and those with nothing to tell leave the list. Then it parks.
 * Arming an idle handle costs one native operation, which stays in flight over any number of polls.
 * When a handle's readiness changes, its entry becomes active again, and a microtask later the poll ends
 * with all that is active: a microtask, because Deno settles everything that one turn of its loop found
 * in one go, and all of it belongs in one answer.
 *
 * Looking. What sits in the kernel already comes within three microtasks of being armed (measured); what
 * came to a read in flight comes when Deno's loop has looked at its sockets. So a poll that has something to
 * tell waits those microtasks for more, and `poll(0)`, unless everything is told already, for that look.
 * A program that leaves what it is told untaken would get answers without a turn of the loop, and keep
 * timers and everybody else from theirs; so every so many such answers wait for a turn too.
 *
 * Rejected: asking every handle on each poll (ten thousand idle ones would cost 1 ms); a promise per handle
 * and `Promise.race` over them (the same, and the losers pile up); ending a poll at the first change
 * (an answer for each event, at the cost of a task switch each).
 */
import type { Pollable } from "../io/pollable.ts";
import type { DatagramHandle } from "../io/datagram.ts";
import type { ListenerHandle } from "../io/listener.ts";
import type { StreamHandle } from "../io/stream.ts";
import { BusyError, ClosedError } from "../kernel/errors.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { handleBehind, type PollTarget } from "./adopt.ts";
import { fileno, handleOf, pin, retire, unpin } from "./descriptors.ts";
import { ActiveList, Entry, type EntryOwner } from "./entry.ts";
import { NotRegisteredError } from "./errors.ts";
import { checkMask, POLLIN, POLLOUT, POLLPRI, show } from "./masks.ts";

/** A descriptor and what is so of it, as in `[5, POLLIN | POLLOUT]`. */
export type PollEvent = readonly [fd: number, mask: number];

/** How many microtasks bring what the kernel has: reads take two, accepts three (measured), and one to spare. */
const LOOK_HOPS = 4;
/** So many answers in a row may do without a turn of the host's loop. */
const MOST_WITHOUT_TURN = 16;
/** The longest time that poll(2) takes, in milliseconds. */
const LONGEST = 0x7fff_ffff;

/** What a registry has to say of itself. */
export interface RegistryStatistics {
  /** How many descriptors are registered. */
  readonly registered: number;
  /** How many of them the next poll will look at. */
  readonly active: number;
  /** Whether a poll waits. */
  readonly polling: boolean;
}

/**
 * Tells which of many handles are ready, as `select.poll` does. Made by {@linkcode poll}.
 *
 * - Level-triggered, unless a mask has `POLLET`: what is not taken is told again.
 * - An answer holds every descriptor that has something to tell, each once; the order changes from
 *   answer to answer, so that none is always the last one served.
 * - Costs do not depend on how many descriptors are registered: registering, modifying and unregistering
 *   take one step each, a poll one for each descriptor that is ready or has changed.
 * - A registry never closes a handle, nor does closing the registry. A registered handle that is closed
 *   is told as `POLLNVAL` until it is unregistered.
 * - One poll at a time; a second gets a `BusyError`. Changes made while it waits take effect at once.
 */
export class EventRegistry implements Disposable {
  readonly #name = nextName("EventRegistry");
  readonly #entries = new Map<number, Entry>();
  readonly #active = new ActiveList();
  readonly #owner: EntryOwner = { activate: (entry) => this.#activate(entry) };
  readonly #source: WaitSource = {
    host: "open",
    abandon: (wait) => this.#abandon(wait),
    toString: () => `${this.#name}.poll()`,
  };
  #wait: Wait<PollEvent[]> | null = null;
  #timer: Timer | null = null;
  #looking = false;
  #attending = false;
  #woken = false;
  #answers = 0;
  #closed = false;

  /** How many descriptors are registered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Registers a handle, or changes the mask of one that is registered.
   *
   * A socket or listener of weft is registered as it is. A raw Deno handle is adopted: from now on only the
   * handle that this returns may read from it or write to it. A number registers the handle whose
   * descriptor it is; one that no handle has is told as `POLLNVAL`, as on Linux.
   *
   * @param target What to register.
   * @param mask What to tell of it. @default {POLLIN | POLLPRI | POLLOUT}
   * @returns The handle, whose `tryX` methods take what a poll tells of; its `fd` is what polls call it.
   * @throws {ClosedError} If the handle, or this registry, is closed.
   * @throws {TypeError} If the target is nothing to be polled, or a number that is not whole.
   * @throws {RangeError} If the number is negative or too large, or the mask has unknown bits.
   */
  register(target: Deno.Listener, mask?: number): ListenerHandle<StreamHandle>;
  /** Registers a raw connection, which is adopted. */
  register(target: Deno.Conn, mask?: number): StreamHandle;
  /** Registers a raw datagram socket, which is adopted. */
  register(target: Deno.DatagramConn, mask?: number): DatagramHandle;
  /** Registers a handle, or what stands on one. */
  register<H extends Pollable>(target: H | { readonly handle: H }, mask?: number): H;
  /** Registers any of these, or a number, as poll(2) does. */
  register(target: PollTarget, mask?: number): Pollable | null;
  register(target: PollTarget, mask: number = POLLIN | POLLPRI | POLLOUT): Pollable | null {
    this.#checkOpen("register with");
    const checked = checkMask(mask);
    const handle = typeof target === "number" ? handleOf(checkFd(target)) : handleBehind(target);
    if (handle?.closed && typeof target !== "number") {
      throw new ClosedError(`Cannot register ${handle}: it is closed`);
    }
    const fd = typeof target === "number" ? target : fileno(handle!);
    let entry = this.#entries.get(fd);
    if (entry === undefined) {
      entry = new Entry(fd, handle, this.#owner);
      this.#entries.set(fd, entry);
      pin(fd);
    }
    entry.ask(checked);
    return handle;
  }

  /**
   * Changes what is told of a registered descriptor. An edge-triggered one is told anew what is so now, a
   * one-shot one that has spoken may speak once more.
   *
   * @throws {NotRegisteredError} If it is not registered.
   * @throws {ClosedError} If the handle, given as such and not by its number, or this registry is closed.
   */
  modify(target: PollTarget, mask: number): void {
    this.#checkOpen("modify a descriptor of");
    const checked = checkMask(mask);
    const entry = this.#find(target, "modify");
    if (typeof target !== "number" && entry.handle?.closed) {
      throw new ClosedError(`Cannot modify ${entry.handle}: it is closed; unregister it`);
    }
    entry.ask(checked);
  }

  /**
   * Tells nothing more of a descriptor. The handle stays open; what was read ahead for it stays with it.
   *
   * @throws {NotRegisteredError} If it is not registered.
   */
  unregister(target: PollTarget): void {
    this.#checkOpen("unregister from");
    const entry = this.#find(target, "unregister");
    this.#entries.delete(entry.fd);
    this.#drop(entry);
  }

  /** The handle registered under a descriptor; `null` if no handle has it, `undefined` if it is not registered. */
  get(fd: number): Pollable | null | undefined {
    return this.#entries.get(fd)?.handle;
  }

  /**
   * Waits until at least one descriptor has something to tell.
   *
   * An operation, and a promise for code outside of every task. What it tells has not been taken: that is
   * for `tryRecv`, `tryAccept` and the like, which throw `WouldBlock` if somebody else was faster. A
   * cancelled poll has told nothing, so no edge and no one-shot is lost with it.
   *
   * @param timeout The longest wait in milliseconds, rounded up; 0 only looks, negative or absent waits.
   * @returns Descriptors with their masks, empty when time ran out or {@linkcode wake} was called.
   * @throws {TypeError} If the timeout is not a number.
   * @throws {RangeError} If it is more than poll(2) takes, 2147483647 ms.
   * @throws {BusyError} If another poll waits.
   * @throws {ClosedError} If the registry is closed, or is being closed meanwhile.
   */
  poll(timeout?: number): Operation<PollEvent[]> {
    const ms = checkTimeout(timeout);
    return operation(this.#source, (wait: Wait<PollEvent[]>) => this.#begin(wait, ms));
  }

  /** Ends the poll that waits, or else the next one, as soon as it has looked. May be called from anywhere. */
  wake(): void {
    this.#woken = true;
    this.#callAttention();
  }

  /** What is registered, and what the next poll will look at. */
  statistics(): RegistryStatistics {
    return Object.freeze({
      registered: this.#entries.size,
      active: this.#active.size,
      polling: this.#wait !== null,
    });
  }

  /** Forgets every descriptor and closes none. A poll that waits gets a `ClosedError`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
    this.#leave()?.fail(new ClosedError(`Cannot poll ${this.#name}: it is closed`));
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Its name in reports. */
  toString(): string {
    return this.#name;
  }

  // -- Registering --

  #checkOpen(verb: string): void {
    if (this.#closed) throw new ClosedError(`Cannot ${verb} ${this.#name}: it is closed`);
  }

  #find(target: PollTarget, verb: string): Entry {
    const handle = typeof target === "number" ? null : handleBehind(target);
    const fd = typeof target === "number" ? checkFd(target) : fileno(handle!);
    const entry = this.#entries.get(fd);
    if (entry !== undefined && (handle === null || handle === entry.handle)) return entry;
    const what = handle === null ? `descriptor ${fd}` : String(handle);
    throw new NotRegisteredError(
      `Cannot ${verb} ${what}: it is not registered in ${this.#name}`,
      fd,
    );
  }

  #drop(entry: Entry): void {
    this.#active.remove(entry);
    entry.leave();
    unpin(entry.fd);
  }

  // -- Polling --

  #begin(wait: Wait<PollEvent[]>, ms: number): void {
    this.#checkOpen("poll");
    if (this.#wait !== null) {
      const { name } = this.#wait.task!;
      throw new BusyError(`Cannot poll ${this.#name}: task "${name}" polls it already`);
    }
    const isReady = this.#armActive();
    wait.park(this.#source);
    this.#wait = wait;
    if (isReady || this.#woken || ms === 0) this.#look(wait, ms === 0);
    else this.#answers = 0;
    if (ms > 0 && ms < Infinity) {
      this.#timer = wait.scope!.task.timers.after(ms, () => this.#answer(wait, true));
    }
  }

  /** Ends a poll that need not wait, once what the kernel has already has had time to show. */
  async #look(wait: Wait<PollEvent[]>, mustEnd: boolean): Promise<void> {
    const { clock } = schedulerOf(wait.task as unknown as Task);
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
    if (this.#active.size < this.#entries.size) return false;
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
    wait.settle(events);
    return true;
  }

  #activate(entry: Entry): void {
    if (entry.handle?.closed) retire(entry.fd);
    this.#active.add(entry);
    this.#callAttention();
  }

  /** Sees to it that a waiting poll looks again, after everything that happens at this moment. */
  #callAttention(): void {
    if (this.#wait === null || this.#attending || this.#looking) return;
    this.#attending = true;
    queueMicrotask(() => {
      this.#attending = false;
      if (this.#wait !== null && !this.#looking) this.#answer(this.#wait, this.#woken);
    });
  }

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

/**
 * Makes an event registry: `select.poll()`.
 *
 * @example A server's loop
 * ```ts
 * import { poll, POLLIN } from "@weft/weft";
 * using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
 * using registry = poll();
 * const accepting = registry.register(listener, POLLIN);
 * using client = await Deno.connect({ port: listener.addr.port });
 * const events = await registry.poll(1000);
 * if (events.length !== 1 || events[0]![1] !== POLLIN) throw new Error("nobody came");
 * accepting.tryAccept().close();
 * ```
 *
 * @returns A registry in which nothing is registered.
 */
export function poll(): EventRegistry {
  return new EventRegistry();
}

/** Checks a descriptor given as a number. */
function checkFd(fd: number): number {
  if (!Number.isInteger(fd)) {
    throw new TypeError(`Cannot use ${show(fd)} as a descriptor: it must be a whole number`);
  }
  if (fd >= 0 && fd <= LONGEST) return fd;
  throw new RangeError(`Cannot use ${fd} as a descriptor: it must be from 0 to ${LONGEST}`);
}

/** Checks a timeout; `Infinity` stands for none. */
function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined || timeout === null) return Infinity;
  if (typeof timeout !== "number" || Number.isNaN(timeout)) {
    throw new TypeError(
      `Cannot wait ${show(timeout)}: the timeout must be a number of milliseconds`,
    );
  }
  if (timeout < 0 || timeout === Infinity) return Infinity;
  if (timeout <= LONGEST) return Math.ceil(timeout);
  throw new RangeError(`Cannot wait ${timeout} ms: poll(2) takes ${LONGEST} at most`);
}

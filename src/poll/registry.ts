/**
 * The event registry as its users see it: `select.poll()` with descriptors of weft's own.
 *
 * What is registered is kept by descriptor, as in the kernel's table, so that everything costs one step
 * however many there are. How a poll waits is the business of `poller.ts`.
 */
import type { DatagramHandle } from "../io/datagram.ts";
import type { ListenerHandle } from "../io/listener.ts";
import type { Pollable } from "../io/pollable.ts";
import type { StreamHandle } from "../io/stream.ts";
import { ClosedError } from "../kernel/errors.ts";
import { nextName, show } from "../kernel/printable.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { handleBehind, type PollTarget } from "./adopt.ts";
import { fileno, handleOf, type Numbered, numbered, numberOf, Pins } from "./descriptors.ts";
import { Registration } from "./registration.ts";
import { checkMask, POLLIN, POLLOUT, POLLPRI } from "./masks.ts";
import { Poller, type PollEvent } from "./poller.ts";

export type { PollEvent } from "./poller.ts";

/** What a registry tells of itself. */
export interface RegistryStatistics {
  /** How many descriptors are registered. */
  readonly registered: number;
  /** How many of them the next poll will look at. */
  readonly active: number;
  /** Whether a poll waits. */
  readonly polling: boolean;
}

/** A descriptor was named that is not registered: Python's `KeyError` of `unregister`, `ENOENT` of `modify`. */
export class NotRegisteredError extends Error {
  /** The class name. */
  override readonly name: string = "NotRegisteredError";
  /** The descriptor, or -1 for a handle that has none. */
  readonly fd: number;

  /** Says what could not be done with which descriptor. */
  constructor(message: string, fd: number) {
    super(message);
    this.fd = fd;
  }
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
 *
 * Where it differs from poll(2) and epoll(7), because Deno completes operations and knows no readiness:
 *
 * - `POLLPRI` never comes. `POLLRDHUP` and other bits are refused.
 * - To find out, something must be in flight: a registered handle reads ahead whatever its mask asks, one
 *   chunk, one connection or one datagram; what comes behind that is no edge until it has been taken.
 * - A pipe's hang-up behind unread bytes, and a reset behind them, may be told only when they have been taken.
 * - That a pipe has lost its reader, and that a datagram was refused, is told after a real send.
 * - With `POLLET` each send that has gone out is news of room, not only one that did not fit.
 * - A broken connection throws at every receive, not at the first only.
 * - Closing a handle wakes the poll that waits on it; on Linux it would wait on.
 * - Descriptors are weft's own. The number of a closed handle is not used again while it is registered.
 */
export class EventRegistry implements Disposable {
  readonly #name = nextName("EventRegistry");
  readonly #entries = new Map<number, Registration>();
  readonly #poller = new Poller(this);
  readonly #pins = new Pins(this);
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
  register(target: Deno.Listener, mask?: number): Numbered<ListenerHandle<StreamHandle>>;
  /** Registers a raw connection, which is adopted. */
  register(target: Deno.Conn, mask?: number): Numbered<StreamHandle>;
  /** Registers a raw datagram socket, which is adopted. */
  register(target: Deno.DatagramConn, mask?: number): Numbered<DatagramHandle>;
  /** Registers a handle, or what stands on one. */
  register<H extends Pollable>(target: H | { readonly handle: H }, mask?: number): Numbered<H>;
  /** Registers any of these, or a number, as poll(2) does. */
  register(target: PollTarget, mask?: number): Numbered<Pollable> | null;
  register(
    target: PollTarget,
    mask: number = POLLIN | POLLPRI | POLLOUT,
  ): Numbered<Pollable> | null {
    this.#checkOpen("register with");
    const checked = checkMask(mask);
    const handle = typeof target === "number" ? handleOf(checkFd(target)) : handleBehind(target);
    if (handle?.closed && typeof target !== "number") {
      throw new ClosedError(`Cannot register ${handle}: it is closed`);
    }
    const fd = typeof target === "number" ? target : fileno(handle!);
    let entry = this.#entries.get(fd);
    if (entry === undefined) {
      entry = new Registration(fd, handle, this.#poller);
      this.#entries.set(fd, entry);
      this.#pins.add(fd);
    }
    entry.ask(checked);
    return handle === null ? null : numbered(handle);
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
    this.#pins.delete(entry.fd);
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
    return operation(this.#poller.source, (wait: Wait<PollEvent[]>) => {
      this.#checkOpen("poll");
      this.#poller.begin(wait, ms);
    });
  }

  /** Ends the poll that waits, or else the next one, as soon as it has looked. May be called from anywhere. */
  wake(): void {
    this.#poller.wake();
  }

  /** What is registered, and what the next poll will look at. */
  statistics(): RegistryStatistics {
    return Object.freeze({
      registered: this.#entries.size,
      active: this.#poller.active,
      polling: this.#poller.polling,
    });
  }

  /** Forgets every descriptor and closes none. A poll that waits gets a `ClosedError`. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const entry of this.#entries.values()) this.#drop(entry);
    this.#entries.clear();
    this.#pins.close();
    this.#poller.fail(new ClosedError(`Cannot poll ${this.#name}: it is closed`));
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

  #find(target: PollTarget, verb: string): Registration {
    const handle = typeof target === "number" ? null : handleBehind(target);
    const fd = typeof target === "number" ? checkFd(target) : numberOf(handle!);
    const entry = this.#entries.get(fd);
    if (entry !== undefined && (handle === null || handle === entry.handle)) return entry;
    const what = handle === null ? `descriptor ${fd}` : String(handle);
    throw new NotRegisteredError(
      `Cannot ${verb} ${what}: it is not registered in ${this.#name}`,
      fd,
    );
  }

  #drop(entry: Registration): void {
    this.#poller.forget(entry);
    entry.leave();
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

/** The longest time in milliseconds, and the largest descriptor, that poll(2) takes. */
const LARGEST = 0x7fff_ffff;

/** Checks a descriptor given as a number. */
function checkFd(fd: number): number {
  if (!Number.isInteger(fd)) {
    throw new TypeError(`Cannot use ${show(fd)} as a descriptor: it must be a whole number`);
  }
  if (fd >= 0 && fd <= LARGEST) return fd;
  throw new RangeError(`Cannot use ${fd} as a descriptor: it must be from 0 to ${LARGEST}`);
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
  if (timeout <= LARGEST) return Math.ceil(timeout);
  throw new RangeError(`Cannot wait ${timeout} ms: poll(2) takes ${LARGEST} at most`);
}

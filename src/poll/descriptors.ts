/**
 * Descriptors: the small integers by which a poll registry names handles.
 *
 * They are weft's own, not the kernel's: Deno shows no file descriptors. As on Unix a handle gets the
 * lowest free number from 3 up and keeps it for life, and a closed handle's number is free for the next
 * one. Unlike on Unix that only happens once no registry names the number any more: there the old
 * registration would speak for the new socket, the classic trap of poll(2).
 *
 * A number must not outlive its handle. So each numbered handle tells of its close, whether it is
 * registered anywhere or not: programs unregister first, and close then.
 *
 * Rejected: having the registration tell of the close (one that has been unregistered tells nothing, and
 * the handle stayed in the table for ever); a table of `WeakRef`s, so that a handle dropped without being closed
 * is collected (each of them keeps its target to the end of the host's turn, so a busy loop would pile
 * them up; and Deno keeps what is not closed anyway).
 */
import { show } from "../kernel/printable.ts";
import { hasMethod } from "../kernel/checks.ts";
import { Heap, type HeapItem } from "../internal/heap.ts";
import type { Pollable } from "../io/pollable.ts";

/** 0, 1 and 2 are left out: people expect the standard streams there. */
const LOWEST = 3;
/** How many handles are looked at for each number given out, where they do not tell of their close. */
const MOST_LOOKED_AT = 32;

/** A number in use: by an open handle, by registries, or both. */
interface Use {
  handle: Pollable | null;
  pins: number;
}

/** A number that may be free. */
class Free implements HeapItem {
  place = -1;
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }
}

const uses = new Map<number, Use>();
const free = new Heap<Free>((a, b) => a.fd < b.fd);
/** The numbers on the heap: each once, however often it has been taken and given back by name. */
const onHeap = new Set<number>();
const numbers = new WeakMap<Pollable, number>();
let next = LOWEST;

/** Gives a handle the lowest free number. */
function allot(handle: Pollable): number {
  lookAtForeign();
  const fd = lowest();
  uses.set(fd, { handle, pins: 0 });
  if (handle.whenClosed === undefined) foreign.push(fd);
  else handle.whenClosed(() => retire(fd));
  return fd;
}

/** The numbers of open handles that do not tell of their close, and which of them to look at next. */
const foreign: number[] = [];
let lookedAt = 0;

/** Gives back the numbers of some handles that are closed and did not tell. */
function lookAtForeign(): void {
  for (let left = Math.min(foreign.length, MOST_LOOKED_AT); left > 0; left--) {
    if (lookedAt >= foreign.length) lookedAt = 0;
    const fd = foreign[lookedAt]!;
    if (!handleOf(fd)!.closed) {
      lookedAt++;
      continue;
    }
    retire(fd);
    const last = foreign.pop()!;
    if (lookedAt < foreign.length) foreign[lookedAt] = last;
  }
}

function lowest(): number {
  for (let item = free.pop(); item !== undefined; item = free.pop()) {
    onHeap.delete(item.fd);
    if (!uses.has(item.fd)) return item.fd;
  }
  while (uses.has(next)) next++;
  return next++;
}

/** The handle of this number was closed. */
function retire(fd: number): void {
  const use = uses.get(fd)!;
  use.handle = null;
  if (use.pins === 0) release(fd);
}

/** The numbers that one registry names: they stay taken until it unpins them, closes, or is collected. */
export class Pins {
  readonly #fds = new Set<number>();

  /** The pins of `registry`, which many programs drop without closing it: Python's `poll` has no `close`. */
  constructor(registry: object) {
    abandoned.register(registry, this.#fds, this);
  }

  /** The registry names this number. */
  add(fd: number): void {
    this.#fds.add(fd);
    const use = uses.get(fd);
    if (use === undefined) uses.set(fd, { handle: null, pins: 1 });
    else use.pins++;
  }

  /** The registry does not name this number any more. */
  delete(fd: number): void {
    this.#fds.delete(fd);
    unpin(fd);
  }

  /** The registry is closed, and names none. */
  close(): void {
    abandoned.unregister(this);
    for (const fd of this.#fds) unpin(fd);
    this.#fds.clear();
  }
}

const abandoned = new FinalizationRegistry<Set<number>>((fds) => fds.forEach(unpin));

function unpin(fd: number): void {
  const use = uses.get(fd)!;
  use.pins--;
  if (use.pins === 0 && use.handle === null) release(fd);
}

/** The open handle of this number, or `null`. */
export function handleOf(fd: number): Pollable | null {
  return uses.get(fd)?.handle ?? null;
}

function release(fd: number): void {
  uses.delete(fd);
  if (fd < LOWEST || fd >= next || onHeap.has(fd)) return;
  onHeap.add(fd);
  free.push(new Free(fd));
}

/** A handle that has its descriptor with it. */
export type Numbered<H> = H & {
  /** Its descriptor: what a registry calls it. */
  readonly fd: number;
};

/**
 * The handle's descriptor: given at the first call, and kept for life. It is free for another handle when this
 * one is closed and no registry names it any more.
 *
 * @returns The number; -1 for a handle that was closed before it got one.
 */
export function fileno(handle: Pollable): number {
  if (!hasMethod(handle, "arm") || !hasMethod(handle, "watch")) {
    throw new TypeError(`Cannot find a descriptor of ${show(handle)}: it must be a handle`);
  }
  let fd = numberOf(handle);
  if (fd === -1 && !handle.closed) numbers.set(handle, fd = allot(handle));
  return fd;
}

/** The handle's descriptor if it was ever given one, or -1. */
export function numberOf(handle: Pollable): number {
  return numbers.get(handle) ?? -1;
}

/** Gives a handle its descriptor as the property `fd`. */
export function numbered<H extends Pollable>(handle: H): Numbered<H> {
  if ("fd" in handle) return handle as Numbered<H>;
  return Object.defineProperty(handle, "fd", { value: fileno(handle) }) as Numbered<H>;
}

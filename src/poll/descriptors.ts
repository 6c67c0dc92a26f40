/**
 * Descriptors: the small integers by which a poll registry names handles.
 *
 * They are weft's own, not the kernel's: Deno shows no file descriptors. As on Unix a handle gets the
 * lowest free number from 3 up and keeps it for life, and a closed handle's number is free for the next
 * one. Unlike on Unix that only happens once no registry names the number any more: there the old
 * registration would speak for the new socket, the classic trap of poll(2).
 */
import { Heap, type HeapItem } from "../internal/heap.ts";
import type { Pollable } from "../io/pollable.ts";

/** 0, 1 and 2 are left out: people expect the standard streams there. */
const LOWEST = 3;

/** A number in use: by an open handle, by registries, or both. */
interface Use {
  handle: Pollable | null;
  pins: number;
}

/** A number that was free when it was put on the heap. */
class Free implements HeapItem {
  place = -1;
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }
}

const uses = new Map<number, Use>();
const free = new Heap<Free>((a, b) => a.fd < b.fd);
let next = LOWEST;

/** Gives a handle the lowest free number; it must {@linkcode retire} it when it is closed. */
export function allot(handle: Pollable): number {
  const fd = lowest();
  uses.set(fd, { handle, pins: 0 });
  return fd;
}

function lowest(): number {
  for (let item = free.pop(); item !== undefined; item = free.pop()) {
    if (!uses.has(item.fd)) return item.fd;
  }
  while (uses.has(next)) next++;
  return next++;
}

/** The handle of this number was closed. */
export function retire(fd: number): void {
  const use = uses.get(fd);
  if (use === undefined) return;
  use.handle = null;
  if (use.pins === 0) release(fd);
}

/** A registry names this number: it stays taken until {@linkcode unpin}. */
export function pin(fd: number): void {
  const use = uses.get(fd);
  if (use === undefined) uses.set(fd, { handle: null, pins: 1 });
  else use.pins++;
}

/** A registry does not name this number any more. */
export function unpin(fd: number): void {
  const use = uses.get(fd);
  if (use === undefined) return;
  use.pins--;
  if (use.pins === 0 && use.handle === null) release(fd);
}

/** The open handle of this number, or `null`. */
export function handleOf(fd: number): Pollable | null {
  return uses.get(fd)?.handle ?? null;
}

function release(fd: number): void {
  uses.delete(fd);
  if (fd >= LOWEST && fd < next) free.push(new Free(fd));
}

/** A handle that has its descriptor with it. */
export type Numbered<H> = H & {
  /** Its descriptor: what a registry calls it. */
  readonly fd: number;
};

const numbers = new WeakMap<Pollable, number>();

/** The handle's descriptor: given at the first call, and kept for life. */
export function fileno(handle: Pollable): number {
  let fd = numbers.get(handle);
  if (fd === undefined) numbers.set(handle, fd = allot(handle));
  return fd;
}

/** Gives a handle its descriptor as the property `fd`. */
export function numbered<H extends Pollable>(handle: H): Numbered<H> {
  if ("fd" in handle) return handle as Numbered<H>;
  return Object.defineProperty(handle, "fd", { value: fileno(handle) }) as Numbered<H>;
}

/**
 * What can be registered: handles, things that stand on a handle, and raw handles of Deno's.
 *
 * A raw Deno handle is adopted: weft's own handle takes it over, because readiness can only be known to
 * the code that holds the results. The same raw handle always gets the same weft handle. The code that made
 * the raw one often closes it, too, mostly by `using`; that closes weft's, which would be held for ever otherwise.
 */
import { hasMethod, isRevoked } from "../kernel/checks.ts";
import { nextName, show } from "../kernel/printable.ts";
import { DatagramHandle } from "../io/datagram.ts";
import { ListenerHandle } from "../io/listener.ts";
import type { HasHandle, Pollable } from "../io/pollable.ts";
import { StreamHandle } from "../io/stream.ts";

/** A raw handle of Deno's that a registry takes. */
export type RawHandle = Deno.Listener | Deno.Conn | Deno.DatagramConn;

/** What a registry takes: a raw handle is adopted, and a number names a handle that has it. */
export type PollTarget = Pollable | HasHandle | RawHandle | number;

const adopted = new WeakMap<RawHandle, Pollable>();

/**
 * The weft handle that stands for a raw handle of Deno's, the same one at each call. From now on it alone
 * may accept, read, write, receive or send there.
 *
 * @param raw A listener, a connection or a datagram socket.
 * @returns Its handle, with `tryAccept`, `tryRecv` and `trySend`, or `tryRecvFrom` and `trySendTo`.
 * @throws {TypeError} If it is none of these.
 */
export function adopt(raw: Deno.Listener): ListenerHandle<StreamHandle>;
/** Adopts a connection. */
export function adopt(raw: Deno.Conn): StreamHandle;
/** Adopts a datagram socket. */
export function adopt(raw: Deno.DatagramConn): DatagramHandle;
export function adopt(raw: RawHandle): Pollable {
  if (typeof raw !== "object" || raw === null) throw unknownTarget(raw);
  const known = adopted.get(raw);
  if (known !== undefined) return known;
  const handle = handleFor(raw);
  if (handle === null) throw unknownTarget(raw);
  adopted.set(raw, handle);
  followClose(raw, handle);
  return handle;
}

/** Has the raw handle's own ways to close it close the handle that stands for it. */
function followClose(raw: RawHandle, handle: AdoptedHandle): void {
  const host: { close(): void; [Symbol.dispose]?(): void } = raw;
  for (const way of ["close", Symbol.dispose] as const) {
    const close = host[way];
    if (close === undefined) continue; // datagram sockets have no disposer
    const value = (): void => handle.closed ? close.call(raw) : handle.close();
    Object.defineProperty(raw, way, { value, configurable: true, writable: true });
  }
}

/** The handle behind what was given. */
export function handleBehind(target: Exclude<PollTarget, number>): Pollable {
  const given: unknown = target;
  if (typeof given !== "object" || given === null || isRevoked(given)) throw unknownTarget(given);
  if (isPollable(given)) return given;
  if ("handle" in given && isPollable(given.handle)) return given.handle;
  return adopt(given as Deno.Conn);
}

type AdoptedHandle = ListenerHandle<StreamHandle> | StreamHandle | DatagramHandle;

function handleFor(raw: RawHandle): AdoptedHandle | null {
  const has = (method: string): boolean => hasMethod(raw, method);
  if (has("accept")) {
    return new ListenerHandle(
      raw as Deno.Listener,
      nextName("Listener"),
      (native, owner) => new StreamHandle(native, nextName("Socket"), owner),
    );
  }
  if (has("read") && has("write") && has("closeWrite")) {
    return new StreamHandle(raw as Deno.Conn, nextName("Socket"));
  }
  if (has("receive") && typeof (raw as Deno.DatagramConn).addr === "object") {
    return new DatagramHandle(raw as Deno.DatagramConn, nextName("DatagramSocket"));
  }
  return null;
}

function unknownTarget(given: unknown): TypeError {
  return new TypeError(
    `Cannot find a handle in ${
      show(given)
    }: expected a socket or listener of weft, a Deno.Listener, ` +
      `a Deno.Conn, a Deno.DatagramConn, or a descriptor`,
  );
}

function isPollable(value: unknown): value is Pollable {
  return typeof value === "object" && value !== null && "ready" in value &&
    "arm" in value && typeof value.arm === "function" &&
    "watch" in value && typeof value.watch === "function";
}

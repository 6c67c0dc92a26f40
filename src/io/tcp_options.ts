/** Options of a TCP connection that Deno sets after it is made. */
import type { NativeStream } from "./native.ts";
import type { StreamHandle } from "./stream.ts";

/** A native connection that knows the options of TCP. */
interface NativeTcp extends NativeStream {
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean): void;
}

/**
 * Sets an option now, or as soon as the write under way has ended: while one is, Deno throws
 * "Unable to get resources".
 *
 * @throws {TypeError} If the connection is not one of TCP.
 */
export function setTcpOption(
  handle: StreamHandle,
  option: "setNoDelay" | "setKeepAlive",
  on: boolean,
): void {
  const native = handle.native as NativeTcp;
  if (typeof native[option] !== "function") {
    throw new TypeError(`Cannot ${option} on ${handle}: it is not a TCP connection`);
  }
  handle.writer.whenIdle(() => {
    if (!handle.closed) native[option](on);
  });
}

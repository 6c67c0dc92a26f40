/**
 * What a handle needs of the thing beneath it: Deno's connections and listeners fit as they are, and so
 * does anything made to look like them (a child's pipe, a network in memory).
 *
 * Contract: as on Deno, `close` makes what is pending reject, soon; a `read` gives `null` at the end
 * of the stream; a `write` may take less than it was given, but at least one byte of one or more; a write
 * of no bytes resolves when another would be taken, or at once where that cannot be told.
 */

/** Gives bytes. */
export interface NativeReader {
  /** Fills a part of `into`; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** Takes bytes. */
export interface NativeWriter {
  /** Takes a part of `data` and says how much. */
  write(data: Uint8Array): Promise<number>;
}

/** A connection. */
export interface NativeStream extends NativeReader, NativeWriter {
  /** Ends everything, now. */
  close(): void;
  /** Tells the other side that nothing more will be written. */
  closeWrite(): Promise<void>;
  /** Our side's address. */
  readonly localAddr: Deno.Addr;
  /** The other side's address. */
  readonly remoteAddr: Deno.Addr;
  /** Resolves when nothing of it is left after its close, where that takes more than the pending operations. */
  readonly settled?: Promise<void>;
}

/** Gives connections. */
export interface NativeListener {
  /** The next connection. */
  accept(): Promise<NativeStream>;
  /** Ends everything, now. */
  close(): void;
  /** Where it listens. */
  readonly addr: Deno.Addr;
}

/** Sends and receives datagrams. */
export interface NativeDatagram {
  /** The next datagram, cut at the length of `into`. */
  receive(into: Uint8Array): Promise<[Uint8Array, Deno.Addr]>;
  /** Sends one datagram. */
  send(data: Uint8Array, to: Deno.Addr): Promise<number>;
  /** Ends everything, now. */
  close(): void;
  /** Where it is bound. */
  readonly addr: Deno.Addr;
}

/** Closes a native handle that may have been closed behind our back. */
export function closeQuietly(native: { close(): void }): void {
  try {
    native.close();
  } catch {
    // Somebody closed the raw handle itself: then there is nothing left to close.
  }
}

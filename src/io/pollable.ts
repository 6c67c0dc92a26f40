/**
 * Readiness: how a handle tells the poll layer what could be done with it without waiting.
 *
 * Deno completes operations and knows no readiness, so a handle answers from what it holds. That
 * costs O(1) for each event and nothing for an idle handle: nobody walks handles to ask them.
 *
 * The poll layer's part. It calls {@linkcode Pollable.watch} once, reads `ready`, and where that
 * does not show what it is interested in, calls {@linkcode Pollable.arm}: the handle starts the native
 * read, or the write probe, that will tell. The watcher is called whenever `ready` has changed. Arming
 * is a request for one answer: once a change was reported and the result taken by someone, the
 * handle sits idle until it is armed again. So a registry looks again, before it waits, at those handles
 * only whose watcher was called, and arms those that are no longer ready.
 *
 * `ready` is made of the event bits of poll(2), with the values of Linux. `NVAL` is not among what a handle
 * reports: it means that there is no handle.
 */

/** Is told when a handle's readiness has changed. */
export interface Watcher {
  /**
   * Called after each change of `source.ready` or `source.closed`, and whenever more arrives or more
   * room is there although the bit was set before; from a promise callback, or from the call that
   * caused it. `fresh` has the bits of which there is news: the edges of an edge-triggered poll. `ready` is
   * `source.ready`, where the handle has computed it already.
   */
  readinessChanged(source: Pollable, fresh: number, ready?: number): void;
}

/** What every handle offers to the poll layer. */
export interface Pollable {
  /** Bits of `poll_bits.ts`, as Linux would report them if everything were asked for. */
  readonly ready: number;
  /** Whether it has been closed: then no bit means anything any more. */
  readonly closed: boolean;
  /**
   * Starts what must be started to learn more: a native read as long as the read-ahead has room (the end
   * and a failure of a connection are found by reading, so whatever is asked for), and with `OUT` a
   * write probe.
   */
  arm(interest: number): void;
  /** Calls `watcher` on every change from now on; several may watch. */
  watch(watcher: Watcher): void;
  /** Stops calling it. */
  unwatch(watcher: Watcher): void;
  /**
   * Calls `f` once, when it is closed, and is not watched by that. Every handle of weft's has it; one of
   * somebody else's may go without, and is looked at from time to time instead.
   */
  whenClosed?(f: () => void): void;
}

/** A socket or listener as the poll layer sees it: something that stands on a handle. */
export interface HasHandle {
  /** The handle. */
  readonly handle: Pollable;
}

/** There is something to read, or the end of the stream: a read would not wait. */
export const IN = 0x001;
/** Something urgent; no handle of Deno ever reports it. */
export const PRI = 0x002;
/** A write would not wait. */
export const OUT = 0x004;
/** The connection is broken. */
export const ERR = 0x008;
/** Both directions are over. */
export const HUP = 0x010;
/** Not an open handle. */
export const NVAL = 0x020;

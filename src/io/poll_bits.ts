/**
 * The event bits of poll(2), with the values of Linux: what a handle's `ready` is made of.
 *
 * `NVAL` is not among what a handle reports: it means that there is no handle.
 */

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

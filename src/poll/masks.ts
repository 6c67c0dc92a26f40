/**
 * The event masks of poll(2) and epoll(7), with the values they have on Linux, and their check.
 *
 * Linux ignores bits it does not know. Here they are refused: a mask with a stray bit is a mistake
 * (`POLLIN + POLLIN`, a mask of another system), and the program would wait for ever. `POLLERR`, `POLLHUP`
 * and `POLLNVAL` may be asked for, as on Linux, and are told whether asked for or not.
 */
import { show } from "../kernel/printable.ts";
import { ERR, HUP, IN, NVAL, OUT, PRI } from "../io/pollable.ts";

/** There is something to read: data, a connection to accept, a datagram, or the end of the stream. */
export const POLLIN: number = IN;
/** There is urgent data. May be asked for; Deno never shows any. */
export const POLLPRI: number = PRI;
/** A write would not wait. */
export const POLLOUT: number = OUT;
/** The connection is broken, and no call has reported that yet. Told whether asked for or not. */
export const POLLERR: number = ERR;
/** Both directions are over. Told whether asked for or not. */
export const POLLHUP: number = HUP;
/** No open handle has this descriptor. Told whether asked for or not, until it is unregistered. */
export const POLLNVAL: number = NVAL;
/**
 * One-shot, epoll's `EPOLLONESHOT`: after one answer the descriptor is silent until `modify` or
 * `register` is called for it again.
 */
export const POLLONESHOT: number = 1 << 30;
/**
 * Edge-triggered, epoll's `EPOLLET`: what has been told is told again only when there is news of it.
 * More arrived, or there is room again; an edge of one direction tells the level of both.
 */
export const POLLET: number = 2 ** 31;

/** What can be asked for. */
export const INTEREST: number = IN | PRI | OUT;
/** What is told whether asked for or not. */
export const UNASKED: number = ERR | HUP | NVAL;

const NAMES: readonly (readonly [string, number])[] = [
  ["POLLIN", POLLIN],
  ["POLLPRI", POLLPRI],
  ["POLLOUT", POLLOUT],
  ["POLLERR", POLLERR],
  ["POLLHUP", POLLHUP],
  ["POLLNVAL", POLLNVAL],
  ["POLLONESHOT", POLLONESHOT],
  ["POLLET", POLLET],
];
const KNOWN = NAMES.reduce((all, [, bit]) => all + bit, 0);

/**
 * Checks a mask, and gives it as an unsigned number: `POLLIN | POLLET` is negative in JavaScript, whose
 * bits are signed.
 *
 * @throws {TypeError} If it is not a whole number.
 * @throws {RangeError} If it has bits that mean nothing.
 */
export function checkMask(mask: number): number {
  if (!Number.isInteger(mask)) {
    throw new TypeError(
      `Cannot use ${show(mask)} as a mask: it must be a whole number, as in POLLIN | POLLOUT`,
    );
  }
  // A negative number is a mask only if POLLET, the sign bit, made it so: -1 has every bit.
  const unsigned = mask < 0 ? mask + 2 ** 32 : mask;
  if (unsigned >= 0 && unsigned < 2 ** 32 && (unsigned & ~KNOWN) === 0) return unsigned;
  throw new RangeError(
    `Cannot use ${mask} as a mask: it has bits other than ${
      NAMES.map(([name]) => name).join(", ")
    }`,
  );
}

/**
 * A mask in words, for messages and logs.
 *
 * @example
 * ```ts
 * import { describeMask, POLLHUP, POLLIN } from "@weft/weft";
 * if (describeMask(POLLIN | POLLHUP) !== "POLLIN|POLLHUP") throw new Error();
 * ```
 *
 * @param mask The mask.
 * @returns The names of its bits joined by `|`; `"0"` for none.
 */
export function describeMask(mask: number): string {
  if (typeof mask !== "number") {
    throw new TypeError(`Cannot describe ${show(mask)}: a mask is a number`);
  }
  return NAMES.filter(([, bit]) => (mask & bit) !== 0).map(([name]) => name).join("|") || "0";
}

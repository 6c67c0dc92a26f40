/** The checks of what a registry's callers give: descriptors and timeouts. */
import { show } from "../kernel/printable.ts";

/** The longest time in milliseconds, and the largest descriptor, that poll(2) takes. */
const LARGEST = 0x7fff_ffff;

/** Checks a descriptor given as a number. */
export function checkFd(fd: number): number {
  if (!Number.isInteger(fd)) {
    throw new TypeError(`Cannot use ${show(fd)} as a descriptor: it must be a whole number`);
  }
  if (fd >= 0 && fd <= LARGEST) return fd;
  throw new RangeError(`Cannot use ${fd} as a descriptor: it must be from 0 to ${LARGEST}`);
}

/** Checks a timeout; `Infinity` stands for none. */
export function checkTimeout(timeout: number | undefined): number {
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

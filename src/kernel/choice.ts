/**
 * The one source of free choices: which ready task runs, which of several due timers rings.
 *
 * Everything that could go either way asks `choose(n)` and nothing else, so that the answers are
 * the whole difference between two runs of one program: a seed replays them. The default always
 * answers 0, which is FIFO. `Math.random` anywhere in the kernel would break replay in silence.
 */
import { show } from "./printable.ts";

/** Answers a whole number from 0 to `n - 1`. */
export type Choose = (n: number) => number;

/** A repeatable stream of choices from a seed (xorshift32, Marsaglia 2003: small, and good enough to shuffle). */
export function seededChoose(seed: number): Choose {
  if (!Number.isSafeInteger(seed)) {
    throw new RangeError(`Cannot use ${show(seed)} as a seed: it must be a whole number`);
  }
  // Spread the seed's bits; the generator must not start at zero.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.floor(seed / 2 ** 32) || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

/**
 * The one source of free choices: which ready task runs, which of several due timers rings, in which order the
 * cases of a race are tried.
 *
 * Everything that could go either way asks `choose(n)` and nothing else, so that the answers are
 * the whole difference between two runs of one program: a seed replays them. The default always
 * answers 0, which is FIFO. `Math.random` anywhere in the kernel would break replay in silence.
 *
 * When several cases of a race may be ready, they are tried as they are listed, at first: that is what the
 * reader of a program expects. But a case that is always ready would starve those behind it, so a later choice
 * for the same thing begins behind the case that was taken last. What "the same" is, the first thing that outlives the choice says (a queue, a lock): so
 * two loops over other things do not disturb each other, and a run goes the same way every time. Under a
 * seed chance decides, as it does for every free choice.
 *
 * Rejected: chance without a seed, as in Go: a program would go another way each time it is run.
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

/** In which order the cases of a choice are tried, with the memory of one run. */
export class CaseOrder {
  readonly #choose: Choose | null;
  #lastTaken: WeakMap<object, number> | null = null;

  /** Without `choose`, in turn. */
  constructor(choose: Choose | null) {
    this.#choose = choose;
  }

  /** The order for `n` cases, of which `place` is the first that outlives them. */
  order(n: number, place: object): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    if (this.#choose !== null) return shuffled(order, this.#choose);
    const last = this.#lastTaken?.get(place);
    return last === undefined ? order : order.map((i) => (i + last + 1) % n);
  }

  /** Notes which was taken, of those that were ready. */
  taken(index: number, place: object): void {
    if (this.#choose === null) (this.#lastTaken ??= new WeakMap()).set(place, index);
  }
}

function shuffled(order: number[], choose: Choose): number[] {
  for (let left = order.length; left > 1; left--) {
    const picked = choose(left);
    [order[picked], order[left - 1]] = [order[left - 1]!, order[picked]!];
  }
  return order;
}

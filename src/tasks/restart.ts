/**
 * When something that failed is started again: after which delay, and how often before its supervisor gives up.
 */
import { Deque } from "../internal/deque.ts";
import {
  BOUND_OR_NONE,
  checkFunction,
  checkMs,
  checkOptions,
  checkWhole,
} from "../kernel/checks.ts";
import { show } from "../kernel/printable.ts";

/** How many restarts are too many. */
export interface Intensity {
  /** The most restarts, of all children together, that are put up with ... */
  restarts: number;
  /** ... within this many milliseconds. */
  within: number;
}

/** A restart, and the errors that led to it. */
export interface Incident {
  /** When, by the run's clock. */
  readonly at: number;
  /** None if a permanent child returned. */
  readonly errors: unknown[];
}

/** Checks an intensity and returns it. */
export function checkIntensity(intensity: Intensity): Intensity {
  const { restarts, within } = checkOptions(intensity, "an intensity");
  checkWhole(restarts, "allow", "restarts", BOUND_OR_NONE);
  return { restarts, within: checkMs(within, "a time to count restarts in") };
}

/** The restarts that are not forgotten yet. */
export class RestartLog {
  readonly #intensity: Intensity;
  readonly #incidents = new Deque<Incident>();

  /** An empty log. */
  constructor(intensity: Intensity) {
    this.#intensity = intensity;
  }

  /** Takes note of a restart. Returns whether it is one too many. */
  note(incident: Incident): boolean {
    const { restarts, within } = this.#intensity;
    if (restarts === Infinity) return false;
    while (this.#incidents.size > 0 && this.#incidents.at(0)!.at + within <= incident.at) {
      this.#incidents.shift();
    }
    this.#incidents.push(incident);
    return this.#incidents.size > restarts;
  }

  /** The errors of the restarts that are remembered, in the order in which they came. */
  get errors(): unknown[] {
    return [...this.#incidents].flatMap((incident) => incident.errors);
  }
}

/** Delays that grow with each failure in a row. */
export interface Backoff {
  /** The delay before the first restart, in milliseconds. */
  first: number;
  /** By what each further delay is longer than the one before. @default {2} */
  factor?: number;
  /**
   * The longest delay, in milliseconds. One that has run for as long as this without failing counts as
   * well again: its delays begin anew. @default {30_000}
   */
  max?: number;
  /**
   * How much of each delay is left to chance, from 0 to 1, so that many who failed at once do not come
   * back at once. With 0.2, a delay of 100 ms becomes one between 80 and 100 ms. @default {0}
   */
  jitter?: number;
  /** Where chance comes from: a number from 0 up to 1, as `Math.random` gives. @default Math.random */
  random?: () => number;
}

/** A back-off with every value in place. */
export type FullBackoff = Readonly<Required<Backoff>>;

const noDelay: FullBackoff = { first: 0, factor: 1, max: 0, jitter: 0, random: () => 0 };

/** Checks a back-off and fills it up; without one, there is no delay. */
export function checkBackoff(backoff: Backoff | undefined): FullBackoff {
  if (backoff === undefined) return noDelay;
  checkOptions(backoff, "a back-off");
  const { first, factor = 2, max = 30_000, jitter = 0, random = Math.random } = backoff;
  checkMs(first, "the first delay");
  checkMs(max, "the longest delay");
  if (typeof factor !== "number" || !(factor >= 1)) {
    throw new RangeError(`Cannot use ${show(factor)} as a factor of delays: it must be 1 or more`);
  }
  if (typeof jitter !== "number" || !(jitter >= 0 && jitter <= 1)) {
    throw new RangeError(`Cannot use ${show(jitter)} as jitter: it must be from 0 to 1`);
  }
  checkFunction(random, "a source of chance");
  return { first, factor, max, jitter, random };
}

/** Failures in a row, which make delays longer until a good while passes without any. */
export class Streak {
  readonly #backoff: FullBackoff;
  #failures = 0;
  #startedAt = 0;

  /** None yet. */
  constructor(backoff: FullBackoff) {
    this.#backoff = backoff;
  }

  /** It starts, or will start, at this time. */
  started(at: number): void {
    this.#startedAt = at;
  }

  /** Counts a failure at `now`, and returns how long to wait before the next start. */
  failed(now: number): number {
    const { first, factor, max, jitter, random } = this.#backoff;
    this.#failures = now - this.#startedAt >= max ? 1 : this.#failures + 1;
    // Not 0 * Infinity, which the power becomes in the end.
    const delay = first === 0 ? 0 : Math.min(max, first * factor ** (this.#failures - 1));
    return jitter === 0 ? delay : delay * (1 - jitter * random());
  }
}

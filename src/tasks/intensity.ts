/** How often a supervisor restarts before it gives up, and the memory that takes. */
import { Deque } from "../internal/deque.ts";
import { BOUND_OR_NONE, checkMs, checkOptions, checkWhole } from "../kernel/checks.ts";

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

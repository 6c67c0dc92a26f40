/**
 * What a server counts. The counts are numbers in a buffer, so that workers can each write their own part
 * of one that the server reads: one writer for each number, so nothing has to be locked.
 */

/** What a server has done and is doing. */
export interface ServerStatistics {
  /** Connections (or datagrams) that were taken. */
  readonly accepted: number;
  /** Those being served now. */
  readonly active: number;
  /** Those whose handler ended by itself. */
  readonly completed: number;
  /** Those whose handler failed. */
  readonly failed: number;
  /** Those ended by a time limit. */
  readonly timedOut: number;
  /** Those whose peer or network broke the connection. */
  readonly broken: number;
  /** Those cut off by the server's end, or by that of the worker that served them. */
  readonly cancelled: number;
  /** How often the host began to fail to give newcomers, and the server went on. */
  readonly acceptFailures: number;
}

/** The names of the counts, in the order in which they stand in a buffer. */
const NAMES = [
  "accepted",
  "active",
  "completed",
  "failed",
  "timedOut",
  "broken",
  "cancelled",
  "acceptFailures",
] as const satisfies readonly (keyof ServerStatistics)[];

/** How the serving of one connection has ended. */
export type HandlerOutcome = "completed" | "failed" | "timedOut" | "broken" | "cancelled";

/** The counts of one loop. */
export class ServerCounts {
  readonly #counts: Float64Array;

  /** Counts in `counts`, of {@linkcode ServerCounts.LENGTH} numbers. */
  constructor(counts: Float64Array = new Float64Array(NAMES.length)) {
    this.#counts = counts;
  }

  /** How many numbers there are. */
  static readonly LENGTH: number = NAMES.length;

  /** A newcomer was taken. */
  begin(): void {
    this.#add("accepted", 1);
    this.#add("active", 1);
  }

  /** It is not served any more. */
  end(how: HandlerOutcome): void {
    this.#add("active", -1);
    this.#add(how, 1);
  }

  /** The host failed to give one. */
  acceptFailed(): void {
    this.#add("acceptFailures", 1);
  }

  /** The worker that counted here has died, and what it served has ended with it. */
  abandon(): void {
    const active = this.#counts[NAMES.indexOf("active")]!;
    this.#add("active", -active);
    this.#add("cancelled", active);
  }

  /** The sums of the counts of several loops. */
  static sum(parts: readonly ServerCounts[]): ServerStatistics {
    const sums = {} as Record<keyof ServerStatistics, number>;
    for (const [i, name] of NAMES.entries()) {
      sums[name] = parts.reduce((sum, counts) => sum + counts.#counts[i]!, 0);
    }
    return Object.freeze(sums);
  }

  #add(name: keyof ServerStatistics, n: number): void {
    const i = NAMES.indexOf(name);
    this.#counts[i] = this.#counts[i]! + n;
  }
}

/** What a watchdog tells of blocks that are over. */
import { guarded } from "../../kernel/callback.ts";
import { withScope } from "../../kernel/context.ts";

/** How many records of blocks are kept: the latest. */
const KEPT = 1000;

/** A block that is over. */
export interface BlockReport {
  /** The name of the task. */
  readonly task: string;
  /** Where it was spawned, if that is known. */
  readonly spawnSite: string | undefined;
  /**
   * Whether the code ran in a step, or after a foreign `await`. Then, if several tasks were out and this
   * one has not come back yet, it may have been another of them.
   */
  readonly where: "step" | "foreign await";
  /** How long the loop was blocked, in milliseconds, as far as the worker saw: a look too short at most. */
  readonly ms: number;
  /** When it was over, in milliseconds since 1970. */
  readonly endedAt: number;
}

/** Keeps the records of blocks, and tells of each. */
export class BlockLog {
  readonly #onReport: ((report: BlockReport) => void) | undefined;
  #reports: BlockReport[] = [];
  #blocks = 0;
  #longestMs = 0;

  /** Nothing yet. `onReport` is called in nobody's scope, when the loop goes on. */
  constructor(onReport: ((report: BlockReport) => void) | undefined) {
    this.#onReport = onReport === undefined
      ? undefined
      : guarded(onReport, "The watchdog's onReport", (message) => console.warn(message));
  }

  /** The latest, in the order in which they ended. */
  get reports(): readonly BlockReport[] {
    return Object.freeze([...this.#reports]);
  }

  /** How many there were. */
  get blocks(): number {
    return this.#blocks;
  }

  /** The longest, in milliseconds. */
  get longestMs(): number {
    return this.#longestMs;
  }

  /** A block has ended just now. */
  add(block: Omit<BlockReport, "endedAt">): void {
    const report = Object.freeze({ ...block, endedAt: Date.now() });
    this.#blocks++;
    this.#longestMs = Math.max(this.#longestMs, report.ms);
    this.#reports.push(report);
    if (this.#reports.length > KEPT) this.#reports.shift();
    const tell = this.#onReport;
    if (tell !== undefined) withScope(null, () => queueMicrotask(() => tell(report)));
  }
}

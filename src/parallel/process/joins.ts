/** The joiners of a process. */
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";

/** A queue that tells when somebody came or went: a daemon keeps the host alive while it is joined. */
export class Joins extends WaitQueue<void> {
  readonly #changed: () => void;

  /** Nobody joins yet. */
  constructor(owner: { toString(): string }, changed: () => void) {
    super(owner, "join", "bound");
    this.#changed = changed;
  }

  /** Somebody came. */
  override park(wait: Wait<void>): void {
    super.park(wait);
    this.#changed();
  }

  /** Somebody went, woken or not. */
  override abandon(wait: Wait): boolean {
    super.abandon(wait);
    this.#changed();
    return true;
  }
}

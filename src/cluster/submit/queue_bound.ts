/** The bound on the jobs that wait here: kept by whoever asks, since `submit` never waits. */
import { WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import type { PendingJobs } from "./pending_jobs.ts";

/** The bound on the waiting jobs of one submitter. */
export class QueueBound {
  readonly #name: string;
  readonly #bound: number;
  readonly #pending: PendingJobs;
  readonly #waits: WaitQueue<void>;
  #end: Error | null = null;

  /** QueueBound for so many. */
  constructor(name: string, bound: number, pending: PendingJobs) {
    this.#name = name;
    this.#bound = bound;
    this.#pending = pending;
    this.#waits = new WaitQueue({ toString: () => name }, "ready", "bound");
  }

  /** Whether there is none. */
  get full(): boolean {
    return this.#pending.waiting >= this.#bound;
  }

  /**
   * Does nothing if there is room.
   *
   * @throws {WouldBlock} If not.
   */
  refuseIfFull(): void {
    if (!this.full) return;
    throw new WouldBlock(
      `Cannot submit to ${this.#name} now: ${this.#pending.waiting} jobs wait, and ${this.#bound} may`,
    );
  }

  /** Waits until there is room, or never will be. */
  ready(begin: () => void): Operation<void> {
    return operation(this.#waits, (wait: Wait<void>) => {
      if (this.#end !== null) throw this.#end;
      begin();
      if (this.full) this.#waits.park(wait);
      else wait.settle();
    });
  }

  /** Jobs have gone: those who wait go on, one for each place. */
  made(): void {
    for (let room = this.#bound - this.#pending.waiting; room > 0 && this.#waits.wake(); room--);
  }

  /** There will never be room. */
  shut(error: Error): void {
    this.#end ??= error;
    this.#waits.failAll(error);
  }
}

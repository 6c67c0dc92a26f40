/** The bound on the jobs that wait here: kept by whoever asks, since `submit` never waits. */
import { WouldBlock } from "../../kernel/errors.ts";
import { type Operation, operation } from "../../kernel/operation.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import type { Lines } from "./lines.ts";

/** The room in the lines of one submitter. */
export class Room {
  readonly #name: string;
  readonly #bound: number;
  readonly #lines: Lines;
  readonly #waits: WaitQueue<void>;
  #end: Error | null = null;

  /** Room for so many. */
  constructor(name: string, bound: number, lines: Lines) {
    this.#name = name;
    this.#bound = bound;
    this.#lines = lines;
    this.#waits = new WaitQueue({ toString: () => name }, "ready", "bound");
  }

  /** Whether there is none. */
  get full(): boolean {
    return this.#lines.waiting >= this.#bound;
  }

  /**
   * Does nothing if there is room.
   *
   * @throws {WouldBlock} If not.
   */
  refuseIfFull(): void {
    if (!this.full) return;
    throw new WouldBlock(
      `Cannot submit to ${this.#name} now: ${this.#lines.waiting} jobs wait, and ${this.#bound} may`,
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
    for (let room = this.#bound - this.#lines.waiting; room > 0 && this.#waits.wake(); room--);
  }

  /** There will never be room. */
  shut(error: Error): void {
    this.#end ??= error;
    this.#waits.failAll(error);
  }
}

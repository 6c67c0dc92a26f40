/**
 * Saying that something outside of the run will wake it.
 *
 * A run whose tasks all wait for one another is deadlocked, and the scheduler can tell, because every
 * wait says what part the host has in its end. A callback that feeds a queue is invisible to it: the wait
 * is for the queue. So the code that sets up such a callback says so, for as long as it may come.
 */
import { checkString } from "../kernel/checks.ts";
import { hold, letGo, type Resource } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import { currentTask } from "./run.ts";

/** While it is not closed, its run is not taken for deadlocked. Made by {@linkcode external}. */
export class External implements Disposable, Resource {
  readonly #name: string;
  readonly #scheduler: Scheduler;
  #closed = false;

  /** Made by {@linkcode external}. */
  constructor(name: string) {
    this.#name = name;
    this.#scheduler = schedulerOf(currentTask());
    this.#scheduler.expect(1);
    this.#scheduler.resources.add(this);
    hold(this);
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Says that nothing more will come from there. Closing again has no effect. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scheduler.expect(-1);
    this.#scheduler.resources.delete(this);
    letGo(this);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes it: its run has ended. */
  release(): void {
    this.close();
  }

  /** Its name. */
  toString(): string {
    return this.#name;
  }
}

/**
 * Says that something outside of the run, a callback that no operation knows of, may wake its tasks: until
 * it is closed, a stall is no deadlock. It does not keep the process alive; what calls back does.
 *
 * For events of an `EventTarget` there is {@linkcode eventsOf}, for a promise {@linkcode wait}; both say
 * so by themselves.
 *
 * @example A callback that feeds a queue
 * ```ts
 * import { external, Queue, run } from "@weft/weft";
 * const got = await run(async function* () {
 *   const queue = new Queue<number>();
 *   using _timer = external("a timer of the host");
 *   setTimeout(() => queue.tryPut(7), 1);
 *   return yield* queue.get();
 * });
 * if (got !== 7) throw new Error(String(got));
 * ```
 *
 * @param name What reports call it.
 * @returns To be closed, by `using` or `close()`, when nothing more will come; the end of the run does, too.
 * @throws {Error} If no task is running.
 */
export function external(name: string = "something outside"): External {
  return new External(checkString(name, "the name of what is external"));
}

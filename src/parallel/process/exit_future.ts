/** The end of a process, to be waited for in every way there is: as an operation, by a callback, by poll. */
import { callSafely, Links } from "../../kernel/callback.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import { type Operation, operation, sequence } from "../../kernel/operation.ts";
import { errorText } from "../../kernel/printable.ts";
import { checkFunction, checkMs } from "../../kernel/checks.ts";
import type { Wait } from "../../kernel/wait.ts";
import { WaitQueue } from "../../kernel/wait_queue.ts";
import { moveOnAfter } from "../../tasks/time.ts";
import { handleOf, type ReadyHandle } from "../shared/ready_handle.ts";

/** A queue that tells when a waiter comes or leaves: a daemon keeps the host alive while it is joined. */
class Joins extends WaitQueue<void> {
  readonly #changed: () => void;

  constructor(owner: { toString(): string }, changed: () => void) {
    super(owner, "join", "bound");
    this.#changed = changed;
  }

  override park(wait: Wait<void>): void {
    super.park(wait);
    this.#changed();
  }

  override abandon(wait: Wait): boolean {
    super.abandon(wait);
    this.#changed();
    return true;
  }
}

/**
 * The result of a process: its exit code. It never fails, and may be waited for before the process is
 * started. After Python's `Process.sentinel`, which also stands for the end of a process.
 *
 * @example The first of two processes
 * ```ts
 * import { connectionWait, jobs, WorkerProcess } from "@weft/weft";
 * const { rest } = jobs(import.meta, {
 *   rest: (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
 * });
 * if (import.meta.main) {
 *   const [slow, quick] = [5000, 1].map((ms) => new WorkerProcess({ target: rest, args: [ms] }));
 *   slow!.start();
 *   quick!.start();
 *   const ended = await connectionWait([slow!.exitFuture, quick!.exitFuture]);
 *   if (ended.length !== 1 || ended[0]!.value !== 0) throw new Error("the slow one was first");
 *   slow!.kill();
 * }
 * ```
 */
export class ExitFuture implements Operation<number> {
  readonly #name: () => string;
  readonly #joins: Joins;
  readonly #told = new Links<() => void>();
  #code: number | null = null;

  /** Made by the process; `changed` is called when somebody begins or ends waiting. */
  constructor(name: () => string, changed: () => void) {
    checkFunction(changed, "what hears of waiters");
    this.#name = checkFunction(name, "what names a process");
    this.#joins = new Joins({ toString: name }, changed);
  }

  /** Whether the process has ended. */
  get done(): boolean {
    return this.#code !== null;
  }

  /** The exit code; `undefined` before the end. */
  get value(): number | undefined {
    return this.#code ?? undefined;
  }

  /** For an {@linkcode EventRegistry}: ready (POLLIN) once the process has ended. */
  get handle(): ReadyHandle {
    return handleOf(this, (told) => this.#told.add(told, told));
  }

  /**
   * Waits for the exit code.
   *
   * @throws {TimeoutError} If `ms` have passed first.
   * @throws {RangeError} If `ms` is no time.
   */
  get(ms?: number): Operation<number> {
    if (ms !== undefined) checkMs(ms, "a timeout");
    const label = { toString: () => `${this}` };
    return sequence(label, () => this.#get(ms));
  }

  /** Calls `fn` with the exit code once the process has ended, at once if it has. */
  link(fn: (code: number) => void): void {
    const tell = (): void =>
      callSafely(() => fn(this.#code!), (error) => {
        console.error(`A link of ${this} threw: ${errorText(error)}`);
      });
    if (this.done) tell();
    else this.#told.add(fn, tell);
  }

  /** Forgets a callback that was given to {@linkcode link}, as often as it was; one never given is no error. */
  unlink(fn: (code: number) => void): void {
    this.#told.delete(fn);
  }

  /** For `yield*` in a `function*`. */
  [Symbol.iterator](): Iterator<unknown, number, unknown> {
    return this.get()[Symbol.iterator]();
  }

  /** For `yield*` in an `async function*`. */
  [Symbol.asyncIterator](): AsyncIterator<unknown, number, unknown> {
    return this.get()[Symbol.asyncIterator]();
  }

  /** For `await`. */
  then<A = number, B = never>(
    onValue?: ((value: number) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    return this.get().then(onValue, onError);
  }

  /** As in `Process-1.exitFuture`. */
  toString(): string {
    return `${this.#name()}.exitFuture`;
  }

  /** Whether anybody waits. For the process. */
  get isAwaited(): boolean {
    return this.#joins.size > 0;
  }

  /** Waits for the end, whatever comes of it. For the process. */
  end(): Operation<void> {
    return operation(this.#joins, (wait: Wait<void>) => {
      if (this.done) wait.settle();
      else this.#joins.park(wait);
    });
  }

  /** The process has ended. For the process. */
  settle(code: number): void {
    this.#code = code;
    this.#joins.wakeAll();
    this.#told.callAll((tell) => tell());
  }

  *#get(ms: number | undefined): Generator<unknown, number, unknown> {
    yield* ms === undefined ? this.end() : moveOnAfter(ms, this.end());
    if (this.#code === null) throw new TimeoutError(ms!, `${this}`);
    return this.#code;
  }
}

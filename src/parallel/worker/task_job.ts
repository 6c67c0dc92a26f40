/**
 * One job that is a task body, in its worker: a run of its own.
 *
 * A run each, not one for all: so a job is over when everything it has spawned is over, what it left
 * open is closed then, an error that nobody looked at is its own, and its locks and events still work
 * across the jobs of a worker, because waking a task of another run is no different. What a run of its
 * own cannot know is whether another job will wake it; so it counts as deadlocked only if its tasks wait
 * for one another in a circle.
 */
import { Entered } from "../../kernel/deadline.ts";
import { deadlockError } from "../../kernel/deadlock.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import { sequence } from "../../kernel/operation.ts";
import { RunLife } from "../../kernel/run_life.ts";
import type { Task } from "../../kernel/task.ts";
import { type EitherGenerator, perform } from "../../tasks/perform.ts";
import { JobOwner } from "./job_owner.ts";
import { makeJobSignal, type RunningJob } from "./job_signal.ts";
import type { StopSignal } from "../thread/stop_signal.ts";
import type { Call } from "./worker_function.ts";

/** Under this key the tasks of a job find its signal among their locals. */
export const signalKey: object = {};

class JobLife extends RunLife<unknown> {
  override stuck(): boolean {
    return deadlockError(this.scheduler.tasks()).cycles.length > 0 && super.stuck();
  }
}

/** What to call, and for how long at most. */
export interface TaskCall {
  /** The function's name. */
  readonly name: string;
  /** The function. */
  readonly call: Call;
  /** Its arguments. */
  readonly args: readonly unknown[];
  /** How many milliseconds it may take; 0 for any time. */
  readonly limit: number;
}

/** A task body on its way. */
export class TaskJob {
  /** Whose errors are its own. */
  readonly owner: JobOwner = new JobOwner();
  readonly #signal: StopSignal | null;
  #main: Task | null = null;
  #fail: ((error: unknown) => void) | null = null;
  #cancel: { readonly reason: unknown } | null = null;

  /** One that has not begun. The words that speak of it, or `null` if it came as a plain job. */
  constructor(words: RunningJob | null) {
    this.#signal = words === null ? null : makeJobSignal(words);
  }

  /** Runs it to the end of everything it has spawned. */
  async run(call: TaskCall): Promise<unknown> {
    if (this.#cancel !== null) throw this.#cancel.reason;
    const { name, args, limit } = call;
    const made = call.call(...args);
    if (!isGenerator(made)) return await made;
    const life = new JobLife();
    const main = this.#main = life.begin(limit === 0 ? made : this.#within(limit, name, made));
    main.name = name;
    if (this.#signal !== null) main.locals = new Map([[signalKey, this.#signal]]);
    try {
      return await new Promise((resolve, reject) => {
        this.#fail = reject;
        life.toEnd().then(resolve, reject);
      });
    } finally {
      this.#main = null;
      this.#signal?.end();
    }
  }

  /** Throws a `Cancelled` at what it waits for, and fires its signal. */
  cancel(reason: unknown): void {
    this.#cancel ??= { reason };
    this.#signal?.abort(reason);
    this.#main?.abort("explicit", reason);
  }

  /** An error of its own came up outside of every call: it fails with that, and stops. */
  fail(error: unknown): void {
    this.#fail?.(error);
    this.#main?.abort("explicit", error, error);
  }

  *#within(
    ms: number,
    name: string,
    work: EitherGenerator<unknown>,
  ): Generator<unknown, unknown, never> {
    const signal = this.#signal;
    return yield* sequence(name, function* (): Generator<unknown, unknown, unknown> {
      using entered = new Entered({ ms });
      try {
        return yield* perform(work);
      } catch (error) {
        entered.absorb(error);
        const late = new TimeoutError(ms, `job "${name}"`);
        signal?.abort(late);
        throw late;
      }
    }) as Iterable<unknown, unknown, never>;
  }
}

function isGenerator(value: unknown): value is EitherGenerator<unknown> {
  return typeof value === "object" && value !== null && "next" in value &&
    (Symbol.iterator in value || Symbol.asyncIterator in value);
}

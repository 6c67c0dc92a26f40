/**
 * The failures of a run's jobs that nobody has looked at.
 *
 * A future is no task: the run does not wait for it, and does not know of it. But an error must not
 * vanish because nobody happened to ask. So the futures submitted inside a run share a log, which the
 * run releases, with everything else it must give back, when it ends; whatever is in it then makes the
 * run reject. Futures submitted outside of every run do what promises do: an unhandled rejection.
 */
import { currentScope } from "../../kernel/context.ts";
import { combine } from "../../kernel/errors.ts";
import type { Resource } from "../../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../../kernel/scheduler.ts";

/** The run whose code is running, or `null`. */
export function currentRun(): Scheduler | null {
  const scope = currentScope();
  return scope === null ? null : schedulerOf(scope.task);
}

const logs = new WeakMap<Scheduler, FailureLog>();

/** Unobserved failures of the futures of one run. */
export class FailureLog implements Resource {
  readonly #failures = new Map<object, unknown>();
  #open = true;

  /** The log of a run. */
  static of(scheduler: Scheduler): FailureLog {
    let log = logs.get(scheduler);
    if (log === undefined) {
      logs.set(scheduler, log = new FailureLog());
      scheduler.resources.add(log);
    }
    return log;
  }

  /** Sees to it that `resource` is released before the failures are counted. */
  static after(resource: Resource, scheduler: Scheduler): void {
    const log = FailureLog.of(scheduler);
    scheduler.resources.add(resource);
    scheduler.resources.delete(log);
    scheduler.resources.add(log);
  }

  /** Takes a failure in. Returns `false` if the run is over. */
  add(future: object, error: unknown): boolean {
    if (this.#open) this.#failures.set(future, error);
    return this.#open;
  }

  /** Forgets one that somebody has seen. */
  observed(future: object): void {
    this.#failures.delete(future);
  }

  /** Throws what is left. */
  release(): void {
    this.#open = false;
    const errors = [...this.#failures.values()];
    this.#failures.clear();
    if (errors.length > 0) throw combine(errors, "the run's jobs");
  }

  /** Names it in reports. */
  toString(): string {
    return "the failures of jobs";
  }
}

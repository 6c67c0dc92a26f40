/** One place in a crew, and the worker that fills it at the moment. */
import { BusyError } from "../../kernel/errors.ts";
import { race } from "../../tasks/race.ts";
import { shield } from "../../tasks/cancel_scope.ts";
import type { Addressed } from "../jobs.ts";
import { WorkerProcess } from "./worker_process.ts";
import { SharedEvent } from "../shared/event.ts";
import { WorkerCrashedError } from "../worker_error.ts";

/** A job of a crew: it sets the event when it is ready. */
export type CrewJob<A extends readonly unknown[]> = Addressed<
  (ready: SharedEvent, ...args: A) => unknown
>;

/** A place that is always to be filled. */
export class CrewMember {
  /** How many workers it has had. */
  starts = 0;
  readonly #name: string;
  readonly #make: (ready: SharedEvent, name: string) => WorkerProcess;
  readonly #changed: () => void;
  #worker: WorkerProcess | null = null;
  #isExchanging = false;
  #error: unknown = undefined;

  /** An empty place; `changed` is called when its worker is ready, or is no more. */
  constructor(
    name: string,
    job: unknown,
    args: readonly unknown[],
    grace: number,
    changed: () => void,
  ) {
    this.#name = name;
    this.#changed = changed;
    this.#make = (ready, name) =>
      new WorkerProcess({
        target: job as CrewJob<readonly unknown[]>,
        args: [ready, ...args],
        name,
        daemon: true,
        grace,
        report: (error) => this.#error = error,
      }) as unknown as WorkerProcess;
  }

  /** Whether its worker is up. */
  get isReady(): boolean {
    return this.#worker !== null;
  }

  /** Fills the place, and sees that it stays filled: throws when the worker ends unasked. */
  *serve(): Generator<unknown, never, unknown> {
    this.#fill(yield* this.#start());
    try {
      for (;;) {
        const worker = this.#worker!;
        yield* worker.join();
        if (worker === this.#worker) throw this.#ended(worker);
      }
    } finally {
      const worker = this.#worker!;
      this.#fill(null);
      yield* shield(ending(worker));
    }
  }

  /** Puts another worker into the place while the old one still works, and ends that in order. */
  *exchange(): Generator<unknown, void, unknown> {
    if (this.#isExchanging) {
      throw new BusyError(`Cannot exchange ${this}: that is under way already`);
    }
    this.#isExchanging = true;
    try {
      const next = yield* this.#start();
      const old = this.#worker;
      if (old === null) return yield* ending(next)(); // the place was given up meanwhile
      this.#fill(next);
      yield* ending(old)();
    } finally {
      this.#isExchanging = false;
    }
  }

  /** As in `Crew#1[0]`. */
  toString(): string {
    return this.#name;
  }

  /** Starts a worker, and waits until it is ready. */
  *#start(): Generator<unknown, WorkerProcess, unknown> {
    const ready = new SharedEvent();
    const worker = this.#make(ready, `${this.#name}.${++this.starts}`);
    this.#error = undefined;
    worker.start();
    try {
      yield* race([ready.wait(), worker.join()]);
      if (!ready.isSet) throw this.#ended(worker);
      return worker;
    } catch (error) {
      yield* shield(ending(worker));
      throw error;
    }
  }

  #fill(worker: WorkerProcess | null): void {
    this.#worker = worker;
    this.#changed();
  }

  #ended(worker: WorkerProcess): WorkerCrashedError {
    const cause = this.#error;
    const why = cause instanceof Error ? `: ${cause.message}` : "";
    return new WorkerCrashedError(
      this.#name,
      `Cannot go on with ${worker}: it ended with exit code ${worker.exitCode}${why}`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/** Ends a worker in order, and by force when its time of grace is over. */
function ending(worker: WorkerProcess): () => Generator<unknown, void, unknown> {
  return function* () {
    worker.terminate();
    yield* worker.join();
  };
}

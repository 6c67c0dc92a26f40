/**
 * Whose an error is that comes up outside of every call: out of a timer, an event, a promise nobody
 * awaits.
 *
 * An async job that waits must hear of its own, or it would wait for ever; and must not hear of what a
 * job before it left behind. The host carries an `AsyncLocalStorage` along into microtasks, operations
 * and events, and tells it with the error. It has let go of it when a timer threw, so a hook notes it
 * as the timer begins. For an immediate neither works (measured on Deno 2.9): a job that uses some is
 * taken to own what has no owner.
 *
 * Loading this takes 2 ms of a worker's start, so it waits for the first async function.
 */
import type { AsyncLocalStorage } from "node:async_hooks";

/** Stands for one call of an async function, wherever its code goes on. */
export class JobOwner {
  /** Whether it has set an immediate. */
  usesImmediates = false;
}

/** Tells owners apart. */
export class OwnerWatch {
  readonly #storage: AsyncLocalStorage<JobOwner>;
  readonly #currentId: () => number;
  #timer: { readonly id: number; readonly owner: JobOwner | undefined } | null = null;

  private constructor(hooks: typeof import("node:async_hooks")) {
    this.#storage = new hooks.AsyncLocalStorage();
    this.#currentId = hooks.executionAsyncId;
    hooks.createHook({
      init: (_id, type) => {
        const owner = type === "Immediate" ? this.#storage.getStore() : undefined;
        if (owner !== undefined) owner.usesImmediates = true;
      },
      before: (id) => {
        this.#timer = { id, owner: this.#storage.getStore() };
      },
    }).enable();
  }

  /** Loads what it takes. */
  static async load(): Promise<OwnerWatch> {
    return new OwnerWatch(await import("node:async_hooks"));
  }

  /** Calls `f` so that whatever it sets going belongs to `owner`. */
  run<T>(owner: JobOwner, f: () => T): T {
    return this.#storage.run(owner, f);
  }

  /** Whether the error that is being told of is that of `owner`. */
  isErrorOf(owner: JobOwner): boolean {
    const timer = this.#timer;
    this.#timer = null;
    const found = this.#storage.getStore() ??
      (timer?.id === this.#currentId() ? timer.owner : undefined);
    return found === owner || (found === undefined && owner.usesImmediates);
  }
}

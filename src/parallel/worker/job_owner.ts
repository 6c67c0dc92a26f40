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

let loading: Promise<OwnerWatch> | null = null;

/** Tells owners apart. */
export class OwnerWatch {
  static #loaded: OwnerWatch | null = null;
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
  static load(): Promise<OwnerWatch> {
    return loading ??= import("node:async_hooks").then((hooks) =>
      OwnerWatch.#loaded = new OwnerWatch(hooks)
    );
  }

  /** The one of this realm, if it has been loaded. */
  static get loaded(): OwnerWatch | null {
    return OwnerWatch.#loaded;
  }

  /** Calls `f` so that whatever it sets going belongs to `owner`. */
  run<T>(owner: JobOwner, f: () => T): T {
    return this.#storage.run(owner, f);
  }

  /** Whose the error is that is being told of; `undefined` if that cannot be said. */
  ownerOfError(): JobOwner | undefined {
    const timer = this.#timer;
    this.#timer = null;
    return this.#storage.getStore() ??
      (timer?.id === this.#currentId() ? timer.owner : undefined);
  }
}

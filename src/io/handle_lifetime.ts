/**
 * A handle's hold on the host: who answers for it, and what of it is still pending there.
 *
 * A handle opened inside a task belongs to that task's run, which closes it at the end if nobody else
 * did; one opened outside belongs to whoever opened it. (Code outside of tasks that waits for a connect gets
 * a run for just that wait; such a run closes nothing.) Deno lets go of a port only after the accept
 * or receive that was pending at `close` has rejected; so a handle counts its native operations,
 * and it is gone only when it has been closed and that count is zero.
 */
import { currentScope } from "../kernel/context.ts";
import { hold, letGo, type Resource } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Party } from "../kernel/wait.ts";

/** Who counts the native operations of a handle. */
export interface Pending {
  /** A native operation has been started. */
  began(): void;
  /** A native operation has settled. */
  ended(): void;
}

/** The task whose run is to own what is being opened: the given one, or the current one. */
function ownerOf(party: Party | null | undefined): Task | null {
  return (party === undefined ? currentScope()?.task ?? null : party) as unknown as Task | null;
}

/** One handle's native operations, and its place in the lists of what is held. */
export class HandleLifetime implements Pending {
  readonly #resource: Resource;
  readonly #scheduler: Scheduler | null;
  #pending = 0;
  #closed = false;
  #gone: PromiseWithResolvers<void> | null = null;

  /**
   * Notes the resource as held.
   *
   * @param resource The handle.
   * @param owner The task in whose run it was opened, `null` for none; the current task if not given.
   */
  constructor(resource: Resource, owner?: Party | null) {
    this.#resource = resource;
    const task = ownerOf(owner);
    this.#scheduler = task === null ? null : schedulerOf(task);
    this.#scheduler?.resources.add(resource);
    hold(resource);
  }

  /** Whether it was closed and nothing is pending any more. */
  get over(): boolean {
    return this.#closed && this.#pending === 0;
  }

  /** How many native operations are under way. */
  get pending(): number {
    return this.#pending;
  }

  /** A native operation has been started. */
  began(): void {
    this.#pending++;
  }

  /** A native operation has settled. */
  ended(): void {
    this.#pending--;
    if (this.#closed && this.#pending === 0) this.#leave();
  }

  /** The native handle has been closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pending === 0) this.#leave();
  }

  /** Resolves once it was closed and nothing is pending any more. */
  get gone(): Promise<void> {
    if (this.over) return Promise.resolve();
    this.#gone ??= Promise.withResolvers<void>();
    return this.#gone.promise;
  }

  #leave(): void {
    this.#scheduler?.resources.delete(this.#resource);
    letGo(this.#resource);
    this.#gone?.resolve();
  }
}

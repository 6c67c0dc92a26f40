/**
 * The workers of a pool: hired when there is work, replaced when they crash, let go at the end.
 *
 * Hiring waits for work because a pool is often made at the top of a module, and workers import that
 * module, too: a pool that started its workers at once would start them without end.
 */
import { withScope } from "../kernel/context.ts";
import { WorkerHandle, type WorkerOwner } from "./worker_handle.ts";

/** The workers of one pool. */
export class Staff {
  /** How many workers there may be at a time. */
  readonly size: number;
  /** How many jobs each may be sent before it is replaced. */
  readonly recycle: number;
  /** Those that take jobs, or finish their last ones. */
  active: readonly WorkerHandle[] = [];
  readonly #name: string;
  readonly #owner: WorkerOwner;
  readonly #leaving = new Set<WorkerHandle>();
  #hired = 0;
  /** Whether the workers keep the process alive. */
  held = true;

  /** A staff of nobody yet. */
  constructor(name: string, size: number, recycle: number, owner: WorkerOwner) {
    this.#name = name;
    this.size = size;
    this.recycle = recycle;
    this.#owner = owner;
  }

  /** Whether no thread is left. */
  get empty(): boolean {
    return this.active.length + this.#leaving.size === 0;
  }

  /** Whether another worker may be hired. */
  get short(): boolean {
    return this.active.length < this.size;
  }

  /** How many workers were ever hired. */
  get hired(): number {
    return this.#hired;
  }

  /** How many jobs are with workers. */
  get owed(): number {
    let owed = 0;
    for (const handle of this.active) owed += handle.owed;
    return owed;
  }

  /** Starts a worker. */
  hire(): WorkerHandle {
    const name = `${this.#name} worker ${++this.#hired}`;
    // In nobody's scope: the worker's messages are not part of the task that happened to want it.
    const handle = withScope(null, () => new WorkerHandle(name, this.#owner));
    handle.hold(this.held);
    this.active = [...this.active, handle];
    return handle;
  }

  /** How many more jobs a worker may be sent before it has to go. */
  left(handle: WorkerHandle): number {
    return this.recycle - handle.sent;
  }

  /** Ends a worker. It no longer counts, though its thread may take a moment to go. */
  dismiss(handle: WorkerHandle): void {
    this.active = this.active.filter((one) => one !== handle);
    this.#leaving.add(handle);
    handle.end();
  }

  /** Ends all. */
  dismissAll(): void {
    for (const handle of this.active) this.dismiss(handle);
  }

  /** A thread is gone. */
  gone(handle: WorkerHandle): void {
    this.active = this.active.filter((one) => one !== handle);
    this.#leaving.delete(handle);
  }

  /** Lets the workers keep the process alive, or not. */
  hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    for (const handle of this.active) handle.hold(held);
  }
}

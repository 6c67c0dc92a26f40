/**
 * The workers of a pool: hired when there is work, replaced when they crash, let go when there has been
 * nothing to do for long, and at the end.
 *
 * Hiring waits for work because a pool is often made at the top of a module, and workers import that
 * module, too: a pool that started its workers at once would start them without end.
 */
import { withScope } from "../../kernel/context.ts";
import { WorkerHandle, type WorkerOwner, type WorkerTerms } from "./worker_handle.ts";

/** How many workers there are to be. */
export interface StaffSize {
  /** The most at a time. */
  readonly most: number;
  /** So many stay although there is nothing to do. */
  readonly least: number;
  /** How many jobs each may be sent before it is replaced. */
  readonly recycle: number;
}

/** The workers of one pool. */
export class Staff {
  /** How many workers there may be at a time. */
  size: number;
  /** How many of them stay although there is nothing to do. */
  readonly least: number;
  /** How many jobs each may be sent before it is replaced. */
  readonly recycle: number;
  /** Those that take jobs, or finish their last ones. */
  active: readonly WorkerHandle[] = [];
  readonly #name: string;
  readonly #terms: WorkerTerms;
  readonly #owner: WorkerOwner;
  readonly #leaving = new Set<WorkerHandle>();
  #hired = 0;
  /** Whether the workers keep the process alive. */
  held = true;

  /** A staff of nobody yet. */
  constructor(name: string, size: StaffSize, terms: WorkerTerms, owner: WorkerOwner) {
    this.#name = name;
    this.size = size.most;
    this.least = size.least;
    this.recycle = size.recycle;
    this.#terms = terms;
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
    for (const handle of this.active) owed += handle.owed + handle.tasks;
    return owed;
  }

  /** Starts a worker. */
  hire(): WorkerHandle {
    const name = `${this.#name} worker ${++this.#hired}`;
    // In nobody's scope: the worker's messages are not part of the task that happened to want it.
    const handle = withScope(null, () => new WorkerHandle(name, this.#terms, this.#owner));
    handle.hold(this.held);
    this.active = [...this.active, handle];
    return handle;
  }

  /** How many more jobs a worker may be sent before it has to go. */
  left(handle: WorkerHandle): number {
    return handle.retiring ? 0 : this.recycle - handle.sent;
  }

  /**
   * Changes how many workers there may be. Those too many go: idle ones now, others when they have done
   * what they have begun; what they have not begun is taken back.
   */
  resize(size: number): void {
    this.size = size;
    const byWork = this.active.toSorted((a, b) => rank(a) - rank(b));
    for (const [place, handle] of byWork.entries()) handle.retiring = place >= size;
    for (const handle of byWork.slice(size)) {
      for (const batch of handle.allBatches.toReversed()) batch.takeBack();
      if (!handle.busy) this.dismiss(handle);
    }
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

/** Whom to keep: those who can least be spared come first. */
function rank(handle: WorkerHandle): number {
  return handle.busy ? 0 : handle.state === "up" ? 1 : 2;
}

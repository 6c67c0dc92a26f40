/**
 * The workers of a pool: started when there is work, replaced when they crash, let go when there has
 * been nothing to do for long, and at the end.
 *
 * They start no sooner because a pool is often made at the top of a module, and workers import that
 * module, too: a pool that started its workers at once would start them without end.
 *
 * A worker takes 7 MB and starts in 10 ms, so a pool that is busy now and then does well to shrink in
 * between. Jobs go to the first idle worker there is; so the last ones idle longest, and go first. The
 * alarm does not keep the process alive: at its end every worker goes anyway.
 */
import { withScope } from "../../kernel/context.ts";
import type { WorkerTerms } from "./options.ts";
import { WorkerHandle, type WorkerOwner } from "./worker_handle.ts";
import { PoolTimers } from "./deadlines.ts";

/** Which workers there are to be. */
export interface WorkerSetSize {
  /** The pool's name. */
  readonly name: string;
  /** The most at a time. */
  readonly workers: number;
  /** So many stay although there is nothing to do. */
  readonly min: number;
  /** How many jobs each may be sent before it is replaced. */
  readonly recycle: number;
}

/** The workers of one pool. */
export class WorkerSet {
  /** How many workers there may be at a time. */
  size: number;
  /** How many of them stay although there is nothing to do. */
  readonly min: number;
  /** How many jobs each may be sent before it is replaced. */
  readonly recycle: number;
  /** Those that take jobs, or finish their last ones. */
  active: readonly WorkerHandle[] = [];
  readonly #name: string;
  readonly #terms: WorkerTerms;
  readonly #owner: WorkerOwner;
  readonly #leaving = new Set<WorkerHandle>();
  #started = 0;
  /** Whether the workers keep the process alive. */
  held = true;

  /** A worker set of nobody yet. */
  constructor(
    { name, workers, min, recycle }: WorkerSetSize,
    terms: WorkerTerms,
    owner: WorkerOwner,
  ) {
    this.#name = name;
    this.size = workers;
    this.min = min;
    this.recycle = recycle;
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
  get started(): number {
    return this.#started;
  }

  /** How many jobs are with workers. */
  get owed(): number {
    let owed = 0;
    for (const handle of this.active) owed += handle.owed + handle.tasks;
    return owed;
  }

  /** Starts a worker. */
  startWorker(): WorkerHandle {
    const name = `${this.#name} worker ${++this.#started}`;
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
      handle.takeBack();
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

/** Watches one worker set. */
export class IdleTimer {
  readonly #workerSet: WorkerSet;
  readonly #ms: number;
  readonly #timers = new PoolTimers({ idle: true });
  #set = false;

  /** Lets those go who have been idle for `ms`; nobody if that is `Infinity`. */
  constructor(workerSet: WorkerSet, ms: number) {
    this.#workerSet = workerSet;
    this.#ms = ms;
  }

  /** Something has changed: sees to it that idle workers are looked at in time. */
  look(): void {
    if (this.#set || this.#ms === Infinity) return;
    let longest = -1;
    for (const handle of this.#spare()) longest = Math.max(longest, handle.silence);
    if (longest < 0) return;
    this.#set = true;
    this.#timers.in(Math.max(0, this.#ms - longest), () => this.#ring());
  }

  /** Forgets everything. */
  clear(): void {
    this.#set = false;
    this.#timers.clear();
  }

  #ring(): void {
    this.#set = false;
    for (const handle of this.#spare()) {
      if (handle.silence >= this.#ms - 1) this.#workerSet.dismiss(handle); // a timer may be early by a fraction
    }
    this.look();
  }

  /** The idle ones that may go, the last ones first. */
  #spare(): WorkerHandle[] {
    const { active, min } = this.#workerSet;
    const idle = active.filter((handle) => handle.state === "up" && !handle.busy);
    return idle.toReversed().slice(0, Math.max(0, active.length - min));
  }
}

/**
 * What every handle is: something that a run holds until nothing of it is pending on the host any more,
 * that has a name, and whose readiness can be watched.
 *
 * A handle opened inside a task belongs to that task's run, which closes it at the end if nobody else did;
 * one opened outside belongs to the code that opened it. (Code outside of tasks that waits for a connect
 * gets a run for just that wait; such a run closes nothing.) Deno lets go of a port only after the accept
 * or receive that was pending at `close` has rejected; so a handle counts its native operations, and it is
 * gone only when it has been closed and that count is zero.
 *
 * {@linkcode Linger} closes what may still have something to write. What was handed over to a send before
 * `close` still goes out, as it would from a kernel's buffer: the native handle is closed once the write
 * buffer is empty. At the end of a run that goes on only while the other side keeps taking something, and
 * for {@linkcode LINGER_MS} without progress at most; so a peer that never reads cannot hold the end of a
 * run up.
 *
 * Rejected: a lifetime and a list of watchers as objects that a handle holds. That made two objects more for
 * each connection, and each kind of handle passed the same seven calls on to them.
 */
import { SystemClock } from "../kernel/clock.ts";
import { currentScope } from "../kernel/context.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { allResources, type Resource, type ResourcePlace } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import type { Pollable, Watcher } from "./pollable.ts";
import type { Timeout } from "./waiting.ts";

/** Who counts the native operations of a handle. */
export interface PendingOperations {
  /** A native operation has been started. */
  began(): void;
  /** A native operation has settled. */
  ended(): void;
}

/** The task whose run is to own what is being opened: the given one, or the current one. */
function ownerOf(task: Task | null | undefined): Task | null {
  return task === undefined ? currentScope()?.task ?? null : task;
}

/**
 * Something on the host: its native operations, and its place in the lists of what is held.
 *
 * @internal
 */
export abstract class HandleLifetime implements Resource, PendingOperations {
  readonly #scheduler: Scheduler | null;
  readonly #place: ResourcePlace;
  readonly #placeInRun: ResourcePlace | null;
  #pending = 0;
  #isLetGo = false;
  #gone: PromiseWithResolvers<void> | null = null;

  /**
   * Notes it as held.
   *
   * @param owner The task in whose run it is opened, `null` for none; the current task if not given.
   */
  constructor(owner?: Task | null) {
    const task = ownerOf(owner);
    this.#scheduler = task === null ? null : schedulerOf(task);
    this.#placeInRun = this.#scheduler?.resources.enter(this) ?? null;
    this.#place = allResources().enter(this);
  }

  /** Lets go of the host; resolves when nothing is pending any more. */
  abstract release(): void | Promise<void>;

  /** A native operation has been started. */
  began(): void {
    this.#pending++;
  }

  /** A native operation has settled. */
  ended(): void {
    this.#pending--;
    if (this.#isLetGo && this.#pending === 0) this.#leave();
  }

  /** The native handle has been closed: it is gone when nothing is pending any more. */
  letGo(): void {
    if (this.#isLetGo) return;
    this.#isLetGo = true;
    if (this.#pending === 0) this.#leave();
  }

  /** Resolves when it has been closed and nothing of it is pending any more: its address is free. */
  get gone(): Promise<void> {
    if (this.#isLetGo && this.#pending === 0) return Promise.resolve();
    this.#gone ??= Promise.withResolvers<void>();
    return this.#gone.promise;
  }

  #leave(): void {
    if (this.#placeInRun !== null) this.#scheduler!.resources.leave(this.#placeInRun);
    allResources().leave(this.#place);
    this.#gone?.resolve();
  }
}

/**
 * A handle: its name, its lifetime, and who watches its readiness.
 *
 * @internal
 */
export abstract class Handle extends HandleLifetime implements Pollable {
  /** What could be done with it without waiting, in the bits of poll(2). */
  abstract readonly ready: number;
  abstract readonly closed: boolean;
  /** How many milliseconds each operation on it may wait; `undefined` for no limit. */
  timeout: Timeout = undefined;
  readonly #name: string;
  #watcher: Watcher | null = null;
  /** All of them, where there is more than one. */
  #watchers: Set<Watcher> | null = null;
  #atClose: (() => void)[] | null = null;
  /** What the watchers were told last. */
  #bits = 0;
  #wasClosed = false;

  /**
   * A handle that is open.
   *
   * @param name What reports call it.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(name: string, owner?: Task | null) {
    super(owner);
    this.#name = name;
  }

  /** Starts what will tell more of its readiness. */
  abstract arm(interest: number): void;

  abstract close(): void;

  /** Closes it, and resolves when nothing of it is left. */
  release(): Promise<void> {
    this.close();
    return this.gone;
  }

  /** Whether anybody watches. */
  get isWatched(): boolean {
    return this.#watcher !== null || this.#watchers !== null;
  }

  /** Tells `watcher` of changes. */
  watch(watcher: Watcher): void {
    this.#bits = this.ready;
    if (!this.isWatched) this.#watcher = watcher;
    else if (this.#watcher !== watcher) {
      this.#watchers ??= new Set(this.#watcher === null ? [] : [this.#watcher]);
      this.#watcher = null;
      this.#watchers.add(watcher);
    }
  }

  /** Stops telling it. */
  unwatch(watcher: Watcher): void {
    if (this.#watcher === watcher) this.#watcher = null;
    else if (this.#watchers?.delete(watcher) && this.#watchers.size === 0) this.#watchers = null;
  }

  /** Calls `f` when it is closed. */
  whenClosed(f: () => void): void {
    (this.#atClose ??= []).push(f);
  }

  /** To be called wherever the bits may have changed, or something is new about those in `fresh`. */
  changed(fresh = 0): void {
    if (this.#atClose !== null && this.closed) this.#tellClose();
    if (this.#watcher === null && this.#watchers === null) return;
    const { ready, closed } = this;
    const news = fresh | (ready & ~this.#bits);
    if (ready === this.#bits && news === 0 && closed === this.#wasClosed) return;
    this.#bits = ready;
    this.#wasClosed = closed;
    if (this.#watcher !== null) this.#watcher.readinessChanged(this, news, ready);
    else for (const watcher of [...this.#watchers!]) watcher.readinessChanged(this, news, ready);
  }

  override toString(): string {
    return this.#name;
  }

  #tellClose(): void {
    const told = this.#atClose!;
    this.#atClose = null;
    for (const f of told) f();
  }
}

/** How long a handle whose run has ended waits for the other side to take more of what is buffered. */
const LINGER_MS = 1000;

/** How the end of a handle goes: writing what is left, then closed. */
type LingerState = "closing" | "closed";

/** What may still have something to write. */
export interface Draining {
  /** How many bytes wait to be written. */
  readonly buffered: number;
  /** How many bytes the host has taken, in all. */
  readonly written: number;
  /** Calls `f` when no native write is under way. */
  whenIdle(f: () => void): void;
}

/** The end of one handle, from when that begins. */
export class Linger {
  readonly #writer: Draining;
  readonly #close: () => void;
  #life: LingerState = "closing";
  #clock: SystemClock | null = null;

  /**
   * An end that has just begun.
   *
   * @param writer What may still hold something.
   * @param close Closes the native handle; called once.
   */
  constructor(writer: Draining, close: () => void) {
    this.#writer = writer;
    this.#close = close;
  }

  /** Closes the native handle when nothing is left to write; the writer takes nothing more. */
  go(): void {
    if (this.#writer.buffered === 0) this.#finish();
    else this.#writer.whenIdle(() => this.#finish());
  }

  /** Closes it anyhow when time passes without progress. */
  hurry(): void {
    if (this.#life !== "closing") return;
    const { written } = this.#writer;
    this.#clock ??= new SystemClock();
    this.#clock.setAlarm(this.#clock.now() + LINGER_MS, () => {
      if (this.#writer.written === written) this.#finish();
      else this.hurry();
    });
  }

  #finish(): void {
    if (this.#life === "closed") return;
    this.#life = "closed";
    this.#clock?.clearAlarm();
    this.#close();
  }
}

/** What can be closed. */
export interface Closable {
  close(): void;
  /** Resolves when it is done. */
  readonly gone: Promise<void>;
}

/** What waits until the host has let go of a handle. */
class Closing implements WaitSource {
  readonly host = "bound";
  readonly #handle: Closable;

  constructor(handle: Closable) {
    this.#handle = handle;
  }

  begin(wait: Wait<void>): void {
    wait.park(this);
    this.#handle.gone.then(() => wait.settle());
  }

  abandon(): boolean {
    return true;
  }

  toString(): string {
    return `${this.#handle}.close()`;
  }
}

const OPTIONAL = { optional: true };

/** Closes a handle now; the operation waits until the host has let go of it. */
export function closing(handle: Closable): Operation<void> {
  handle.close();
  const source = new Closing(handle);
  return operation(source, (wait: Wait<void>) => source.begin(wait), OPTIONAL);
}

/**
 * A handle's lifetime: who answers for it, what of it is still pending on the host, and how it ends.
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
 */
import { SystemClock } from "../kernel/clock.ts";
import { currentScope } from "../kernel/context.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import { hold, letGo, type Resource } from "../kernel/resource.ts";
import { type Scheduler, schedulerOf } from "../kernel/scheduler.ts";
import type { Task } from "../kernel/task.ts";
import type { Party, Wait, WaitSource } from "../kernel/wait.ts";

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

/** How long a handle whose run has ended waits for the other side to take more of what is buffered. */
const LINGER_MS = 1000;

/** How the end of a handle goes: open, then writing what is left, then closed. */
type Life = "open" | "closing" | "closed";

/** What may still have something to write. */
export interface Draining {
  /** How many bytes wait to be written. */
  readonly buffered: number;
  /** How many bytes the host has taken, in all. */
  readonly written: number;
  /** Calls `f` when no native write is under way. */
  whenIdle(f: () => void): void;
}

/** The end of one handle. */
export class Linger {
  readonly #writer: Draining;
  readonly #close: () => void;
  #life: Life = "open";
  #clock: SystemClock | null = null;

  /**
   * A handle that is open.
   *
   * @param writer What may still hold something.
   * @param close Closes the native handle; called once.
   */
  constructor(writer: Draining, close: () => void) {
    this.#writer = writer;
    this.#close = close;
  }

  /** Whether the end has begun. */
  get begun(): boolean {
    return this.#life !== "open";
  }

  /** The end begins: from now on the handle counts as closed. */
  begin(): void {
    if (this.#life === "open") this.#life = "closing";
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
  /** Starts closing. */
  close(): void;
  /** Resolves when it is done. */
  readonly gone: Promise<void>;
}

/** Closes a handle now; the operation waits until the host has let go of it. */
export function closing(handle: Closable): Operation<void> {
  handle.close();
  const source: WaitSource = {
    host: "bound",
    abandon: () => true,
    toString: () => `${handle}.close()`,
  };
  return operation(source, (wait: Wait<void>) => {
    wait.park(source);
    handle.gone.then(() => wait.settle());
  }, { optional: true });
}

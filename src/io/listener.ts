/**
 * A listener handle: one native accept at a time, and the connection it brought until somebody takes it.
 *
 * As with a stream's reads, an accept is issued only when somebody waits, tries or polls; connections
 * queue up in the host's backlog. An accept whose waiter was cancelled stays in flight, and its
 * connection goes to the next who accepts.
 */
import { ClosedError, WouldBlock } from "../kernel/errors.ts";
import type { Wait } from "../kernel/wait.ts";
import { SingleWaiter, type Timeout } from "./waiting.ts";
import { closeQuietly, type NativeListener, type NativeStream } from "./native.ts";
import { IN } from "./pollable.ts";
import { Handle } from "./handle.ts";
import type { Task } from "../kernel/task.ts";

/** The result of the last native accept, if nobody has taken it yet. */
type AcceptOutcome = { kind: "stream"; native: NativeStream } | { kind: "error"; error: unknown };

/** A listener with an accept-ahead of one connection. */
export class ListenerHandle<S> extends Handle {
  readonly #native: NativeListener;
  readonly #wrap: (native: NativeStream, owner: Task | null | undefined) => S;
  readonly #waiter: SingleWaiter<S>;
  #outcome: AcceptOutcome | null = null;
  #accepting = false;
  #closed: ClosedError | null = null;
  /** Takes what an accept brings that was under way when it closed. */
  #keep: ((outcome: AcceptOutcome) => void) | null = null;

  /**
   * Takes a native listener over; nothing else may use it from now on.
   *
   * @param native The listener.
   * @param name What reports call it.
   * @param wrap Makes what `accept` gives of a connection, for the task that accepted it.
   * @param owner The task in whose run it is opened; the current one if not given.
   */
  constructor(
    native: NativeListener,
    name: string,
    wrap: (native: NativeStream, owner: Task | null | undefined) => S,
    owner?: Task | null,
  ) {
    super(name, owner);
    this.#native = native;
    this.#wrap = wrap;
    this.#waiter = new SingleWaiter(this, "accept");
  }

  /** The listener beneath. */
  get native(): NativeListener {
    return this.#native;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** `IN` when a connection can be taken. */
  get ready(): number {
    return this.#outcome !== null ? IN : 0;
  }

  /** Begins an accept for a wait; the connection belongs to its task's run. */
  begin(wait: Wait<S>, timeout: Timeout): void {
    if (this.#closed !== null) throw this.#closed;
    this.#waiter.check();
    if (this.#outcome !== null) return wait.settle(this.#take(wait.task));
    this.#accept();
    this.#waiter.park(wait, timeout);
  }

  /** Takes a connection that is there; starts an accept if there is none. */
  tryAccept(): S {
    if (this.#closed !== null) throw this.#closed;
    this.#waiter.check();
    if (this.#outcome !== null) return this.#take(undefined);
    this.#accept();
    throw new WouldBlock(`Cannot accept on ${this} now: nobody has connected`);
  }

  /** Starts an accept unless there is a connection to take already. */
  arm(_interest: number): void {
    if (this.#closed === null && this.#outcome === null) this.#accept();
  }

  /** Closes it. A connection that was accepted and not taken is closed too. */
  close(): void {
    if (this.#closed !== null) return;
    const error = this.#closed = new ClosedError(`Cannot accept on ${this}: it is closed`);
    closeQuietly(this.#native);
    if (this.#outcome?.kind === "stream") closeQuietly(this.#outcome.native);
    this.#outcome = null;
    this.#waiter.leave()?.fail(error);
    this.letGo();
    this.changed();
  }

  /**
   * Closes it, and resolves when the host has closed it, too: with the connections that nobody has taken
   * and that an accept under way has still brought. They belong to `owner`'s run.
   */
  async closeKeeping(owner: Task | null): Promise<S[]> {
    const kept: AcceptOutcome[] = this.#outcome === null ? [] : [this.#outcome];
    this.#outcome = null;
    this.#keep = (outcome) => void kept.push(outcome);
    await this.release();
    return kept.flatMap((one) => one.kind === "stream" ? [this.#wrap(one.native, owner)] : []);
  }

  #accept(): void {
    if (this.#accepting) return;
    this.#accepting = true;
    this.began();
    this.#native.accept().then(
      (native) => this.#came({ kind: "stream", native }),
      (error) => this.#came({ kind: "error", error }),
    );
  }

  #came(outcome: AcceptOutcome): void {
    this.#accepting = false;
    if (this.#closed !== null && this.#keep !== null) this.#keep(outcome);
    else if (this.#closed !== null && outcome.kind === "stream") closeQuietly(outcome.native);
    this.ended();
    if (this.#closed !== null) return;
    // A connection that its peer reset while it stood in the queue. Linux would hand it out; Deno 2.9
    // makes an error of it, which says nothing of the listener: an accept loop must not end by it.
    if (outcome.kind === "error" && outcome.error instanceof Deno.errors.NotConnected) {
      return this.#accept();
    }
    this.#outcome = outcome;
    const wait = this.#waiter.leave();
    if (wait === null) return this.changed(IN);
    try {
      wait.settle(this.#take(wait.task));
    } catch (error) {
      wait.fail(error);
    }
  }

  /** Hands out the connection, or throws the error, of the last accept. */
  #take(owner: Task | null | undefined): S {
    const outcome = this.#outcome!;
    this.#outcome = null;
    this.changed();
    if (outcome.kind === "error") throw outcome.error;
    return this.#wrap(outcome.native, owner);
  }
}

/** By these the listener itself says that it is none (any more). */
const LISTENER_ERRORS: ReadonlySet<unknown> = new Set(["EBADF", "EINVAL", "ENOTSOCK", "EFAULT"]);

/** Whether accepting may go on after this error. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Deno 2.9 says so of an accept that a signal interrupted (EINTR). Where the listener was closed
  // behind our back, the next try says "Bad resource ID".
  if (error instanceof Deno.errors.BadResource) return error.message.includes("has been closed");
  const code = "code" in error ? error.code : undefined;
  if (typeof code !== "string" && !/\(os error \d+\)/.test(error.message)) return false;
  return !LISTENER_ERRORS.has(code);
}

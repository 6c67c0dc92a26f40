/** A connect under way: the run it belongs to waits for it, or stops it, before it ends. */
import type { Resource } from "../kernel/resource.ts";
import type { Timer } from "../kernel/timers.ts";
import type { Wait, WaitSource } from "../kernel/wait.ts";
import { startTimeout, stopTimeout, type Timeout } from "./wait_timeout.ts";
import { closeQuietly, type NativeStream } from "./native.ts";
import { type ConnectTarget, openStream } from "./open.ts";
import { HandleLifetime } from "./handle_lifetime.ts";

/** One attempt to connect. */
export class Connecting<S> implements WaitSource, Resource {
  /** It succeeds or fails. */
  readonly host = "bound";
  readonly #where: string;
  readonly #controller = new AbortController();
  readonly #lifetime: HandleLifetime;
  #timer: Timer | null = null;

  /**
   * Starts to connect, and parks the wait until that has come to something.
   *
   * @param wait Who waits.
   * @param target Where to.
   * @param where The same, for reports.
   * @param timeout How long it may take.
   * @param wrap Makes what the wait gets of the connection.
   */
  constructor(
    wait: Wait<S>,
    target: ConnectTarget,
    where: string,
    timeout: Timeout,
    wrap: (native: NativeStream) => S,
  ) {
    this.#where = where;
    this.#lifetime = new HandleLifetime(this, wait.task);
    this.#lifetime.began();
    this.#lifetime.close();
    wait.park(this);
    if (timeout !== undefined) this.#timer = startTimeout(wait, this, timeout);
    openStream(target, this.#controller.signal).then(
      (native) => {
        this.#over(wait);
        if (wait.done) closeQuietly(native);
        else wait.settle(wrap(native));
      },
      (error) => {
        this.#over(wait);
        wait.fail(error);
      },
    );
  }

  /** Stops it; a connection that comes nevertheless is closed. */
  abandon(wait: Wait): boolean {
    stopTimeout(wait, this.#timer);
    this.#controller.abort();
    return true;
  }

  /** Stops it, and resolves when nothing of it is left. */
  release(): Promise<void> {
    this.#controller.abort();
    return this.#lifetime.gone;
  }

  /** Names the wait in reports. */
  toString(): string {
    return `connect(${this.#where})`;
  }

  #over(wait: Wait<S>): void {
    stopTimeout(wait, this.#timer);
    this.#lifetime.ended();
  }
}

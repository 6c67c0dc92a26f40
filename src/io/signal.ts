/** Signals of the operating system as a source of events. */
import { listenForSignal } from "../kernel/host_signal.ts";
import type { EventOrigin } from "./events.ts";
import { KeepAlive } from "./keep_alive.ts";

/** Listens for signals; the same signal twice before it was taken is one event, as in a kernel. */
export class SignalOrigin implements EventOrigin<Deno.Signal> {
  readonly #pending = new Set<Deno.Signal>();
  readonly #silence: (() => void)[] = [];
  readonly #keepAlive = new KeepAlive();

  /**
   * Starts to listen.
   *
   * @param names The signals; from now on they do nothing but this.
   * @param came Called when one has come.
   */
  constructor(names: readonly Deno.Signal[], came: () => void) {
    try {
      for (const name of new Set(names)) {
        const silence = listenForSignal(name, () => {
          this.#pending.add(name);
          came();
        });
        this.#silence.push(silence);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether one has come. */
  get some(): boolean {
    return this.#pending.size > 0;
  }

  /** Takes the one that came first. */
  take(): Deno.Signal {
    const [name] = this.#pending;
    this.#pending.delete(name!);
    return name!;
  }

  /** Keeps the process alive while somebody waits: a signal listener alone does not. */
  awaited(on: boolean): void {
    this.#keepAlive.set(on);
  }

  /** Stops listening: the signals do what they did before. */
  close(): void {
    for (const silence of this.#silence.splice(0)) silence();
    this.#pending.clear();
    this.#keepAlive.set(false);
  }
}

/**
 * Signals of the operating system as a source of events.
 *
 * Deno lets a process end that only listens for signals. So a task that waits for one keeps it alive.
 */
import { SystemClock } from "../kernel/clock.ts";
import { listenForSignal } from "../kernel/host_signal.ts";
import type { EventOrigin } from "./events.ts";

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

/** About a day: an alarm that is set again before anybody could notice it. */
const LONG_MS = 86_400_000;

/** A hold on the process. */
export class KeepAlive {
  readonly #clock = new SystemClock();
  #on = false;

  /** Holds the process, or lets it go. */
  set(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    if (on) this.#again();
    else this.#clock.clearAlarm();
  }

  #again(): void {
    this.#clock.setAlarm(this.#clock.now() + LONG_MS, () => this.#again());
  }
}

/**
 * Keeping the process alive for what Deno does not count: a signal listener alone lets it end.
 */
import { SystemClock } from "../kernel/clock.ts";

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

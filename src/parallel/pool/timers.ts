/** Deadlines of a pool: a handful at a time, behind the one alarm of a clock. */
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";

/** Things to look at later. They keep the process alive while they are due. */
export class PoolTimers {
  readonly #clock = new SystemClock();
  #entries: { readonly at: number; readonly act: () => void }[] = [];

  /** Calls `act` once, `ms` from now. */
  in(ms: number, act: () => void): void {
    this.#entries.push({ at: this.#clock.now() + ms, act });
    this.#setAlarm();
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries = [];
    this.#clock.clearAlarm();
  }

  #setAlarm(): void {
    let next = Infinity;
    for (const { at } of this.#entries) next = Math.min(next, at);
    // In nobody's scope: what is due is not part of the task that happened to set the alarm.
    if (next < Infinity) withScope(null, () => this.#clock.setAlarm(next, () => this.#ring()));
  }

  #ring(): void {
    const now = this.#clock.now();
    const due = this.#entries.filter(({ at }) => at <= now);
    this.#entries = this.#entries.filter(({ at }) => at > now);
    this.#setAlarm();
    for (const { act } of due) act();
  }
}

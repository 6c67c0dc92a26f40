/**
 * Lets workers go that have had nothing to do for a while.
 *
 * A worker takes 7 MB and starts in 10 ms, so a pool that is busy now and then does well to shrink in
 * between. Jobs go to the first idle worker there is; so the last ones idle longest, and go first. The
 * alarm does not keep the process alive: at its end every worker goes anyway.
 */
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";
import type { Staff } from "./staff.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** Watches one staff. */
export class IdleWatch {
  readonly #staff: Staff;
  readonly #ms: number;
  readonly #clock = new SystemClock({ idle: true });
  #set = false;

  /** Lets those go who have been idle for `ms`; nobody if that is `Infinity`. */
  constructor(staff: Staff, ms: number) {
    this.#staff = staff;
    this.#ms = ms;
  }

  /** Something has changed: sees to it that idle workers are looked at in time. */
  look(): void {
    if (this.#set || this.#ms === Infinity) return;
    let longest = -1;
    for (const handle of this.#spare()) longest = Math.max(longest, handle.silence);
    if (longest < 0) return;
    this.#set = true;
    const at = this.#clock.now() + Math.max(0, this.#ms - longest);
    withScope(null, () => this.#clock.setAlarm(at, () => this.#ring()));
  }

  /** Forgets everything. */
  clear(): void {
    this.#set = false;
    this.#clock.clearAlarm();
  }

  #ring(): void {
    this.#set = false;
    for (const handle of this.#spare()) {
      if (handle.silence >= this.#ms - 1) this.#staff.dismiss(handle); // a timer may be early by a fraction
    }
    this.look();
  }

  /** The idle ones that may go, the last ones first. */
  #spare(): WorkerHandle[] {
    const { active, least } = this.#staff;
    const idle = active.filter((handle) => handle.state === "up" && !handle.busy);
    return idle.toReversed().slice(0, Math.max(0, active.length - least));
  }
}

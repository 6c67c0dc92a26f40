/**
 * Something that is looked at again and again. It does not keep the process alive: the connection does.
 */
import { SystemClock } from "../../kernel/clock.ts";
import { withScope } from "../../kernel/context.ts";

/** Calls a function at intervals until it is stopped; each call begins after the last has ended. */
export class Ticker {
  readonly #clock = new SystemClock({ idle: true });
  readonly #ms: number;
  readonly #act: () => void | Promise<void>;
  #stopped = false;

  /** Begins. What `act` throws, or its promise rejects with, is no reason to stop. */
  constructor(ms: number, act: () => void | Promise<void>) {
    this.#ms = ms;
    this.#act = act;
    this.#set();
  }

  /** Ends it; a call that is under way goes on. */
  stop(): void {
    this.#stopped = true;
    this.#clock.clearAlarm();
  }

  #set(): void {
    if (this.#stopped) return;
    // In nobody's scope: it is not part of the task that happened to begin it.
    withScope(
      null,
      () => this.#clock.setAlarm(this.#clock.now() + this.#ms, () => void this.#ring()),
    );
  }

  async #ring(): Promise<void> {
    try {
      await this.#act();
    } catch {
      // The next look may succeed; what must be told is told by what looks.
    }
    this.#set();
  }
}

/** Resolves after a while, which keeps the process alive. */
export function pause(ms: number): Promise<void> {
  const clock = new SystemClock();
  return new Promise((resolve) =>
    withScope(null, () => clock.setAlarm(clock.now() + ms, () => resolve()))
  );
}

/** Resolves when the work is done, whatever comes of it, or a while has passed. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const clock = new SystemClock();
  const { promise, resolve } = Promise.withResolvers<void>();
  withScope(null, () => clock.setAlarm(clock.now() + ms, () => resolve()));
  await Promise.race([work.then(() => {}, () => {}), promise]);
  clock.clearAlarm();
}

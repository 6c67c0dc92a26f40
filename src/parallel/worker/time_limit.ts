/**
 * Interrupting a loop.
 *
 * `node:vm` can run a script with a time limit, and enforces it from another thread, whatever the
 * script does (measured: a limit of 20 ms ends an empty loop after 20 to 22 ms, and the worker goes on
 * unharmed; 8 to 30 µs a script). So a job with a limit is called from a one-line script, alone or with others
 * that are short. The limit holds for the time until the call returns; an async job's waiting is limited by a
 * timer.
 *
 * No `finally` of the script runs, so a shared lock that it has taken, or a permit of a bounded semaphore,
 * stays taken, by a thread that lives.
 * Such a thread has to go: then the others are told that the holder died.
 */
import type { Script } from "node:vm";
import { SystemClock } from "../../kernel/clock.ts";
import { TimeoutError } from "../../kernel/errors.ts";
import { threadLocks } from "../thread/table.ts";
import { LimitedRow, ROW_MS, type RowBatch } from "./limited_row.ts";

const hook = Symbol.for("weft.limitedCall");

/** Calls with a time limit, and what became of them. */
export class TimeLimits {
  /** Rings when a call that waits has waited long enough. */
  readonly clock: SystemClock = new SystemClock();
  readonly #script: Script;
  #hasLeftLocks = false;

  private constructor(script: Script) {
    this.#script = script;
  }

  /** Loads what it takes: some milliseconds, so not before the first job with a limit. */
  static async load(): Promise<TimeLimits> {
    const { Script } = await import("node:vm");
    settleGlobals();
    return new TimeLimits(new Script(`globalThis[Symbol.for("weft.limitedCall")]()`));
  }

  /** Whether an interrupted call has left a shared lock taken. */
  get hasLeftLocks(): boolean {
    return this.#hasLeftLocks;
  }

  /** Calls `f`, and throws if that takes longer than `ms`. */
  call<T>(ms: number, job: string, f: () => T): T {
    const locks = threadLocks.held;
    // What the call throws does not pass through the script: the host would look at its name and stack.
    let outcome: { readonly value: T } | { readonly error: unknown } | null = null;
    this.#run(ms, () => {
      try {
        outcome = { value: f() };
      } catch (error) {
        outcome = { error };
      }
    });
    if (outcome === null) throw this.#late(ms, job, locks);
    outcome = outcome as { readonly value: T } | { readonly error: unknown };
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** A row that begins with the job at `index`. */
  openRow(batch: RowBatch, index: number): LimitedRow {
    return new LimitedRow(batch, index);
  }

  /** Calls jobs in a row, each of which may take `ms`, and gives or throws what the last came to. */
  callRow(ms: number, job: string, row: LimitedRow): { readonly value: unknown } {
    do this.#run(Math.ceil(ms + ROW_MS), () => row.run()); while (row.state === "claimed");
    if (row.state === "called") throw this.#late(ms, job, row.locks);
    if (row.state === "threw") throw row.result;
    return { value: row.result };
  }

  #late(ms: number, job: string, locks: number): TimeoutError {
    this.#hasLeftLocks ||= threadLocks.held > locks;
    return new TimeoutError(ms, `job "${job}"`);
  }

  /** Runs `f`, which throws nothing, until its time is up. */
  #run(ms: number, f: () => void): void {
    const realm = globalThis as unknown as Record<symbol, () => void>;
    const outer = realm[hook];
    realm[hook] = f;
    try {
      this.#script.runInThisContext({ timeout: ms });
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") {
        throw error;
      }
    } finally {
      if (outer === undefined) delete realm[hook];
      else realm[hook] = outer;
    }
  }
}

/**
 * The host loads most of what is global when it is first asked for. Interrupted in that, it never
 * finishes, and every later job of the worker would find that it "cannot access 'setTimeout' before
 * initialization" (measured: 16 times in three minutes of random failures). So all is asked for first.
 */
function settleGlobals(): void {
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    try {
      Reflect.get(globalThis, name);
    } catch {
      // Some are not for everybody.
    }
  }
  const clock = new SystemClock();
  clock.setAlarm(clock.now() + 1000, () => {});
  clock.clearAlarm();
}

/**
 * Interrupting a loop.
 *
 * `node:vm` can run a script with a time limit, and enforces it from another thread, whatever the
 * script does (measured: a limit of 20 ms ends an empty loop after 20 to 22 ms, and the worker goes on
 * unharmed; 8 to 12 µs a call). So a job with a limit is called from a one-line script. The limit holds
 * for the time until the call returns; an async job's waiting is limited by a timer.
 */
import { TimeoutError } from "../kernel/errors.ts";

/** Calls `f`, and throws if that takes longer than `ms`. */
export type CallWithin = <T>(ms: number, job: string, f: () => T) => T;

const hook = Symbol.for("weft.limitedCall");
let callWithin: CallWithin | null = null;

/** Loads what it takes: some milliseconds, so not before the first job with a limit. */
export async function loadCallWithin(): Promise<CallWithin> {
  if (callWithin !== null) return callWithin;
  const { Script } = await import("node:vm");
  const script = new Script(`globalThis[Symbol.for("weft.limitedCall")]()`);
  const realm = globalThis as unknown as Record<symbol, () => unknown>;
  callWithin = <T>(ms: number, job: string, f: () => T): T => {
    const outer = realm[hook];
    realm[hook] = f;
    try {
      return script.runInThisContext({ timeout: ms }) as T;
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") {
        throw error;
      }
      throw new TimeoutError(ms, `job "${job}"`);
    } finally {
      if (outer === undefined) delete realm[hook];
      else realm[hook] = outer;
    }
  };
  return callWithin;
}

/**
 * Code of a user that is called where nobody waits for it: by a signal, a timer, the end of a task.
 *
 * What such a callback throws would end the run, or the process, and so would the rejection of the
 * promise that an async one gives; neither harms others that listen. It is reported, and so not lost.
 */
import { errorText } from "./printable.ts";

/** Calls a function of a user's; what it throws, or what its promise rejects with, goes to `failed`. */
export function callSafely(f: () => unknown, failed: (error: unknown) => void): void {
  try {
    const result = f();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}

/**
 * Makes a callback that never throws. Its first failure is told: a printer that fails fails each time.
 *
 * @param f The user's function.
 * @param what Names it in the warning, as in `The printer of dumpOn(SIGUSR1)`.
 * @param warn Hears of the first failure; what it throws itself is dropped.
 * @returns A function that calls `f`.
 */
export function guarded<A extends readonly unknown[]>(
  f: (...args: A) => unknown,
  what: string,
  warn: (message: string) => unknown,
): (...args: A) => void {
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    callSafely(() => warn(thrownText(what, error)), () => {});
  };
  return (...args) => callSafely(() => f(...args), failed);
}

/** Makes a `warn` that never throws: what the user's fails to take goes to the console. */
export function safeWarn(warn: (message: string) => unknown): (message: string) => void {
  return (message) => {
    callSafely(() => warn(message), (error) => {
      callSafely(() => console.warn(`${message}\n  (warn threw: ${errorText(error)})`), () => {});
    });
  };
}

/**
 * Fires a signal. The host calls every listener, and would end the process for one that throws; instead
 * each error goes to `failed`.
 */
export function abortSafely(
  controller: AbortController,
  reason: unknown,
  failed: (error: unknown) => void,
): void {
  const caught = (event: ErrorEvent): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
    failed(event.error);
  };
  globalThis.addEventListener("error", caught, true);
  try {
    controller.abort(reason);
  } finally {
    globalThis.removeEventListener("error", caught, true);
  }
}

/** The warning about a callback that threw. */
export function thrownText(what: string, error: unknown): string {
  return `${what} threw: ${errorText(error)}`;
}

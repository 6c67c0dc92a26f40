/**
 * Code of a user that is called where nobody waits for it: by a signal, a timer, another thread's word.
 *
 * What such a callback throws would end the process, and so would the rejection of the promise that an
 * async one gives; neither harms whoever else listens. Told once: a printer that fails fails each time.
 */
import { errorText } from "./printable.ts";

/**
 * Makes a callback that never throws.
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
    try {
      warn(`${what} threw: ${errorText(error)}`);
    } catch {
      // Whoever was to be told cannot be.
    }
  };
  return (...args) => {
    try {
      const result = f(...args);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

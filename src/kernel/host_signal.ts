/** Signals of the operating system: the one place that asks the host for them. */
import { messageText, show } from "./printable.ts";
import { checkString } from "./checks.ts";

/**
 * Calls `came` each time the signal comes, which from now on does nothing else. The host allows several
 * listeners to a signal, and calls each.
 *
 * @returns Ends that.
 * @throws {TypeError} If there is no such signal, or it cannot be listened for.
 */
export function listenForSignal(name: Deno.Signal, came: () => void): () => void {
  checkString(name, "a signal");
  try {
    Deno.addSignalListener(name, came);
  } catch (cause) {
    throw new TypeError(`Cannot listen for ${show(name)}: ${messageText(cause)}`, { cause });
  }
  return () => Deno.removeSignalListener(name, came);
}

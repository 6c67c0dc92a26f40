/** Signals of the operating system: the one place that asks the host for them. */

/**
 * Calls `came` each time the signal comes, which from now on does nothing else. The host allows several
 * listeners to a signal, and calls each.
 *
 * @returns Ends that.
 * @throws {TypeError} If there is no such signal, or it cannot be listened for.
 */
export function listenForSignal(name: Deno.Signal, came: () => void): () => void {
  Deno.addSignalListener(name, came);
  return () => Deno.removeSignalListener(name, came);
}

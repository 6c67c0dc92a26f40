/**
 * Keeping a process alive where a server dies at the wrong moment.
 *
 * The client takes its listeners off a socket when it gives it up, and for some microseconds while it sets one
 * up. A reset that the host tells of only then finds nobody, and the host would end the process: measured on
 * Deno, when a server is killed just after a connection to it was closed. The client itself knows of no such
 * socket any more, or finds out by its time limits; so nothing is lost where the error is dropped.
 *
 * Only errors that come straight from a socket of `node:net`, with no listener at all, get here. From the first
 * link on that holds for other such sockets of the process, too: there is no way to tell whose it was.
 */

/** A connection that breaks, in the words of the system. */
const BROKEN: ReadonlySet<unknown> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED"]);
/** Where the host's sockets read and write. */
const SOCKETS = "ext:deno_node/internal/stream_base_commons";

let isOn = false;

/** From now on, a broken connection that nobody listens to ends no process. May be called again. */
export function surviveResets(): void {
  if (isOn) return;
  isOn = true;
  addEventListener("error", (event) => {
    const { error } = event;
    if (!(error instanceof Error) || !BROKEN.has((error as { code?: unknown }).code)) return;
    if (String(error.stack).includes(SOCKETS)) event.preventDefault();
  });
}

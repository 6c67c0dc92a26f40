/**
 * Accepting that goes on. Most of what accept(2) reports says nothing of the listener: a newcomer has
 * gone again (ECONNABORTED), the network had an error for it (EPROTO, ENETDOWN, EHOSTUNREACH…), a firewall
 * forbade it (EPERM), the process or the machine is out of descriptors or memory for a while (EMFILE,
 * ENFILE, ENOBUFS, ENOMEM). A server that ended by one of them would be ended by any client, so every
 * error of the host counts as passing, except those by which the listener itself is of no use any more.
 *
 * Rejected: a list of the passing ones. Deno gives some of them no code, only a number in the text, and
 * one that was forgotten ends a server in its busiest hour; an unknown one that stays costs eight tries a
 * second. What waits in line meanwhile waits in the host's backlog.
 */
import { isPassing } from "../io/listener.ts";
import { BusyError } from "../kernel/errors.ts";
import { sleep } from "../tasks/sleep.ts";
import type { Listener } from "./listener.ts";
import type { Socket } from "./socket.ts";

/** The longest pause between two tries, in milliseconds; the first takes one, each of the next twice as long. */
const LONGEST_PAUSE = 128;

/** How long to leave newcomers in line after accepts that failed in a row. */
export class AcceptBackoff {
  #pause = 1;
  #hasAccepted = false;

  /**
   * Takes note of a failure; gives the milliseconds until the next try.
   *
   * @throws The error, if there is no use in trying again.
   */
  failed(error: unknown): number {
    // Another task that accepts on a listener which is served is in the way for a moment only.
    const isInterlude = this.#hasAccepted && error instanceof BusyError;
    if (!isInterlude && !isPassing(error)) throw error;
    const pause = this.#pause;
    this.#pause = Math.min(2 * pause, LONGEST_PAUSE);
    return pause;
  }

  /** Takes note of a connection. */
  succeeded(): void {
    this.#hasAccepted = true;
    this.#pause = 1;
  }
}

/**
 * Accepts the next connection, however often the host fails to give it. For `yield*` in a `function*`.
 *
 * @param listener Where they connect.
 * @param backoff The same one for each connection of a listener.
 * @param onFailure Is told of each failure that passes.
 */
export function* acceptNext<A extends Deno.Addr>(
  listener: Listener<A>,
  backoff: AcceptBackoff,
  onFailure?: (error: unknown) => void,
): Generator<unknown, Socket<A>, unknown> {
  for (;;) {
    try {
      const socket = yield* listener.accept();
      backoff.succeeded();
      return socket;
    } catch (error) {
      const pause = backoff.failed(error);
      onFailure?.(error);
      yield* sleep(pause);
    }
  }
}

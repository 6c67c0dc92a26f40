/**
 * Whether a broken connection has been told of: the pending error of a socket.
 *
 * On Linux the error that broke a connection sits with the socket until some call reports it, and
 * poll shows `ERR` just as long. The halves of a stream share one of these.
 */
export class Fault {
  #state: "none" | "pending" | "told" = "none";

  /** Whether there was one that no call has reported yet. */
  get pending(): boolean {
    return this.#state === "pending";
  }

  /** The connection broke. Only the first time counts. */
  raise(): void {
    if (this.#state === "none") this.#state = "pending";
  }

  /** A call has reported it. */
  tell(): void {
    if (this.#state === "pending") this.#state = "told";
  }
}

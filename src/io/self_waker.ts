/** Ends the pending receive of a unix datagram socket, by a datagram that the socket knows as its own. */
import { closeQuietly, type NativeDatagram } from "./native.ts";
import { openDatagram } from "./open.ts";

/** How many secret bytes the datagram has. */
const TOKEN = 16;

/** Wakes one socket. */
export class SelfWaker {
  readonly #address: Deno.UnixAddr;
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN));
  #socket: NativeDatagram | null = null;
  /** Whether a token is on its way. */
  #sent = false;

  /** For the socket bound to `address`. */
  constructor(address: Deno.UnixAddr) {
    this.#address = address;
  }

  /**
   * Makes the pending receive end, soon. One that cannot be woken (nobody can send to a socket without a
   * path, or to one whose file is gone) ends by itself or with the socket.
   */
  wake(): void {
    if (this.#sent || this.#address.path === null) return;
    this.#sent = true;
    this.#socket ??= openDatagram({ kind: "unixpacket", path: undefined });
    this.#socket.send(this.#token, this.#address).catch(() => {
      this.#sent = false;
    });
  }

  /** Whether a datagram is the token; it is expected no longer then. */
  owns(data: Uint8Array): boolean {
    if (!this.#sent || data.length !== TOKEN) return false;
    if (!this.#token.every((byte, i) => byte === data[i])) return false;
    this.#sent = false;
    return true;
  }

  /** Closes the second socket, and removes the file of the first, which Deno leaves behind. */
  close(): void {
    if (this.#socket !== null) closeQuietly(this.#socket);
    const { path } = this.#address;
    if (path === null || path.startsWith("\0")) return;
    try {
      Deno.removeSync(path);
    } catch {
      // Somebody else has removed it already.
    }
  }
}

/** Ends the pending receive of a unix datagram socket, by a datagram that the socket knows as its own. */
import { closeQuietly, type NativeDatagram } from "./native.ts";
import { openDatagram } from "./open.ts";
import { SocketFile } from "./unix_path.ts";

/** How many secret bytes the datagram has. */
const TOKEN = 16;

/** Wakes one socket that has a path. */
export class SelfWaker {
  readonly #address: Deno.UnixAddr;
  readonly #onFailed: (error: unknown) => void;
  readonly #file: SocketFile | null;
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN));
  #socket: NativeDatagram | null = null;
  /** Whether a token is on its way. */
  #sent = false;

  /**
   * For the socket bound to `address`.
   *
   * @param address Where the datagram must go to.
   * @param onFailed Called when it could not be sent: the pending receive goes on.
   */
  constructor(address: Deno.UnixAddr, onFailed: (error: unknown) => void) {
    this.#address = address;
    this.#onFailed = onFailed;
    const isAbstract = address.path!.startsWith("\0");
    this.#file = isAbstract ? null : new SocketFile(address.path!);
  }

  /**
   * Makes the pending receive end, soon.
   *
   * @throws The host's error if it has no descriptor left for the second socket; the next call tries again.
   * @throws {Error} If the path is another socket's by now, which alone would get the datagram.
   */
  wake(): void {
    if (this.#sent) return;
    if (this.#file?.isForeign) {
      throw new Error(
        `Cannot send while a receive is pending: ${this.#address.path} is another socket's file by now`,
      );
    }
    this.#socket ??= openDatagram({ kind: "unixpacket", path: undefined });
    this.#sent = true;
    this.#socket.send(this.#token, this.#address).catch((error) => {
      this.#sent = false;
      this.#onFailed(error);
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
    this.#file?.remove();
  }
}

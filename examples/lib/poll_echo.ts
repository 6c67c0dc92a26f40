/** One connection of the poll server: what came goes back in capitals, however slowly the peer reads. */
import {
  BrokenError,
  type EventRegistry,
  POLLIN,
  POLLOUT,
  type Socket,
  WouldBlock,
} from "@weft/weft";
import { upperCase } from "./bytes.ts";

/** A connection that is served whenever the registry says that something can be done. */
export class Conversation {
  readonly #socket: Socket;
  readonly #registry: EventRegistry;
  #owed: Uint8Array = new Uint8Array(0);

  /** Speaks on a socket that is registered. */
  constructor(socket: Socket, registry: EventRegistry) {
    this.#socket = socket;
    this.#registry = registry;
  }

  /** Whether the peer has not taken yet what it was sent. */
  get isBehind(): boolean {
    return this.#owed.length > 0;
  }

  /** Goes on. Returns `false` when the conversation is over. */
  goOn(): boolean {
    try {
      if (this.isBehind) return this.say(new Uint8Array(0));
      const data = this.#socket.tryRecv();
      return data.length > 0 && this.say(upperCase(data));
    } catch (error) {
      if (error instanceof BrokenError) return false;
      throw error;
    }
  }

  /**
   * Sends; what does not fit now goes later, and until then nothing more is read. Returns `false` when there is
   * nobody any more to send to.
   */
  say(data: Uint8Array): boolean {
    const owed = new Uint8Array(this.#owed.length + data.length);
    owed.set(this.#owed);
    owed.set(data, this.#owed.length);
    this.#owed = owed;
    try {
      this.#owed = owed.subarray(this.#socket.trySend(owed));
    } catch (error) {
      if (error instanceof BrokenError) return false;
      if (!(error instanceof WouldBlock)) throw error;
    }
    this.#registry.modify(this.#socket, this.isBehind ? POLLOUT : POLLIN);
    return true;
  }
}

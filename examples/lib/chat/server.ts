/** The server of the chat: a room behind a datagram server, and somebody who looks who has vanished. */
import { DatagramServer, sleep, type UdpAddress } from "@weft/weft";
import { isHostError, show } from "../serve.ts";
import { type Outgoing, Room } from "./room.ts";

/** How often is looked who has vanished, by part of the silence allowed. */
const LOOKS = 4;

/** A chat server, and the task body that has to run beside it. */
export interface Chat {
  /** The server. */
  readonly server: DatagramServer;
  /** Notices who has vanished, as long as it runs. */
  watch(): AsyncGenerator<unknown, void, unknown>;
}

/** A chat in which one not heard of for `silence` milliseconds has left. */
export function openChat(hostname: string, port: number, silence: number): Chat {
  const room = new Room<UdpAddress>(show);
  // One datagram after the other: everybody hears everything in the same order.
  const server: DatagramServer = new DatagramServer(
    (data, from) => sendAll(room.receive(data, from, performance.now())),
    { hostname, port, engine: "sequential" },
  );
  async function* sendAll(
    outgoing: readonly Outgoing<UdpAddress>[],
  ): AsyncGenerator<unknown, void, unknown> {
    for (const { to, data } of outgoing) {
      try {
        yield* server.socket.sendTo(data, to);
      } catch (error) {
        if (!isHostError(error)) throw error; // that one cannot be reached; the others can
      }
    }
  }
  return {
    server,
    async *watch() {
      for (;;) {
        yield* sleep(Math.max(silence / LOOKS, 1));
        yield* sendAll(room.expire(performance.now() - silence));
      }
    },
  };
}

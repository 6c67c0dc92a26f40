/** Parting from a client that may still be sending. */
import { moveOnAfter, type Socket } from "@weft/weft";

/** How long it gets to read the last answer, in milliseconds. */
const ANSWER_MS = 1000;

/**
 * Ends a connection so that its client can read what was sent last. Closed at once, with bytes of the
 * client unread, it would be reset, and the answer with it; so what still comes is taken and dropped, for a while.
 */
export async function* part(socket: Socket) {
  socket.closeWrite();
  yield* moveOnAfter(ANSWER_MS, async function* () {
    while ((yield* socket.recv()).length > 0);
  });
}

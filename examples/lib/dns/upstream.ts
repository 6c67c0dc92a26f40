/**
 * Asking another server (RFC 1035 §4.2, RFC 5452): by UDP, again when no answer comes, and by TCP when it
 * does not fit.
 *
 * One who guesses what was asked can answer in the other's place. So each attempt has a socket of its own,
 * whose port the host chooses, and an id at random; what comes from elsewhere or does not fit is overheard,
 * and the wait goes on.
 */
import {
  bindDatagram,
  BrokenError,
  connect,
  IncompleteError,
  TimeoutError,
  type UdpAddress,
  withTimeout,
} from "@weft/weft";
import { encodeQuestion, type Question, readResponse, type Response } from "./message.ts";

/** How long each attempt may take, in milliseconds. */
const ANSWER_MS = [300, 600, 1200];

/** Asks; `null` if no answer comes, however often one asks. */
export function* ask(
  server: UdpAddress,
  question: Question,
): Generator<unknown, Response | null, unknown> {
  for (const timeout of ANSWER_MS) {
    const bytes = encodeQuestion(randomId(), question);
    try {
      const response = yield* withTimeout(timeout, askByDatagram(server, bytes));
      if (!response.truncated) return response;
      return yield* withTimeout(ANSWER_MS.at(-1)!, askByStream(server, bytes));
    } catch (error) {
      if (!isLoss(error)) throw error;
    }
  }
  return null;
}

function* askByDatagram(
  server: UdpAddress,
  bytes: Uint8Array,
): Generator<unknown, Response, unknown> {
  using socket = bindDatagram({ hostname: server.hostname, port: 0 });
  yield* socket.sendTo(bytes, server);
  for (;;) {
    const [data, from] = yield* socket.recvFrom();
    if (from.hostname !== server.hostname || from.port !== server.port) continue;
    const response = readResponse(data, bytes);
    if (response !== null) return response;
  }
}

/** Asks by TCP, where each message has its length before it. */
export function* askByStream(
  server: UdpAddress,
  bytes: Uint8Array,
): Generator<unknown, Response, unknown> {
  using socket = yield* connect({ hostname: server.hostname, port: server.port });
  yield* socket.sendAll(withLength(bytes));
  for (;;) {
    const [high, low] = yield* socket.recvExactly(2);
    const response = readResponse(yield* socket.recvExactly(high! << 8 | low!), bytes);
    if (response !== null) return response;
  }
}

/** A message as it goes over TCP. */
export function withLength(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(bytes.length + 2);
  framed[0] = bytes.length >> 8;
  framed[1] = bytes.length;
  framed.set(bytes, 2);
  return framed;
}

/** An id that nobody can guess. */
export function randomId(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}

/** Whether this is what happens to messages: late, lost, nobody there. */
function isLoss(error: unknown): boolean {
  return error instanceof TimeoutError || error instanceof BrokenError ||
    error instanceof IncompleteError ||
    error instanceof Error && "code" in error && typeof error.code === "string";
}

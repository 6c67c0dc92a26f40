/**
 * The handlers of the echo servers. They are the same for every engine: how clients are served is the
 * server's affair. Known by name, because workers load them themselves.
 */
import {
  type Client,
  handlers,
  IncompleteError,
  LimitError,
  readFrame,
  type Socket,
  writeFrame,
} from "@weft/weft";
import { upperCase } from "./bytes.ts";
import { part } from "./part.ts";

/** The longest frame that is echoed, in bytes. */
const LONGEST_FRAME = 1 << 20;
/** The length in front of a frame, in bytes. */
const HEADER = 4;

const NOTHING = new Uint8Array(0);

/** Echoes bytes until the client ends its sending side. */
async function* echo(socket: Socket, client: Client) {
  for (;;) {
    const bytes = yield* client.between(socket.recv());
    if (bytes.length === 0) return; // what was sent still goes out
    yield* socket.sendAll(upperCase(bytes));
  }
}

/** Echoes frames; one that is too long gets an empty frame, and the end. */
async function* echoFrames(socket: Socket, client: Client) {
  try {
    for (;;) {
      const frame = yield* client.between(readFrame(socket, { limit: LONGEST_FRAME }));
      if (frame === null) return;
      yield* writeFrame(socket, upperCase(frame));
    }
  } catch (error) {
    if (error instanceof IncompleteError) return; // cut in a frame: nobody is left to be answered
    if (!(error instanceof LimitError)) throw error;
    yield* writeFrame(socket, NOTHING);
    yield* part(socket);
  }
}

/** Echoes a datagram. */
function upper(data: Uint8Array) {
  return upperCase(data);
}

/** Echoes a datagram that holds one frame; for any other, an empty frame. */
function upperFrame(data: Uint8Array) {
  const isFrame = data.length >= HEADER &&
    new DataView(data.buffer, data.byteOffset).getUint32(0) === data.length - HEADER;
  if (!isFrame) return new Uint8Array(HEADER);
  upperCase(data.subarray(HEADER));
  return data;
}

handlers(import.meta, { echo, echoFrames, upper, upperFrame });
export { echo, echoFrames, upper, upperFrame };

/** The receiving side: one connection's uploads, one after the other. */
import {
  type Client,
  IncompleteError,
  LimitError,
  readJson,
  type Socket,
  writeJson,
} from "@weft/weft";
import { part } from "../part.ts";
import { whyNot } from "./names.ts";
import { Part } from "./part.ts";
import { checkHeader, CHUNK, type Header, LONGEST_HEADER } from "./wire.ts";

/** What the client did wrong, or the disk; the connection ends after it was told. */
class Refusal extends Error {}

/** A handler that keeps what is sent in a folder. */
export function receiveInto(folder: string) {
  return async function* (socket: Socket, client: Client) {
    try {
      for (;;) {
        const header = yield* nextHeader(socket, client);
        if (header === null || !(yield* receive(folder, header, socket))) return;
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      yield* writeJson(socket, { error: error.message });
      yield* part(socket);
    }
  };
}

async function* nextHeader(
  socket: Socket,
  client: Client,
): AsyncGenerator<unknown, Header | null, unknown> {
  try {
    const value = yield* client.between(readJson(socket, { limit: LONGEST_HEADER }));
    if (value === undefined) return null;
    const header = checkHeader(value);
    const why = whyNot(header.name);
    if (why !== null) throw new Refusal(why);
    return header;
  } catch (error) {
    if (error instanceof IncompleteError) return null; // cut: nobody is left to be told
    if (error instanceof LimitError) throw new Refusal("the header is too long");
    if (error instanceof SyntaxError) throw new Refusal("the header is no JSON");
    if (error instanceof RangeError) throw new Refusal(error.message);
    throw error;
  }
}

/** Receives one file; says whether the connection goes on. */
async function* receive(
  folder: string,
  header: Header,
  socket: Socket,
): AsyncGenerator<unknown, boolean, unknown> {
  const { name, size, sha256 } = header;
  try {
    using part = yield* Part.open(folder, header);
    yield* writeJson(socket, { offset: part.size });
    const buffer = new Uint8Array(CHUNK); // again and again, or a large file would leave much to clean up
    while (part.size < size) {
      const count = yield* socket.recvInto(buffer.subarray(0, size - part.size));
      if (count === 0) return false; // cut; what came is kept
      yield* part.append(buffer.subarray(0, count));
    }
    if (part.digest() !== sha256) {
      yield* part.discard();
      yield* writeJson(socket, { error: "the hash of what came is another one" });
      return true;
    }
    yield* part.publish(`${folder}/${name}`);
  } catch (error) {
    if (isOfTheDisk(error)) throw new Refusal(`the file cannot be kept: ${error.message}`);
    throw error;
  }
  console.log(`received ${name} ${size} bytes ${sha256}`);
  yield* writeJson(socket, { ok: true, size, sha256 });
  return true;
}

/** Whether a file could not be opened, written or moved. What breaks a connection is a `BrokenError`. */
function isOfTheDisk(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

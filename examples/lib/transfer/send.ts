/** The sending side: one file over a connection. */
import {
  BrokenError,
  IncompleteError,
  moveOnAfter,
  readJson,
  type Socket,
  wait,
  writeJson,
} from "@weft/weft";
import { CHUNK, newHash } from "./wire.ts";

/** How long a server that has ended the connection gets to say why, in milliseconds. */
const ANSWER_MS = 1000;

/** A transfer that did not reach its end; the message says why. */
export class TransferError extends Error {}

/** Is told how many bytes of the file are over there, and how many there are in all. */
export type Progress = (done: number, size: number) => void;

/** Reads a file in pieces, each valid until the next. */
async function* eachChunk(
  file: Deno.FsFile,
  use: (bytes: Uint8Array) => AsyncGenerator<unknown, void, unknown>,
): AsyncGenerator<unknown, number, unknown> {
  const buffer = new Uint8Array(CHUNK);
  let size = 0;
  yield* wait(file.seek(0, Deno.SeekMode.Start));
  for (let n; (n = yield* wait(file.read(buffer))) !== null; size += n) {
    yield* use(buffer.subarray(0, n));
  }
  return size;
}

/**
 * Sends a file. Its hash has to be known first, so it is read twice; the second time it is hashed again, which
 * shows whether it has been changed meanwhile.
 *
 * @returns From where the server wanted it.
 */
export async function* sendFile(
  socket: Socket,
  file: Deno.FsFile,
  name: string,
  progress: Progress,
): AsyncGenerator<unknown, { offset: number; size: number; sha256: string }, unknown> {
  const before = newHash();
  const size = yield* eachChunk(file, async function* (bytes) {
    before.update(bytes);
  });
  const sha256 = before.digest("hex");
  try {
    yield* writeJson(socket, { name, size, sha256 });
    const { offset } = yield* answer(socket);
    if (!Number.isSafeInteger(offset) || (offset as number) < 0 || (offset as number) > size) {
      throw new TransferError(`The server wants the file from ${String(offset)} on`);
    }
    yield* sendFrom(socket, file, offset as number, size, sha256, progress);
    const { ok, sha256: kept } = yield* answer(socket);
    if (ok !== true || kept !== sha256) throw new TransferError("The server did not say ok");
    return { offset: offset as number, size, sha256 };
  } catch (error) {
    if (!(error instanceof BrokenError)) throw error;
    throw new TransferError(yield* lastWord(socket));
  }
}

async function* sendFrom(
  socket: Socket,
  file: Deno.FsFile,
  offset: number,
  size: number,
  sha256: string,
  progress: Progress,
): AsyncGenerator<unknown, void, unknown> {
  const hash = newHash();
  let at = 0;
  progress(offset, size);
  yield* eachChunk(file, async function* (bytes) {
    hash.update(bytes);
    const from = Math.max(offset - at, 0);
    at += bytes.length;
    if (at > size) throw new TransferError("The file grew while it was sent");
    if (from >= bytes.length) return;
    yield* socket.sendAll(bytes.subarray(from));
    progress(at, size);
  });
  if (at < size) throw new TransferError("The file shrank while it was sent");
  if (hash.digest("hex") !== sha256) throw new TransferError("The file changed while it was sent");
}

/** The server's next answer; throws if that is an error, or none. */
async function* answer(socket: Socket): AsyncGenerator<unknown, Record<string, unknown>, unknown> {
  let value: unknown;
  try {
    value = yield* readJson(socket);
  } catch (error) {
    if (error instanceof IncompleteError) value = undefined;
    else throw error;
  }
  if (value === undefined) throw new TransferError("The server has closed the connection");
  const { error } = (value ?? {}) as Record<string, unknown>;
  if (error !== undefined) throw new TransferError(`The server says: ${JSON.stringify(error)}`);
  return value as Record<string, unknown>;
}

/** Why the server has ended the connection, if it says so. */
async function* lastWord(socket: Socket): AsyncGenerator<unknown, string, unknown> {
  try {
    yield* moveOnAfter(ANSWER_MS, answer(socket));
  } catch (error) {
    if (error instanceof TransferError) return error.message;
  }
  return "The connection is broken; sent again, the file goes on from where it stopped";
}

/**
 * Messages to and from a subprocess, as bytes.
 *
 * The channel would serialize it by itself, but only once the child is there, and its errors come up
 * where nobody waits for them. It also copies a view of shared memory in silence; the plain serializer
 * refuses that, as it should, because what was to be shared would not be.
 */
import process from "node:process";
import type { BeginMessage, EndMessage } from "./wire.ts";

/**
 * Takes a message apart.
 *
 * @throws {Error} If something in it has no copy in another process.
 */
export function packMessage(message: BeginMessage | EndMessage): Uint8Array {
  const { Serializer } = process.getBuiltinModule("node:v8");
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(message);
  return serializer.releaseBuffer();
}

/** Puts the first one together again. */
export function unpackBegin(bytes: Uint8Array): BeginMessage {
  const { Deserializer } = process.getBuiltinModule("node:v8");
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue() as BeginMessage;
}

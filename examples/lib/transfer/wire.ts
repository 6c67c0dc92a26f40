/** What is said on the wire before and behind a file's bytes. */
import { createHash, type Hash } from "node:crypto";

/** The longest header, in bytes. */
export const LONGEST_HEADER: number = 64 << 10;
/** How many bytes are read, hashed and sent at a time. */
export const CHUNK: number = 64 << 10;

/** What a client announces. */
export interface Header {
  /** The name to keep the file under. */
  readonly name: string;
  /** Its bytes. */
  readonly size: number;
  /** Their hash: 64 lower-case hex digits. */
  readonly sha256: string;
}

/** Makes sure that what was read is a header; throws what to tell the client. */
export function checkHeader(value: unknown): Header {
  const { name, size, sha256 } = (value ?? {}) as Record<string, unknown>;
  if (typeof name !== "string") throw new RangeError("the header has no name");
  if (!Number.isSafeInteger(size) || (size as number) < 0) {
    throw new RangeError("the header's size is no whole number");
  }
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new RangeError("the header's sha256 is not 64 lower-case hex digits");
  }
  return { name, size: size as number, sha256 };
}

/** A hash to be fed. */
export function newHash(): Hash {
  return createHash("sha256");
}

/** Receiving into memory that is there already, for who moves more bytes than the collector should clean up. */
import { checkBytes } from "../io/errors.ts";
import type { Framing } from "../io/framing.ts";
import type { Operation } from "../kernel/operation.ts";
import { type ByteSource, readFramed } from "./read_framed.ts";

/** Waits for bytes, and copies as many of those that have arrived as fit; gives their number, 0 at the end. */
export function recvInto(source: ByteSource, into: Uint8Array): Operation<number> {
  checkBytes(into, "receive into");
  if (into.length === 0) {
    throw new RangeError("Cannot receive into an empty array: it must have room for a byte");
  }
  return readFramed("recvInto", source, () => new IntoFraming(into));
}

/** Whatever has arrived, as a reader waits for it. */
class IntoFraming implements Framing<number> {
  readonly isDelimited = false;
  readonly keepsBytes = false;
  readonly #into: Uint8Array;

  constructor(into: Uint8Array) {
    this.#into = into;
  }

  measure(held: Uint8Array): number {
    return Math.max(1, Math.min(held.length, this.#into.length));
  }

  value(bytes: Uint8Array): number {
    this.#into.set(bytes);
    return bytes.length;
  }

  cut(): number {
    return 0;
  }
}

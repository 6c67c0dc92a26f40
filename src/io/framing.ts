/**
 * What a reader waits for when only the bytes themselves tell where it ends: a frame with a length in
 * front, a line.
 *
 * It is asked again whenever more has come, and taken in one synchronous step when it is whole. So a
 * cancelled read has taken nothing, and what came behind it stays with the reader for whoever is next.
 * Rejected: a loop of `recv` with a buffer of its own, which loses both.
 */

/** One thing to be read, for one wait. */
export interface Framing<T> {
  /** Whether a mark ends it, so that its length is not known before it is whole. */
  readonly isDelimited: boolean;
  /** Whether {@linkcode value} and {@linkcode cut} keep the array they get: else it is the reader's own, for the call. */
  readonly keepsBytes: boolean;
  /**
   * How many bytes it takes, as far as those tell that are held: more than `held.length` while it is not
   * whole. What it throws refuses it, and nothing is taken.
   *
   * @param held The bytes that are there, those of the last call first.
   * @param source Names where they come from.
   */
  measure(held: Uint8Array, source: { toString(): string }): number;
  /** Makes what the reader gets of it. */
  value(bytes: Uint8Array): T;
  /** Says what the reader gets where the stream ends before it is whole; `partial` is what came, and is taken. */
  cut(partial: Uint8Array, source: { toString(): string }): T;
}

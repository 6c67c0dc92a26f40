/** Lines of bytes, from whatever gives bytes. */
import type { Operation } from "@weft/weft";

const NEWLINE = 10;

/** What lines are read from: a socket, or standard input. */
export interface ByteSource {
  /** Waits for bytes; an empty array is the end. */
  recv(): Operation<Uint8Array>;
}

/** Cuts what a source gives into lines; what came behind a line stays for the next one. */
export class Lines {
  readonly #source: ByteSource;
  readonly #most: number;
  #rest: Uint8Array<ArrayBufferLike> = new Uint8Array(0);

  /** Lines from `source`, which nobody else reads from now on; `most` bytes are waited for the end of one. */
  constructor(source: ByteSource, most = Infinity) {
    this.#source = source;
    this.#most = most;
  }

  /**
   * Waits for a line and gives it without its end; `null` when there is none any more. When more than
   * `most` bytes have come without an end, it gives those.
   */
  async *next(): AsyncGenerator<unknown, Uint8Array | null, unknown> {
    for (let searched = 0;;) {
      const rest = this.#rest;
      const end = rest.indexOf(NEWLINE, searched);
      if (end >= 0) {
        this.#rest = rest.subarray(end + 1);
        return rest.subarray(0, end);
      }
      if (rest.length > this.#most) {
        this.#rest = new Uint8Array(0);
        return rest;
      }
      searched = rest.length;
      const bytes = yield* this.#source.recv();
      if (bytes.length === 0) {
        this.#rest = bytes;
        return rest.length === 0 ? null : rest;
      }
      this.#rest = joined(rest, bytes);
    }
  }
}

/** A line with its end. */
export function withNewline(line: Uint8Array): Uint8Array {
  return joined(line, new Uint8Array([NEWLINE]));
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

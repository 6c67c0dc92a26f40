/** The messages of a connection, one after the other. */
import type { Operation } from "../kernel/operation.ts";

/**
 * A stream of lines or frames. It holds nothing itself: what has not been taken is still the socket's, so
 * it can be left at any point, and several may take turns. One task reads at a time.
 *
 * Made by {@linkcode Socket.lines} and {@linkcode Socket.frames}. In an `async function*`, `for await` goes
 * through it; anywhere, `next` gives the next message.
 *
 * @typeParam T The messages' type.
 */
export class MessageStream<T> {
  readonly #read: () => Operation<T | null>;

  /** Made by {@linkcode Socket.lines} and {@linkcode Socket.frames}. */
  constructor(read: () => Operation<T | null>) {
    this.#read = read;
  }

  /** Waits for the next message and takes it; `null` at the end of the stream. */
  next(): Operation<T | null> {
    return this.#read();
  }

  /** Goes through the messages; ends where the stream does. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let message; (message = await this.next()) !== null;) yield message;
  }
}

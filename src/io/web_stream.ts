/** Web streams as native ends of pipes: what Deno gives for a child process's pipes. */
import type { NativeReader, NativeWriter } from "./native.ts";

/** The read end of a `ReadableStream`. It gives chunks as they come; what does not fit waits here. */
export class WebReader implements NativeReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  /** Locks the stream. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Fills a part of `into`; `null` at the end. */
  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#rest = value;
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Cancels the stream: a pending read ends. */
  close(): void {
    this.#reader.cancel().catch(() => {});
  }
}

/** The write end of a `WritableStream`. Whether it takes more without waiting it tells by its `ready`. */
export class WebWriter implements NativeWriter {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #idle = true;

  /** Locks the stream. */
  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    this.#writer.closed.catch(() => {}); // it shows at the next write
  }

  /** Writes all of `data`. */
  async write(data: Uint8Array): Promise<number> {
    if (data.length === 0) {
      await this.#writer.ready;
      return 0;
    }
    this.#idle = false;
    await this.#writer.write(data);
    this.#idle = true;
    return data.length;
  }

  /** Ends the stream well if nothing is being written, and breaks it off otherwise. */
  close(): void {
    const end = this.#idle ? this.#writer.close() : this.#writer.abort();
    end.catch(() => {});
  }
}

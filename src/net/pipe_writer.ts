/** The write ends of pipes for tasks: what a child process reads. */
import { checkBytes } from "../io/errors.ts";
import { checkTimeout, type Timeout } from "../io/wait_timeout.ts";
import { WebWriter, WriteHandle } from "../io/pipe.ts";
import type { HasHandle } from "../io/pollable.ts";
import { nextName } from "../kernel/names.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { closing } from "./closing.ts";

/**
 * The write end of a pipe, with the sending verbs of a {@linkcode Socket} and their promises.
 *
 * Made by {@linkcode writeTo}. `using` closes it.
 */
export class PipeWriter implements HasHandle, Disposable, AsyncDisposable {
  readonly #handle: WriteHandle;
  #timeout: Timeout;

  /** Made by {@linkcode writeTo}. */
  constructor(handle: WriteHandle) {
    this.#handle = handle;
  }

  /** Whether it was closed here. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /** How many milliseconds each operation may wait before it throws `TimeoutError`; `undefined` for no limit. */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  set timeout(ms: number | undefined) {
    this.#timeout = checkTimeout(ms, "the timeout of a pipe");
  }

  /** The handle, for the poll layer. */
  get handle(): WriteHandle {
    return this.#handle;
  }

  /** Hands over as many of the bytes as fit, one at least; gives their number. See {@linkcode Socket.send}. */
  send(data: Uint8Array): Operation<number> {
    return this.#send(data, false) as Operation<number>;
  }

  /** Hands over all of the bytes. See {@linkcode Socket.sendAll}. */
  sendAll(data: Uint8Array): Operation<void> {
    return this.#send(data, true) as Operation<void>;
  }

  /** Hands over as many of the bytes as fit, without waiting. See {@linkcode Socket.trySend}. */
  trySend(data: Uint8Array): number {
    return this.#handle.trySend(data);
  }

  /**
   * Closes it: the reader sees the end once everything handed over has gone out. Closing again has no effect.
   *
   * @returns Waits until nothing of it is left; nobody needs to wait for it.
   */
  close(): Operation<void> {
    return closing(this.#handle);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#handle.close();
  }

  /** Closes it, and resolves when nothing of it is left. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#handle.close();
    return this.#handle.gone;
  }

  /** Its name in reports. */
  toString(): string {
    return String(this.#handle);
  }

  #send(data: Uint8Array, all: boolean): Operation<number | void> {
    checkBytes(data, "send");
    const { writer } = this.#handle;
    return operation(
      writer,
      (wait: Wait<number | void>) => writer.begin(wait, data, all, this.#timeout),
    );
  }
}

/**
 * Writes to a web stream of bytes, such as a child process's `stdin`. The stream is locked from then on.
 *
 * @param stream The stream.
 * @param name What reports call it.
 * @returns The write end.
 */
export function writeTo(
  stream: WritableStream<Uint8Array>,
  name: string = nextName("Pipe"),
): PipeWriter {
  return new PipeWriter(new WriteHandle(new WebWriter(stream), name));
}

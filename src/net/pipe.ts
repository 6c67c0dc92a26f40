/** The ends of pipes for tasks: standard input, and those of a child process. */
import { reportName, show } from "../kernel/printable.ts";
import { hasMethod } from "../kernel/checks.ts";
import { checkBytes, checkCount } from "../io/errors.ts";
import { ReadHandle, WebReader, WebWriter, WriteHandle } from "../io/pipe.ts";
import { StdinHandle } from "../io/stdin.ts";
import { MOST_AHEAD } from "../io/stream_reader.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";
import { type LineOptions, readLine } from "./framing.ts";
import { Endpoint, MessageStream, sending, sendingAll } from "./endpoint.ts";

/**
 * The read end of a pipe, with the receiving verbs of a {@linkcode Socket} and their promises.
 *
 * Made by {@linkcode stdin} and {@linkcode readFrom}. `using` closes it.
 * `close()` closes it, `closed` says whether that was done; `handle` is what registries poll.
 * `timeout` can be set: the most milliseconds that each operation waits; `undefined` for no limit.
 */
export class PipeReader extends Endpoint<ReadHandle | StdinHandle> {
  /** Made by {@linkcode stdin} and {@linkcode readFrom}. */
  constructor(handle: ReadHandle | StdinHandle) {
    super(handle, "a pipe", undefined);
  }

  /** Waits for bytes and takes at most `n`; at the end an empty array. See {@linkcode Socket.recv}. */
  recv(n: number = MOST_AHEAD): Operation<Uint8Array> {
    checkCount(n, 1, "receive");
    return this.#recv(1, n);
  }

  /** Waits for `n` bytes and takes just those. See {@linkcode Socket.recvExactly}. */
  recvExactly(n: number): Operation<Uint8Array> {
    checkCount(n, 0, "receive");
    return this.#recv(n, n);
  }

  /** The lines that come. See {@linkcode Socket.lines}. */
  lines(options: LineOptions = {}): MessageStream<string> {
    return new MessageStream(() => readLine(this, options));
  }

  /** Takes at most `n` bytes that have arrived, without waiting. See {@linkcode Socket.tryRecv}. */
  tryRecv(n: number = MOST_AHEAD): Uint8Array {
    return this.handle.tryRecv(n);
  }

  #recv(least: number, most: number): Operation<Uint8Array> {
    const handle = this.handle;
    return operation(
      `${handle}.recv()`,
      (wait: Wait<Uint8Array>) => handle.reader.begin(wait, least, most, this.timeout),
    );
  }
}

/**
 * Standard input.
 *
 * There is one for the process: what one run has read ahead, the next one finds. If a read is pending when
 * the last user closes it, or its run ends, standard input is closed for good, because nothing
 * else would let the process end.
 *
 * @returns A use of it that belongs to the run of the current task, if there is one.
 */
export function stdin(): PipeReader {
  return new PipeReader(new StdinHandle());
}

/**
 * Reads from a web stream of bytes, such as a child process's `stdout`. The stream is locked from then on.
 *
 * @example What a child says
 * ```ts ignore (needs permission to run a program)
 * import { readFrom, run } from "@weft/weft";
 * const child = new Deno.Command("echo", { args: ["hello"], stdout: "piped" }).spawn();
 * const text = await run(async function* () {
 *   return new TextDecoder().decode(yield* readFrom(child.stdout).recv());
 * });
 * if (text !== "hello\n") throw new Error(text);
 * ```
 *
 * @param stream The stream.
 * @param name What reports call it.
 * @returns The read end.
 */
export function readFrom(
  stream: ReadableStream<Uint8Array>,
  name?: string,
): PipeReader {
  const shown = reportName("Pipe", name);
  if (!hasMethod(stream, "getReader")) {
    throw new TypeError(`Cannot read from ${show(stream)}: it must be a ReadableStream`);
  }
  return new PipeReader(new ReadHandle(new WebReader(stream), shown));
}

/**
 * The write end of a pipe, with the sending verbs of a {@linkcode Socket} and their promises.
 *
 * Made by {@linkcode writeTo}. `using` closes it.
 * `close()` closes it, `closed` says whether that was done; `handle` is what registries poll.
 * `timeout` can be set: the most milliseconds that each operation waits; `undefined` for no limit.
 */
export class PipeWriter extends Endpoint<WriteHandle> {
  /** Made by {@linkcode writeTo}. */
  constructor(handle: WriteHandle) {
    super(handle, "a pipe", undefined);
  }

  /** Hands over as many of the bytes as fit, one at least; gives their number. See {@linkcode Socket.send}. */
  send(data: Uint8Array): Operation<number> {
    checkBytes(data, "send");
    return sending(this.handle.writer, data);
  }

  /** Hands over all of the bytes. See {@linkcode Socket.sendAll}. */
  sendAll(data: Uint8Array): Operation<void> {
    checkBytes(data, "send");
    return sendingAll(this.handle.writer, data);
  }

  /** Hands over as many of the bytes as fit, without waiting. See {@linkcode Socket.trySend}. */
  trySend(data: Uint8Array): number {
    return this.handle.trySend(data);
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
  name?: string,
): PipeWriter {
  const shown = reportName("Pipe", name);
  if (!hasMethod(stream, "getWriter")) {
    throw new TypeError(`Cannot write to ${show(stream)}: it must be a WritableStream`);
  }
  return new PipeWriter(new WriteHandle(new WebWriter(stream), shown));
}

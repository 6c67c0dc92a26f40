/** What reading frames and lines has in common: one wait at the reader, whatever is read. */
import { show } from "../kernel/printable.ts";
import { hasMethod } from "../kernel/checks.ts";
import type { Framing } from "../io/framing.ts";
import type { ReadHandle } from "../io/pipe.ts";
import type { StdinHandle } from "../io/stdin.ts";
import type { StreamHandle } from "../io/stream.ts";
import { type Operation, operation } from "../kernel/operation.ts";
import type { Wait } from "../kernel/wait.ts";

/** What frames and lines are read from: a socket, or the read end of a pipe. */
export interface ByteSource {
  /** Its handle. */
  readonly handle: StreamHandle | ReadHandle | StdinHandle;
  /** How long a read may wait, in milliseconds; `undefined` for ever. */
  readonly timeout: number | undefined;
}

function hasHandle(source: ByteSource): boolean {
  const isObject = typeof source === "object" && source !== null;
  return isObject && hasMethod(source, "recv") && hasMethod(source.handle?.reader, "beginFraming");
}

/** An operation that waits for what `framing` delimits; asked for anew each time it is waited for. */
export function readFramed<T>(
  verb: string,
  source: ByteSource,
  framing: () => Framing<T>,
): Operation<T> {
  const handle = hasHandle(source) ? source.handle : undefined;
  if (handle === undefined) {
    throw new TypeError(
      `Cannot read from ${show(source)}: it must be a socket, or the read end of a pipe`,
    );
  }
  return operation(
    { toString: () => `${verb}(${handle})` },
    (wait: Wait<T>) => handle.reader.beginFraming(wait, framing(), source.timeout),
  );
}

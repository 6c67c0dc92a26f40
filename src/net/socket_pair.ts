/** A connected pair of sockets: `socketpair` of C and Python. */
import { type MemoryStreamOptions, memoryStreamPair } from "../io/memory_stream.ts";
import { StreamHandle } from "../io/stream.ts";
import { nextName } from "../kernel/names.ts";
import { Socket } from "./socket.ts";

/**
 * Two sockets that are connected with each other, as two ends of a unix socket would be, but in memory: nobody
 * else can take part, and no permission is needed. For tests, and for handing one end to code that wants a
 * socket. They work with `poll` and `select`, too.
 *
 * Both belong to the run of the current task, if there is one. A task that waits on one is not noticed by the
 * deadlock check: it cannot tell who might send.
 *
 * @example A handler without a server
 * ```ts
 * import { run, type Socket, socketPair, spawn } from "@weft/weft";
 * async function* shout(socket: Socket) {
 *   yield* socket.sendAll(new TextEncoder().encode(decode(yield* socket.recv()).toUpperCase()));
 *   socket.close();
 * }
 * const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
 * await run(async function* () {
 *   const [here, there] = socketPair();
 *   spawn(shout, there);
 *   yield* here.sendAll(new TextEncoder().encode("hello"));
 *   if (decode(yield* here.recvExactly(5)) !== "HELLO") throw new Error();
 * });
 * ```
 *
 * @param options How much each direction holds, and how much a read brings: with a `chunk` of 1 every message
 *   comes in pieces.
 * @returns The two ends.
 * @throws {RangeError} If an option is not a whole number of at least 1, or `Infinity`.
 */
export function socketPair(
  options: MemoryStreamOptions = {},
): [Socket<Deno.UnixAddr>, Socket<Deno.UnixAddr>] {
  const [a, b] = memoryStreamPair(options);
  return [end(a), end(b)];
}

function end(native: ReturnType<typeof memoryStreamPair>[number]): Socket<Deno.UnixAddr> {
  return new Socket(new StreamHandle(native, nextName("Socket")));
}

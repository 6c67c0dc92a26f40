/** What tests of sockets share: a connected pair, bytes that can be told apart, and raw peers. */
import net from "node:net";
import { connect, listen, type Operation, type Socket, spawn, type Task, wait } from "@weft/weft";
import { sequence } from "@weft/weft/lowlevel";

/** Two ends of one TCP connection, in the run of the current task. */
export function tcpPair(): Operation<[Socket, Socket]> {
  return sequence("tcpPair()", function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.localAddr;
    const client = yield* connect({ hostname: "127.0.0.1", port });
    const server = yield* listener.accept();
    return [server, client];
  });
}

/** A weft socket whose other end is Deno's own connection, which does just what the test tells it. */
export function tcpToRaw(): Operation<[Socket, Deno.TcpConn]> {
  return sequence("tcpToRaw()", function* () {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const socket = yield* connect({ hostname: "127.0.0.1", port });
    const raw = yield* wait(listener.accept() as Promise<Deno.TcpConn>);
    return [socket, raw];
  });
}

/** Bytes of which each differs from its neighbours and from those a chunk away. */
export function pattern(length: number, start = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = patternAt(start + i);
  return bytes;
}

/** The byte that {@linkcode pattern} has at a place. */
export function patternAt(at: number): number {
  return (at * 31 + (at >>> 8) * 7 + (at >>> 16)) & 0xff;
}

/** Throws unless `bytes` continue the pattern at `start`. */
export function checkPattern(bytes: Uint8Array, start: number): void {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== patternAt(start + i)) throw new Error(`byte ${start + i} is wrong`);
  }
}

/** Receives to the end of the stream; gives the number of bytes that came. */
export function countToEnd(socket: { recv(n?: number): Operation<Uint8Array> }): Operation<number> {
  return sequence("countToEnd()", function* () {
    let count = 0;
    for (;;) {
      const bytes = yield* socket.recv();
      if (bytes.length === 0) return count;
      count += bytes.length;
    }
  });
}

/** Text as bytes. */
export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes as text. */
export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The error that an operation throws, or `undefined`. */
export function errorOf(operation: Operation<unknown>): Operation<unknown> {
  return sequence("errorOf()", function* () {
    try {
      yield* operation;
      return undefined;
    } catch (error) {
      return error;
    }
  });
}

/** A task of one operation. */
export function start<T>(operation: Operation<T>): Task<T> {
  return spawn(function* () {
    return yield* operation;
  });
}

/** A small generator of numbers that are the same on each run: mulberry32. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A connection that can be reset: Node's sockets can, Deno's cannot. */
export async function resettable(port: number): Promise<NodeSocket> {
  const socket = net.connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

/** A socket of Node's. */
export type NodeSocket = net.Socket;

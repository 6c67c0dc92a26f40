/**
 * What serves a connection or a datagram: a function, or a class after the manner of socketserver's
 * `StreamRequestHandler`, with one object for each connection or datagram. Both run in every engine.
 */
import { show } from "../kernel/printable.ts";
import type { UdpAddress, UnixAddress } from "../net/datagram_socket.ts";
import type { Socket } from "../net/socket.ts";
import { isTaskBody } from "../parallel/jobs.ts";
import { begun, type Work } from "../tasks/perform.ts";
import type { Client } from "./client.ts";

/**
 * A handler as a function: the body of a connection's task.
 *
 * @typeParam A The kind of addresses.
 */
export type StreamFunction<A extends Deno.Addr = Deno.Addr> = (
  socket: Socket<A>,
  client: Client<A>,
) => Generator<unknown, unknown, never> | AsyncGenerator<unknown, unknown, never>;

/** A step of a handler: done when it returns, or what the server is to wait for. */
export type Step = Work<unknown> | void;

/** A handler as an object: made for one connection, and then told to do its three steps. */
export interface StreamHandler {
  /** Comes first. If it fails, nothing else is called. */
  setup?(): Step;
  /** Serves the connection. */
  handle(): Step;
  /** Comes last, also when `handle` has failed or was cancelled. */
  finish?(): Step;
}

/**
 * A handler as a class.
 *
 * @typeParam A The kind of addresses.
 */
export type StreamClass<A extends Deno.Addr = Deno.Addr> = new (
  socket: Socket<A>,
  client: Client<A>,
) => StreamHandler;

/** Whether a handler is a class with the method `handle`. */
export function isHandlerClass(handler: unknown): handler is new (...args: never) => object {
  return typeof handler === "function" && !isTaskBody(handler) &&
    typeof (handler.prototype as { handle?: unknown } | undefined)?.handle === "function";
}

/** Makes sure that something can serve connections. */
export function checkStreamHandler(handler: unknown): void {
  if (isTaskBody(handler) || isHandlerClass(handler)) return;
  throw new TypeError(
    `Cannot serve with ${
      show(handler)
    }: a handler is a function* or an async function* that takes a socket, ` +
      "or a class with a method handle()",
  );
}

/** Serves one connection to its end; for `yield*` inside a sequence. */
export function* runStreamHandler(
  handler: StreamFunction | StreamClass,
  socket: Socket,
  client: Client,
): Generator<unknown, unknown, unknown> {
  if (isHandlerClass(handler)) {
    return yield* runSteps(new (handler as StreamClass)(socket, client));
  }
  return yield* begun((handler as StreamFunction)(socket, client));
}

/** The three steps of a handler; gives what `handle` has returned. */
export function* runSteps(
  handler: { setup?(): Step; handle(): unknown; finish?(): Step },
): Generator<unknown, unknown, unknown> {
  yield* step(handler.setup?.());
  try {
    return yield* step(handler.handle());
  } finally {
    yield* step(handler.finish?.());
  }
}

/** Waits for a step, if it is to be waited for. */
export function* step(work: unknown): Generator<unknown, unknown, unknown> {
  const isWork = typeof work === "object" && work !== null &&
    ("then" in work || Symbol.iterator in work && "next" in work || Symbol.asyncIterator in work);
  return isWork ? yield* begun(work as Exclude<Work<unknown>, () => unknown>) : work;
}

/** What goes back to the sender: a datagram, several, or none. */
export type Reply = Uint8Array | readonly Uint8Array[] | null | undefined | void;

/** What a handler returns: a reply, or something to wait for that gives one. */
export type ReplyWork = Reply | Work<Reply>;

/**
 * A handler as a function: a plain one, an async one, or a task body. What it returns is sent back.
 *
 * @typeParam P The kind of addresses.
 */
export type DatagramFunction<P = UdpAddress> = (data: Uint8Array, peer: P) => ReplyWork;

/** A handler as an object: made for one datagram. What `handle` returns is sent back after `finish`. */
export interface DatagramHandler {
  /** Comes first. If it fails, nothing else is called. */
  setup?(): Step;
  /** Serves the datagram. */
  handle(): ReplyWork;
  /** Comes last, also when `handle` has failed or was cancelled. */
  finish?(): Step;
}

/** What serves datagrams, whatever their addresses. */
export type AnyDatagramHandler = DatagramFunction<never> | DatagramClass<never>;

/**
 * A handler as a class.
 *
 * @typeParam P The kind of addresses.
 */
export type DatagramClass<P = UdpAddress> = new (data: Uint8Array, peer: P) => DatagramHandler;

/** Makes sure that something can serve datagrams. */
export function checkDatagramHandler(handler: unknown): void {
  if (typeof handler === "function") return;
  throw new TypeError(
    `Cannot serve with ${show(handler)}: a handler is a function that takes a datagram and its ` +
      "sender, or a class with a method handle()",
  );
}

/** Serves one datagram; gives what is to be sent back. For `yield*` inside a sequence. */
export function* runDatagramHandler(
  handler: AnyDatagramHandler,
  data: Uint8Array,
  peer: UdpAddress | UnixAddress,
): Generator<unknown, readonly Uint8Array[], unknown> {
  const reply = isHandlerClass(handler)
    ? yield* runSteps(new (handler as DatagramClass<typeof peer>)(data, peer))
    : yield* step((handler as DatagramFunction<typeof peer>)(data, peer));
  if (reply === undefined || reply === null) return [];
  if (reply instanceof Uint8Array) return [reply];
  if (Array.isArray(reply) && reply.every((one) => one instanceof Uint8Array)) return reply;
  throw new TypeError(
    `Cannot reply with ${
      show(reply)
    }: a handler gives a Uint8Array, several in an array, or nothing`,
  );
}

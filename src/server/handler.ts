/**
 * What serves a connection: a task body, or a class after the manner of `StreamRequestHandler`, with one
 * object for each connection. Both run in every engine.
 */
import { show } from "../kernel/printable.ts";
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

/** The three steps of a handler; gives what `handle` has come to. */
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

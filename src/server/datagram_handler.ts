/** What serves a datagram: a function of it, or a class with the three steps of a stream's handler. */
import { show } from "../kernel/printable.ts";
import type { Work } from "../tasks/perform.ts";
import type { UdpAddress, UnixAddress } from "../net/datagram_socket.ts";
import { isHandlerClass, runSteps, type Step, step } from "./handler.ts";

/** What goes back to the sender: a datagram, several, or none. */
export type Reply = Uint8Array | readonly Uint8Array[] | null | undefined | void;

/** What a handler comes to: a reply, or something to wait for that gives one. */
export type ReplyWork = Reply | Work<Reply>;

/**
 * A handler as a function: a plain one, an async one, or a task body. What it comes to is sent back.
 *
 * @typeParam P The kind of addresses.
 */
export type DatagramFunction<P = UdpAddress> = (data: Uint8Array, peer: P) => ReplyWork;

/** A handler as an object: made for one datagram. What `handle` comes to is sent back after `finish`. */
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

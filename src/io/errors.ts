/**
 * The errors of IO, and the count of bytes that a failed send had handed over.
 *
 * A lost connection is nobody's mistake, so it has a class of its own: {@linkcode BrokenError} (outside)
 * stands beside the kernel's `ClosedError` (you) and `BusyError` (two tasks).
 *
 * How far a send had got when it was cut short belongs to the error that cut it, and that error is
 * the kernel's: a `Cancelled` must pass through unwrapped, or the scope that made it would not know it
 * again. So the count is attached to it as a property, and {@linkcode bytesSent} reads it, also through
 * the `cause` of a timeout around the send.
 *
 * On Linux the error that broke a connection sits with the socket until some call reports it, and
 * poll shows `ERR` just as long: here as a {@linkcode Fault}, which the halves of a stream share.
 */
import { isInstance } from "../kernel/checks.ts";
import { errorText, show } from "../kernel/printable.ts";

/** The other side, the network or the host broke a connection; `cause` is the Deno error. */
export class BrokenError extends Error {
  /** The class name. */
  override readonly name: string = "BrokenError";
}

/** The other side ended the stream in the middle of something: what came is in `partial`. */
export class IncompleteError extends Error {
  /** The class name. */
  override readonly name: string = "IncompleteError";
  /** The bytes that did come; they have been taken. */
  readonly partial: Uint8Array;
  /** How many bytes were asked for, or `undefined` if that was not a number of bytes. */
  readonly expected: number | undefined;

  /** Says what was asked for and how much of it came. */
  constructor(message: string, partial: Uint8Array, expected?: number) {
    super(message);
    this.partial = partial;
    this.expected = expected;
  }

  /** How many bytes were missing, or `undefined` where nobody can tell, as with a line. */
  get missing(): number | undefined {
    return this.expected === undefined ? undefined : this.expected - this.partial.length;
  }
}

/** Something that was to be read or sent as one piece is longer than allowed. */
export class LimitError extends Error {
  /** The class name. */
  override readonly name: string = "LimitError";
  /** How many bytes are allowed. */
  readonly limit: number;
  /** How many it announced, or had brought when it was refused. */
  readonly length: number;

  /** Says how long it may be, and how long it is. */
  constructor(message: string, limit: number, length: number) {
    super(message);
    this.limit = limit;
    this.length = length;
  }
}

/**
 * How many bytes of its data a `send` or `sendAll` had handed over when it failed with `error`: those
 * go out, the rest never will. 0 if it had not begun.
 *
 * One error may end several sends, when a task has more than one under way; it then tells of the last.
 *
 * @example After a timeout
 * ```ts
 * import { bytesSent, connect, listen, run, TimeoutError, withTimeout } from "@weft/weft";
 * await run(async function* () {
 *   using listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   using socket = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
 *   const data = new Uint8Array(50_000_000); // more than the host takes for a peer that never reads
 *   try {
 *     yield* withTimeout(50, socket.sendAll(data));
 *   } catch (error) {
 *     if (!(error instanceof TimeoutError)) throw error;
 *     if (bytesSent(error) === 0 || bytesSent(error) === data.length) throw new Error("not a part");
 *   }
 * });
 * ```
 *
 * @param error What the send threw, or a timeout error caused by it.
 * @returns The number of bytes.
 */
export function bytesSent(error: unknown): number {
  for (let at = error; isInstance(at, Error); at = at.cause) {
    if ("bytesSent" in at && typeof at.bytesSent === "number") return at.bytesSent;
  }
  return 0;
}

/** Attaches the count that {@linkcode bytesSent} reads. */
export function noteSent(error: unknown, bytes: number): void {
  if (error instanceof Error) (error as Error & { bytesSent?: number }).bytesSent = bytes;
}

/** The text of a host error, for a message that says what broke. */
export function reasonOf(error: unknown): string {
  return errorText(error);
}

/** Checks the count of bytes that a caller asks for. */
export function checkCount(n: number, least: number, what: string): void {
  if (Number.isSafeInteger(n) && n >= least) return;
  throw new RangeError(
    `Cannot ${what} ${show(n)} bytes: the count must be a whole number of at least ${least}`,
  );
}

/** Checks that a caller's data are bytes. */
export function checkBytes(data: unknown, what: string): void {
  // Before the careful look: this is asked for each message.
  if (ArrayBuffer.isView(data) && data instanceof Uint8Array) return;
  const hint = typeof data === "string" ? "; encode text with new TextEncoder().encode(text)" : "";
  throw new TypeError(`Cannot ${what} ${show(data)}: the data must be a Uint8Array${hint}`);
}

/** Whether something broke a connection, and whether a call has reported that. */
export class Fault {
  #state: "none" | "pending" | "told" = "none";

  /** Whether there was one that no call has reported yet. */
  get pending(): boolean {
    return this.#state === "pending";
  }

  /** The connection broke. Only the first time counts. */
  raise(): void {
    if (this.#state === "none") this.#state = "pending";
  }

  /** A call has reported it. */
  tell(): void {
    if (this.#state === "pending") this.#state = "told";
  }
}

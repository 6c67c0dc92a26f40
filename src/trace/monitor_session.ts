/**
 * One client of the monitor: lines in, answers out, and nothing that a client can do to the run but what
 * a command says.
 *
 * A client is taken for a stranger until it has typed a command: it may send garbage, never read, never
 * write, or be a browser that some web page has talked into posting a form. So lines are short, what waits
 * to be sent is what one answer holds, both directions have a limit in time, and whoever speaks HTTP is
 * shown the door before the body of the form comes.
 */
import { guarded } from "../kernel/callback.ts";
import { errorText } from "../kernel/printable.ts";
import { BrokenError } from "../io/errors.ts";
import { Cancelled, ClosedError, TimeoutError } from "../kernel/errors.ts";
import type { Scheduler } from "../kernel/scheduler.ts";
import type { Socket } from "../net/socket.ts";
import { answer } from "./console.ts";

/** The longest line, in bytes. */
const LINE_BYTES = 256;
/** How long a client may say nothing, in milliseconds. */
const IDLE_MS = 600_000;
/** How long it may leave an answer unread, in milliseconds. */
const UNREAD_MS = 5_000;

const NEWLINE = 10;

/** Serves a client to the end of its session, and closes its socket. */
export function* serveClient(
  socket: Socket,
  scheduler: Scheduler,
): Generator<unknown, void, unknown> {
  try {
    yield* say(socket, 'weft monitor; "help" lists the commands\n\n');
    for (let rest: Uint8Array = new Uint8Array(0);;) {
      const end = rest.indexOf(NEWLINE);
      if ((end === -1 ? rest.length : end) > LINE_BYTES) {
        return yield* say(socket, `Cannot read on: a line has at most ${LINE_BYTES} bytes\n`);
      }
      if (end === -1) {
        socket.timeout = IDLE_MS;
        const bytes = yield* socket.recv(LINE_BYTES);
        if (bytes.length === 0) return;
        rest = joined(rest, bytes);
        continue;
      }
      const line = new TextDecoder().decode(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      if (/ HTTP\/\d/.test(line)) return yield* say(socket, "Cannot speak HTTP\n");
      const { kind, text } = answer(scheduler, line);
      yield* say(socket, `${text}\n`);
      if (kind === "quit") return;
    }
  } catch (error) {
    // Never thrown: the session is no part of the run that it looks at, and must not fail it.
    if (error instanceof Cancelled) throw error;
    if (!isClientsAffair(error)) report(scheduler, error);
  } finally {
    socket.close();
  }
}

function* say(socket: Socket, text: string): Generator<unknown, void, unknown> {
  socket.timeout = UNREAD_MS;
  yield* socket.sendAll(new TextEncoder().encode(text));
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Tells the run that is looked at; its `warn` may throw, which is no affair of a session either. */
function report(scheduler: Scheduler, error: unknown): void {
  const warn = (): void =>
    scheduler.warn(`A session of the monitor has failed: ${errorText(error)}`);
  guarded(warn, "The run's warn", (message) => console.warn(message))();
}

/** It has gone, sleeps, does not read; or the monitor is closed. */
function isClientsAffair(error: unknown): boolean {
  return error instanceof BrokenError || error instanceof TimeoutError ||
    error instanceof ClosedError;
}

/**
 * Serving: a task for each connection, and an end that cuts off nobody.
 *
 * An accept loop in a group is written in two lines, but its end is not: connections that the host has
 * let in and nobody has accepted are reset when the listener closes. So the loop is here, once, and so
 * is its end: first the line is served, then what is being served gets a time of grace.
 */
import { Entered } from "../kernel/deadline.ts";
import { BOUND, checkMs, checkWhole } from "../kernel/checks.ts";
import { GroupError } from "../kernel/errors.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import type { TaskBody } from "../kernel/task.ts";
import { Semaphore } from "../sync/semaphore.ts";
import { checkBody } from "../tasks/body.ts";
import { Brood } from "../tasks/brood.ts";
import { perform } from "../tasks/perform.ts";
import { currentTask } from "../tasks/run.ts";
import { AcceptBackoff, acceptNext } from "./accepting.ts";
import type { Listener } from "./listener.ts";
import type { Socket } from "./socket.ts";

/** How to serve. */
export interface ServeOptions {
  /** How many milliseconds connections get to finish when the server is cancelled. @default {0} */
  grace?: number;
  /** How many connections are served at a time; who comes then waits in line. @default {Infinity} */
  maxConnections?: number;
}

/**
 * Runs a task for each connection that comes, until it is cancelled.
 *
 * The socket is closed when its task has ended. A task that fails ends the server: the other connections
 * are cancelled, and the error is thrown; catch in the handler what is only one client's affair. When
 * accepting fails (no descriptor is left, a newcomer has gone again), those who come wait in line for a
 * moment, and it is tried again. When the server is cancelled, it accepts those who are in line already,
 * closes the listener, gives its connections the time of grace, and cancels what is left.
 *
 * @example An echo server that ends well
 * ```ts
 * import { connect, listen, run, serve, type Socket, spawn } from "@weft/weft";
 * await run(function* () {
 *   const listener = listen({ hostname: "127.0.0.1", port: 0 });
 *   const server = spawn(function* () {
 *     yield* serve(listener, function* (socket: Socket) {
 *       for (let data; (data = yield* socket.recv(1024)).length > 0;) yield* socket.sendAll(data);
 *     }, { grace: 1000 });
 *   });
 *   const { port } = listener.localAddr as Deno.NetAddr;
 *   using client = yield* connect({ hostname: "127.0.0.1", port });
 *   yield* client.sendAll(new TextEncoder().encode("hello"));
 *   server.cancel();
 *   const reply = yield* client.recvExactly(5);
 *   if (new TextDecoder().decode(reply) !== "hello") throw new Error();
 *   client.closeWrite();
 *   yield* server.join();
 * });
 * ```
 *
 * @param listener Where they connect; closed in the end.
 * @param handler The body of a connection's task.
 * @param options A time of grace.
 * @returns An operation that ends only by a cancel or an error.
 */
export function serve<A extends Deno.Addr>(
  listener: Listener<A>,
  handler: TaskBody<[Socket<A>], unknown>,
  options: ServeOptions = {},
): Operation<never> {
  checkBody(handler, "serve with");
  const grace = checkMs(options.grace ?? 0, "a time of grace");
  const most = checkWhole(options.maxConnections ?? Infinity, "serve", "connections", BOUND);
  return sequence(`serve(${listener})`, function* () {
    using entered = new Entered();
    const brood = new Brood(`serve(${listener})`, currentTask(), (child) => {
      if (child.failed) entered.scope.abort("group", `"${child}" failed`, child.error);
    }, { grace });
    const room = new Semaphore(Math.min(most, Number.MAX_SAFE_INTEGER));
    const backoff = new AcceptBackoff();
    let end: unknown;
    try {
      for (;;) {
        yield* room.acquire();
        let socket: Socket<A>;
        try {
          socket = yield* acceptNext(listener, backoff);
        } catch (error) {
          room.release();
          throw error;
        }
        brood.spawn(handler, handler(socket)).watch(() => {
          socket.close();
          room.release();
        });
      }
    } catch (error) {
      end = error;
    }
    if (brood.errors.length > 0 || entered.scope.partAll(end).cancel === null) {
      listener.close();
      brood.cancel("the server failed", end);
    } else {
      for (const socket of yield* listener.drain()) {
        brood.spawn(handler, inTurn(room, handler, socket)).watch(() => socket.close());
      }
      brood.cancelled(end);
    }
    try {
      yield* brood.done();
    } catch {
      // The cancel that is thrown below anyway.
    }
    if (brood.errors.length > 0) throw new GroupError(brood.errors, "serve");
    throw end;
  });
}

/** Serves a connection that was in line at the end, as soon as there is room for it. */
function* inTurn<A extends Deno.Addr>(
  room: Semaphore,
  handler: TaskBody<[Socket<A>], unknown>,
  socket: Socket<A>,
): Generator<unknown, void, never> {
  using _ = yield* room.acquire();
  yield* perform(() => handler(socket));
}

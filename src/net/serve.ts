/**
 * Serving: a task for each connection, and an end that cuts off nobody.
 *
 * An accept loop in a group is written in two lines, but two things about it are not. Its end: connections
 * that the host has let in and nobody has accepted are reset when the listener closes; so first the line
 * is served, then what is being served gets a time of grace. And its failures: what goes wrong with one
 * client, or with one accept, is that client's affair. It is reported, and the server goes on.
 *
 * Rejected: to end the server with the first handler that fails, as a group does. One client that resets
 * its connection would cut off all the others.
 */
import { guarded } from "../kernel/callback.ts";
import {
  BOUND,
  checkInstance,
  checkMs,
  checkOptionalFunction,
  checkOptions,
  checkWhole,
} from "../kernel/checks.ts";
import { Entered } from "../kernel/scope.ts";
import { BusyError } from "../kernel/errors.ts";
import { type Operation, sequence } from "../kernel/operation.ts";
import { errorText } from "../kernel/printable.ts";
import { schedulerOf } from "../kernel/scheduler.ts";
import type { TaskBody } from "../kernel/generators.ts";
import { Semaphore } from "../sync/semaphore.ts";
import { checkBody, type EitherGenerator, type Hint, perform } from "../tasks/perform.ts";
import { ChildTasks } from "../tasks/child_tasks.ts";
import { currentTask } from "../tasks/run.ts";
import { AcceptBackoff, acceptNext, Listener } from "./listener.ts";
import { addressText } from "./address.ts";
import type { Socket } from "./socket.ts";

/** How to serve. */
export interface ServeOptions<A extends Deno.Addr = Deno.Addr> {
  /** How many milliseconds connections get to finish when the server is cancelled. @default {0} */
  grace?: number;
  /** How many connections are served at a time; who comes then waits in line. @default {Infinity} */
  limit?: number;
  /**
   * Called with what a handler failed with, and its client's address; and, with no address, for the first of
   * several failures in a row to accept a client. What it throws becomes a warning. @default a warning of the run
   */
  onError?: (error: unknown, peer: A | undefined) => unknown;
}

/** The listeners that are being served. */
const served = new WeakSet<object>();

/**
 * Runs a task for each connection that comes, until it is cancelled.
 *
 * The socket is closed when its task has ended. A task that fails is reported by `onError`, and the server goes
 * on. When accepting fails (no descriptor is left, a newcomer has gone again), those who come wait in line
 * for a moment, and it is tried again. When the server is cancelled, it accepts those who are in line
 * already, closes the listener, gives its connections the time of grace, and cancels what is left.
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
 * @param options A time of grace, a limit, who hears of failures.
 * @returns An operation that ends only by a cancel or an error.
 * @throws {BusyError} If another task serves the listener or accepts on it; that one is not disturbed.
 * @throws {ClosedError} If the listener is closed, or is being closed meanwhile.
 */
export function serve<A extends Deno.Addr>(
  listener: Listener<A>,
  handler: TaskBody<[Socket<A>], unknown>,
  options?: ServeOptions<A>,
): Operation<never>;
/** Never fits: it is what the compiler shows when a handler is none. */
export function serve<A extends Deno.Addr>(
  listener: Listener<A>,
  handler: Hint<
    "a handler is a function* or an async function*: write (async function* (socket) { ... })"
  >,
  options?: ServeOptions<A>,
): Operation<never>;
export function serve<A extends Deno.Addr>(
  listener: Listener<A>,
  given: TaskBody<[Socket<A>], unknown> | Hint<string>,
  options: ServeOptions<A> = {},
): Operation<never> {
  const handler = given as TaskBody<[Socket<A>], unknown>;
  checkBody(handler, "serve with");
  checkInstance(listener, Listener, "a listener");
  checkOptions(options, "serve()");
  checkOptionalFunction(options.onError, "onError");
  const grace = checkMs(options.grace ?? 0, "a time of grace");
  const most = checkWhole(options.limit ?? Infinity, "serve", "connections", BOUND);
  return sequence(`serve(${listener})`, function* () {
    if (served.has(listener)) throw new BusyError(`Cannot serve ${listener}: another serve() does`);
    served.add(listener);
    try {
      return yield* new AcceptLoop(listener, handler, grace, most, options.onError).run();
    } finally {
      served.delete(listener);
    }
  });
}

/** One listener while it is being served, by the current task. */
class AcceptLoop<A extends Deno.Addr> {
  readonly #listener: Listener<A>;
  readonly #handler: TaskBody<[Socket<A>], unknown>;
  readonly #report: (error: unknown, peer: A | undefined) => void;
  readonly #children: ChildTasks;
  readonly #room: Semaphore;

  constructor(
    listener: Listener<A>,
    handler: TaskBody<[Socket<A>], unknown>,
    grace: number,
    most: number,
    onError: ServeOptions<A>["onError"],
  ) {
    const name = `serve(${listener})`;
    const task = currentTask();
    const scheduler = schedulerOf(task);
    const warn = (text: string): void => scheduler.warn(text);
    this.#listener = listener;
    this.#handler = handler;
    this.#report = guarded(
      onError ?? ((error, peer) => warn(`${name}: ${failedText(peer)}: ${errorText(error)}`)),
      `The onError of ${name}`,
      warn,
    );
    // A failure is reported when its task ends. Kept, they would pile up as long as the server is up.
    this.#children = new ChildTasks(name, task, () => void (this.#children.errors.length = 0), {
      grace,
    });
    this.#room = new Semaphore(Math.min(most, Number.MAX_SAFE_INTEGER));
  }

  *run(): Generator<unknown, never, unknown> {
    using entered = new Entered();
    let end: unknown;
    try {
      yield* this.#accept();
    } catch (error) {
      end = error;
    }
    if (entered.scope.partAll(end).cancel !== null) {
      for (const socket of yield* this.#listener.drain()) {
        this.#spawn(socket, () => this.#inTurn(socket));
      }
      this.#children.cancelled(end);
    } else {
      if (!(end instanceof BusyError)) this.#listener.close();
      this.#children.cancel("the server failed", end);
    }
    try {
      yield* this.#children.done();
    } catch {
      // The cancel that is thrown below anyway.
    }
    throw end;
  }

  /** Lets in one after the other, as there is room for them. */
  *#accept(): Generator<unknown, never, unknown> {
    const backoff = new AcceptBackoff();
    let isTold = false;
    const failed = (error: unknown): void => {
      if (!isTold) this.#report(error, undefined);
      isTold = true;
    };
    for (;;) {
      yield* this.#room.acquire();
      let socket: Socket<A>;
      try {
        socket = yield* acceptNext(this.#listener, backoff, failed);
      } catch (error) {
        this.#room.release();
        throw error;
      }
      isTold = false;
      this.#spawn(socket, () => this.#handler(socket), () => this.#room.release());
    }
  }

  /** Starts the task of a connection, and sees to its end. */
  #spawn(
    socket: Socket<A>,
    body: () => EitherGenerator<unknown>,
    ended: () => void = () => {},
  ): void {
    const over = (): void => {
      socket.close();
      ended();
    };
    let made: EitherGenerator<unknown>;
    try {
      made = body();
    } catch (error) { // a default value among its parameters
      over();
      return this.#report(error, socket.remoteAddr);
    }
    this.#children.spawn(this.#handler, made).watch((task) => {
      over();
      if (task.failed) this.#report(task.error, socket.remoteAddr);
    });
  }

  /** Serves a connection that was in line at the end, as soon as there is room for it. */
  *#inTurn(socket: Socket<A>): Generator<unknown, void, never> {
    using _ = yield* this.#room.acquire();
    yield* perform(() => this.#handler(socket));
  }
}

function failedText(peer: Deno.Addr | undefined): string {
  return peer === undefined
    ? "accepting failed, and is tried again"
    : `the connection from ${addressText(peer)} failed`;
}

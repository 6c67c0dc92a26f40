/** What a handler gets beside its socket: what the server knows of the connection. */
import { checkPart } from "../kernel/checks.ts";
import { Socket } from "../net/socket.ts";
import type { Operation } from "../kernel/operation.ts";

/**
 * One connection of a {@linkcode StreamServer}.
 *
 * @typeParam A The kind of its addresses.
 */
export class Client<A extends Deno.Addr = Deno.Addr> {
  /** Where the client is; also when the connection has been closed. */
  readonly peer: A;
  readonly #socket: Socket<A>;
  readonly #server: { readonly isClosing: boolean };
  /** How many reads had been served when the wait for the next request began. */
  #servedBefore = -1;

  /** Made by the server. */
  constructor(socket: Socket<A>, server: { readonly isClosing: boolean }) {
    this.#socket = checkPart(socket, Socket, "Client", "a server");
    this.#server = server;
    this.peer = socket.remoteAddr;
  }

  /** Whether the server is being shut down: answer what was asked, and end. */
  get isClosing(): boolean {
    return this.#server.isClosing;
  }

  /**
   * Whether nothing is being done: the handler waits in a {@linkcode between}, and nothing has arrived. Such a
   * connection is closed at once when the server shuts down.
   */
  get isIdle(): boolean {
    const { reader } = this.#socket.handle;
    return reader.waits && reader.held === 0 && reader.served === this.#servedBefore;
  }

  /**
   * Waits for the next request: the same operation, marked as one that nobody would miss. A connection
   * that stands in one when the server shuts down, and of whose request nothing has arrived, is closed at
   * once; any other gets the time of grace.
   *
   * @example A server of lines
   * ```ts
   * import { connect, readLine, run, spawn, StreamServer } from "@weft/weft";
   * await run(async function* () {
   *   const server = new StreamServer(async function* (socket, client) {
   *     for (let line; (line = yield* client.between(readLine(socket))) !== null;) {
   *       yield* socket.sendAll(new TextEncoder().encode(`${line}!\n`));
   *     }
   *   }, { hostname: "127.0.0.1" });
   *   const serving = spawn(function* () {
   *     yield* server.serveForever();
   *   });
   *   using socket = yield* connect({ port: (server.address as Deno.NetAddr).port });
   *   yield* socket.sendAll(new TextEncoder().encode("hello\n"));
   *   if ((yield* readLine(socket)) !== "hello!") throw new Error();
   *   yield* server.shutdown(); // waits for nobody: the client has asked nothing more
   *   yield* serving.join();
   * });
   * ```
   *
   * Nothing is wrapped around the operation, so this costs nothing.
   *
   * @typeParam O The operation.
   * @param request Reads the request, or its first part, from the connection's socket; to be waited for at once.
   * @returns The same operation.
   */
  between<O extends Operation<unknown>>(request: O): O {
    this.#servedBefore = this.#socket.handle.reader.served;
    return request;
  }
}

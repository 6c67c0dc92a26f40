/**
 * Handlers that a worker can find: a worker loads its functions and classes by module and name, so those
 * that serve in one are made known where they are declared.
 */
import { checkObject } from "../kernel/checks.ts";
import {
  type AnyClass,
  type AnyFunction,
  checkMeta,
  findClass,
  findJob,
  jobs,
  ownPlace,
  type Place,
  processes,
  whileLoading,
} from "../parallel/jobs.ts";
import { isHandlerClass } from "./handler.ts";

/** Where a handler is declared. */
export type HandlerAddress = Place;

/**
 * Makes handlers of this module known, functions and classes, so that servers with the engine `worker` can
 * be given them. Call it at the top level of the module; what that does besides happens in each
 * worker, too, so keep the program itself under `if (import.meta.main)`.
 *
 * @example A server on every processor
 * ```ts ignore
 * // server.ts, run with "unstable": ["net"]
 * import { handlers, run, type Socket, StreamServer } from "@weft/weft";
 *
 * const { greet } = handlers(import.meta, {
 *   async *greet(socket: Socket) {
 *     yield* socket.sendAll(new TextEncoder().encode("hello\n"));
 *   },
 * });
 *
 * if (import.meta.main) {
 *   await run(async function* () {
 *     const server = new StreamServer(greet, { port: 7000, engine: "worker" });
 *     yield* server.serveForever();
 *   });
 * }
 * ```
 *
 * @typeParam T The handlers, by name.
 * @param meta Pass `import.meta`.
 * @param table The handlers.
 * @returns The same handlers.
 * @throws {TypeError} If one is no function or class, or was made known before.
 */
export function handlers<T extends Record<string, AnyFunction | AnyClass>>(
  meta: { readonly url: string },
  table: T,
): T {
  checkMeta(meta, "handlers");
  checkObject(table, "handlers by name");
  for (const [name, handler] of Object.entries<unknown>(table)) {
    if (isHandlerClass(handler)) processes(meta, { [name]: handler as AnyClass });
    else jobs(meta, { [name]: handler as () => unknown });
  }
  return table;
}

/**
 * Where a handler is declared.
 *
 * @throws {TypeError} If it was not made known; the message says what to write.
 */
export function addressOfHandler(handler: AnyFunction | AnyClass): HandlerAddress {
  const found = ownPlace(handler);
  if (found !== undefined) return { url: found.url, name: found.name };
  const name = /^[\w$]+$/.test(handler.name) ? handler.name : "handler";
  throw new TypeError(
    `Cannot serve with ${name} in a worker: a worker finds its handlers by module and name. ` +
      `At the top level of a module write "handlers(import.meta, { ${name} })"`,
  );
}

/** Loads a handler, in a worker. */
export async function loadHandler({ url, name }: HandlerAddress): Promise<unknown> {
  await whileLoading(import(url));
  const handler = findJob(url, name) ?? findClass(url, name);
  if (handler === undefined) throw new TypeError(`Cannot find the handler "${name}" in ${url}`);
  return handler;
}

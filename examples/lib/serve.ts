/**
 * The life of an example server: flags, the one line that says it is ready, the stop on a signal, and
 * the self-test of a server that was told no port.
 */
import {
  all,
  cpuCount,
  type DatagramServer,
  race,
  type ServerEngine,
  signals,
  type StreamServer,
  type Work,
} from "@weft/weft";
import { type Flags, type Given, mustHave, refuse } from "./cli.ts";

/** The engines that there are. */
const ENGINES: readonly ServerEngine[] = ["sequential", "coroutine", "poll", "worker"];

/** Most workers that may be asked for. */
const MOST_WORKERS = 64;

/** The flags of a server's address. Without `--port` it tests itself. */
export const PLACE_FLAGS = { string: { hostname: "127.0.0.1" }, number: { port: -1 } };

/** What `--help` says of {@linkcode PLACE_FLAGS}. */
export const PLACE_HELP = `
  --port N         stays up until SIGINT or SIGTERM; 0 takes a free port;
                   without it, the server tests itself and ends
  --hostname HOST  the address to bind (127.0.0.1)`;

/** The flags of every echo server beside its address. */
export const ENGINE_FLAGS = { string: { engine: "coroutine" }, number: { workers: NaN } };

/** The flags of an echo server with a port. */
export const SERVER_FLAGS: Flags = {
  string: { ...ENGINE_FLAGS.string, ...PLACE_FLAGS.string },
  number: { ...ENGINE_FLAGS.number, ...PLACE_FLAGS.number },
};

/** What `--help` says of {@linkcode ENGINE_FLAGS}. */
export const ENGINE_HELP = `
  --engine NAME    sequential: one client after the other
                   coroutine: a task for each (the default)
                   poll: one loop around an event registry
                   worker: several threads; on TCP each serves its clients, on UDP they do the work
  --workers N      how many workers, for that engine, 1 to ${MOST_WORKERS} (one per processor)`;

/** What `--help` says of {@linkcode SERVER_FLAGS}. */
export const SERVER_HELP = PLACE_HELP + ENGINE_HELP;

/** The engine of that name, if it is among those that there are. */
export function chooseEngine(name: string, names: readonly ServerEngine[] = ENGINES): ServerEngine {
  const engine = names.find((one) => one === name);
  if (engine === "worker") mustHave('Engine "worker"', "read");
  if (engine !== undefined) return engine;
  const choice = `choose one of ${names.join(", ")}`;
  if (name === "worker") {
    refuse(`Engine "worker" is not there for unix sockets, which threads cannot share; ${choice}`);
  }
  refuse(`Unknown engine "${name}"; ${choice}`);
}

/** Where a server is to be, by which engine, and whether only to test itself, as the flags say. */
export function readPlace({ string, number }: Given) {
  const port = checkPort(number.port!);
  return {
    isTest: port < 0,
    hostname: string.hostname!,
    port: Math.max(port, 0),
    engine: chooseEngine(string.engine!),
    workers: checkWorkers(number.workers!),
  };
}

/** Opens a socket; refuses the arguments, in one line, if the host does. */
export function openOrRefuse<T>(what: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    refuse(`Cannot listen on ${what}: ${(error as Error).message}`);
  }
}

/** The port, if it is one. */
export function checkPort(port: number): number {
  if (port > 65535) refuse(`Option --port must be from 0 to 65535; got "${port}"`);
  return port;
}

/** How many workers to have; `NaN` says that nobody said. */
export function checkWorkers(count: number): number {
  if (count < 1 || count > MOST_WORKERS) {
    refuse(`Option --workers must be from 1 to ${MOST_WORKERS}; got "${count}"`);
  }
  return Number.isNaN(count) ? Math.min(cpuCount(), MOST_WORKERS) : count;
}

/** An address as a ready server prints it. */
export function show(address: { hostname: string; port: number }): string {
  const { hostname, port } = address;
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** An address of any kind as a ready server prints it. */
function placeOf(address: Deno.Addr): string {
  return "path" in address ? address.path : show(address as Deno.NetAddr);
}

/**
 * Serves with all of these, as long as `test` runs, or else until SIGINT or SIGTERM. Once all are ready it
 * says where each is; one line stands for TCP and UDP on the same port. Cancelled by `race`, a server ends
 * in order: what was begun is finished within its time of grace. To end at once, send a
 * second signal, which ends the process at once.
 */
export async function* serve(
  servers: readonly (StreamServer | DatagramServer)[],
  test: (() => AsyncGenerator<unknown, void, unknown>) | null,
) {
  yield* race([
    () => serveAll(servers),
    async function* () {
      const places = new Set<string>();
      for (const server of servers) places.add(placeOf(yield* server.ready()));
      if (test !== null) return yield* test();
      using stop = signals("SIGINT", "SIGTERM");
      for (const place of places) console.log(`listening on ${place}`);
      yield* stop.next();
      stop.close();
    },
  ]);
}

async function* serveAll(servers: readonly (StreamServer | DatagramServer)[]) {
  yield* all(servers.map((server) => server.serveForever()));
}

/**
 * Serves until SIGINT or SIGTERM. `race` cancels the server then, and ends when it has cleaned up;
 * a second signal ends the process at once.
 */
export async function* serveUntilSignal(
  where: string | readonly string[],
  server: Work<unknown>,
) {
  using stop = signals("SIGINT", "SIGTERM");
  for (const place of [where].flat()) console.log(`listening on ${place}`);
  yield* race([server, async function* () {
    yield* stop.next();
    stop.close();
  }]);
}

/** Serves as long as the test of it runs. */
export async function* serveDuring(test: Work<unknown>, server: Work<unknown>) {
  yield* race([test, server]);
}

/**
 * Whether the host refused something (too many open files, say), and not the program itself. Deno gives some
 * of these errors no code, only a number in the text.
 */
export function isHostError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return ("code" in error && typeof error.code === "string") ||
    /\(os error \d+\)/.test(error.message);
}

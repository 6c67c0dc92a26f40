/**
 * `select()` over a listener, its clients and standard input: the oldest way to serve many in one loop. Watch what
 * it costs: the lists are made and walked anew for each answer, ready or not; compare `poll_server.ts`, whose
 * registry remembers them. A line on stdin goes to every client, and what a client sends comes back in capitals.
 *
 *     deno run --allow-net examples/select_loop.ts
 *     deno run --allow-net examples/select_loop.ts --port 7000
 */
import {
  BrokenError,
  connect,
  listen,
  type Listener,
  type PipeReader,
  run,
  select,
  type Socket,
  stdin,
  WouldBlock,
} from "@weft/weft";
import { decode, encode, upperCase } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";
import {
  checkPort,
  isHostError,
  openOrRefuse,
  PLACE_FLAGS,
  PLACE_HELP,
  serveDuring,
  serveUntilSignal,
  show,
} from "./lib/serve.ts";

const { string, number } = readArgs(
  `Upper-case echo on TCP, by select(). A line on stdin goes to every client.

  deno run --allow-net examples/select_loop.ts
${PLACE_HELP}`,
  PLACE_FLAGS,
);
const hostname = string.hostname!;
const port = checkPort(number.port!);

/** How long newcomers are left in line when the host has no descriptor for them, in milliseconds. */
const PAUSE_MS = 100;

/** Serves everybody, in one loop. A client that has not taken its answer is waited for to take it. */
async function* loop(listener: Listener) {
  using input = stdin();
  const owed = new Map<Socket, Uint8Array>();
  const sources = new Set<Listener | PipeReader>([listener, input]);
  try {
    for (;;) {
      const idle = [...owed].flatMap(([client, rest]) => rest.length === 0 ? [client] : []);
      const behind = [...owed.keys()].filter((client) => !idle.includes(client));
      const pause = sources.has(listener) ? undefined : PAUSE_MS;
      const [readable, writable] = yield* select([...sources, ...idle], behind, [], pause);
      sources.add(listener);
      for (const source of [...readable, ...writable]) {
        try {
          if (source === listener) {
            owed.set(listener.tryAccept(), new Uint8Array(0));
          } else if (source === input) {
            const line = input.tryRecv();
            if (line.length === 0) sources.delete(input);
            for (const client of idle) serve(client, owed, line);
          } else {
            const client = source as Socket;
            const rest = owed.get(client);
            if (rest !== undefined) serve(client, owed, rest.length > 0 ? rest : null);
          }
        } catch (error) {
          if (error instanceof WouldBlock || error instanceof BrokenError) continue;
          if (source !== listener || !isHostError(error)) throw error;
          sources.delete(listener);
        }
      }
    }
  } finally {
    for (const client of owed.keys()) client.close();
  }
}

/** Sends to one client what it takes now: `bytes`, or else what came from it. Closes it when it has gone. */
function serve(client: Socket, owed: Map<Socket, Uint8Array>, bytes: Uint8Array | null): void {
  try {
    const answer = bytes ?? upperCase(client.tryRecv());
    if (answer.length > 0 || bytes !== null) {
      owed.set(client, answer.subarray(trySend(client, answer)));
      return;
    }
  } catch (error) {
    if (error instanceof WouldBlock) return;
    if (!(error instanceof BrokenError)) throw error;
  }
  owed.delete(client);
  client.close();
}

/** Sends what a client takes now; gives how much. */
function trySend(client: Socket, bytes: Uint8Array): number {
  try {
    return client.trySend(bytes);
  } catch (error) {
    if (error instanceof WouldBlock) return 0;
    throw error;
  }
}

await run(async function* () {
  const where = { hostname, port: Math.max(port, 0) };
  await using listener = openOrRefuse(show(where), () => listen(where));
  const { localAddr } = listener;
  if (port >= 0) return yield* serveUntilSignal(show(localAddr), loop(listener));
  yield* serveDuring(async function* () {
    using first = yield* connect({ hostname, port: localAddr.port });
    using second = yield* connect({ hostname, port: localAddr.port });
    for (const [client, word] of [[second, "second"], [first, "first"]] as const) {
      yield* client.sendAll(encode(word));
      console.log(decode(yield* client.recvExactly(word.length)));
    }
  }, loop(listener));
});

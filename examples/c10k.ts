/**
 * Ten thousand connections in one process, while 64 others work. Watch what an idle connection costs: memory,
 * and nothing else. Nobody walks through them, so the busy ones are about as fast with them as without. The
 * clients are a process of their own; what is measured is the server's (what the operating system keeps
 * for a socket is not in it).
 *
 *     deno run --allow-net --allow-run --allow-read examples/c10k.ts
 *     deno run --allow-net --allow-run --allow-read examples/c10k.ts --connections 2000
 */
import { type Client, readFrom, run, type Socket, spawn, StreamServer, writeTo } from "@weft/weft";
import { encode } from "./lib/bytes.ts";
import { mustHave, readArgs, refuse } from "./lib/cli.ts";

/** How many connections work beside the idle ones. */
const BUSY = 64;
/** How long they work each time, in milliseconds. */
const WORK_MS = 1500;
/** So many are opened and closed first, so that the program itself has grown to its size. */
const WARM_UP = 1000;

const { number } = readArgs(
  `Ten thousand connections in one process, while ${BUSY} others work.

  deno run --allow-net --allow-run --allow-read examples/c10k.ts

  --connections N  how many to hold, 1 to 28000 (10000)`,
  { number: { connections: 10_000 } },
);
const count = number.connections!;
// More would need another address: from here there are so many ports to one.
if (count < 1 || count > 28_000) {
  refuse(`Option --connections must be from 1 to 28000; got "${count}"`);
}
mustHave("The process of the clients", "run");

async function* echo(socket: Socket, client: Client) {
  for (let data; (data = yield* client.between(socket.recv(64))).length > 0;) {
    yield* socket.sendAll(data);
  }
}

/** A process of clients, and how to have it do something: gives what it answers. */
function startClients(port: number) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", "--allow-net"],
      new URL("lib/c10k_clients.ts", import.meta.url).href,
      String(port),
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const orders = writeTo(child.stdin);
  const answers = readFrom(child.stdout).lines();
  return async function* tell(order: string): AsyncGenerator<unknown, string, unknown> {
    yield* orders.sendAll(encode(`${order}\n`));
    const answer = (yield* answers.next()) ?? "failed: the clients are gone";
    if (!answer.startsWith("failed: ")) return answer;
    console.error(`Cannot hold ${count} connections: ${answer.slice(8)} (see ulimit -n)`);
    Deno.exit(1);
  };
}

await run(async function* () {
  const server = new StreamServer(echo, { hostname: "127.0.0.1", backlog: 1024 });
  spawn(async function* () {
    yield* server.serveForever();
  });
  const tell = startClients((server.address as Deno.NetAddr).port);
  yield* tell(`idle ${WARM_UP}`);
  yield* tell("close");
  yield* tell(`busy ${BUSY}`);
  yield* tell(`work ${WORK_MS / 3}`); // until the code is compiled
  console.log(`${BUSY} busy alone: ${yield* tell(`work ${WORK_MS}`)} requests per second`);
  const before = Deno.memoryUsage().rss;
  yield* tell(`idle ${count}`);
  const each = Math.round((Deno.memoryUsage().rss - before) / count);
  const rate = yield* tell(`work ${WORK_MS}`);
  yield* tell("close");
  yield* server.shutdown();
  console.log(
    `${count} connections, ${each} bytes each, ${BUSY} busy: ${rate} requests per second`,
  );
});

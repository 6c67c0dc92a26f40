/**
 * The clients of `c10k.ts`, a program of their own, since a process may hold only so many descriptors. Told on
 * stdin what to do, a line each, it says when that is done: `idle N` and `busy N` open connections, `work
 * MS` has the busy ones work and says how many requests a second they got answered, `close` closes all.
 *
 *     deno run --allow-net examples/lib/c10k_clients.ts PORT
 */
import { all, connect, run, type Socket, stdin } from "@weft/weft";

/** How many connect at the same time. */
const AT_ONCE = 100;

const MESSAGE = new TextEncoder().encode("hello");
const port = Number(Deno.args[0]);
const idle: Socket[] = [];
const busy: Socket[] = [];

async function* ask(socket: Socket) {
  yield* socket.sendAll(MESSAGE);
  yield* socket.recvExactly(MESSAGE.length);
}

/** Opens so many connections, each of which has been served once. */
async function* open(sockets: Socket[], count: number) {
  let left = count;
  yield* all(Array.from({ length: AT_ONCE }, () =>
    async function* () {
      while (left-- > 0) {
        const socket = yield* connect({ hostname: "127.0.0.1", port });
        sockets.push(socket);
        yield* ask(socket);
      }
    }));
}

/** How many requests a second the busy ones get answered. */
async function* work(ms: number) {
  const began = performance.now();
  let requests = 0;
  yield* all(busy.map((socket) =>
    async function* () {
      for (; performance.now() - began < ms; requests++) yield* ask(socket);
    }
  ));
  return Math.round(requests / (performance.now() - began) * 1000);
}

await run(async function* () {
  for await (const line of stdin().lines()) {
    const [word, n] = line.split(" ");
    try {
      if (word === "idle") yield* open(idle, Number(n));
      else if (word === "busy") yield* open(busy, Number(n));
      else if (word === "close") {
        for (const socket of [...idle.splice(0), ...busy.splice(0)]) socket.close();
      }
      console.log(word === "work" ? yield* work(Number(n)) : "done");
    } catch (error) {
      console.log(`failed: ${(error as Error).message}`);
    }
  }
});

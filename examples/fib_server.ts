/**
 * CPU work per request: a number a line comes in, its Fibonacci number goes out. Watch how long the quick
 * client waits while another's request computes: with the engine `coroutine` until that has ended, since
 * one thread does everything; with `worker` not at all, since the computing is done elsewhere.
 *
 *     deno run --allow-net --allow-read examples/fib_server.ts
 *     deno run --allow-net --allow-read examples/fib_server.ts --port 7000 --engine worker
 */
import {
  all,
  type Client,
  connect,
  inWorker,
  LimitError,
  readLine,
  run,
  sleep,
  type Socket,
  StreamServer,
} from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";
import { fib, MOST } from "./lib/fib_job.ts";
import { part } from "./lib/part.ts";
import { checkPort, chooseEngine, openOrRefuse, serve, show } from "./lib/serve.ts";

const { string, number } = readArgs(
  `CPU work per request, on the scheduler or on workers.

  deno run --allow-net --allow-read examples/fib_server.ts

  --port N         stays up until SIGINT or SIGTERM; 0 takes a free port;
                   without it, the server tests itself with both engines and ends
  --hostname HOST  the address to bind (127.0.0.1)
  --engine NAME    coroutine: computes on the scheduler, and stalls everyone
                   worker: computes on workers (the default)`,
  { string: { engine: "worker", hostname: "127.0.0.1" }, number: { port: -1 } },
);

/** The longest line that is taken, in bytes. */
const LONGEST = 1000;
/** How long a computation may go on at the end; a worker needs a moment more to be stopped in one. */
const GRACE_MS = 4000;
/** How long after the first one the second client asks, in milliseconds. */
const WAITS_MS = 20;

const engines = {
  async *coroutine(n: number) {
    yield; // the others' turn, once; then nobody's for a while
    return fib(n);
  },
  async *worker(n: number) {
    return yield* inWorker(fib, n);
  },
};
type Compute = typeof engines.worker;

/** Answers each line of a client. */
const answerWith = (compute: Compute) =>
  async function* (socket: Socket, client: Client) {
    const lines = socket.lines({ limit: LONGEST });
    try {
      for (let line; (line = yield* client.between(lines.next())) !== null;) {
        yield* socket.sendAll(encode(`${yield* reply(line, compute)}\n`));
      }
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      const start = decode(yield* socket.recv(20));
      yield* socket.sendAll(encode(`${refusal(start)}\n`));
      yield* part(socket); // who knows where the next line begins
    }
  };

async function* reply(line: string, compute: Compute) {
  const text = line.trim();
  if (!/^\d+$/.test(text) || Number(text) > MOST) return refusal(text);
  return String(yield* compute(Number(text)));
}

function refusal(text: string): string {
  return `error: "${text.slice(0, 20)}" is no whole number from 0 to ${MOST}`;
}

/** One client asks for much; meanwhile another asks for little. Each notes how long that takes. */
async function* tryBoth(engine: string, port: number) {
  async function* ask(n: number, began: number) {
    using socket = yield* connect({ hostname, port });
    yield* socket.sendAll(encode(`${n}\n`));
    const line = yield* readLine(socket);
    const ms = Math.round(performance.now() - began);
    return `fib(${n}) = ${line} after ${ms} ms`;
  }
  yield* all([ask(30, 0), ask(30, 0)]); // so that the workers are up
  const began = performance.now();
  const answers = yield* all([ask(37, began), async function* () {
    yield* sleep(WAITS_MS); // on the scheduler this, too, takes as long as the computation
    return yield* ask(10, began + WAITS_MS);
  }]);
  for (const answer of answers) console.log(`${engine}: ${answer}`);
}

const hostname = string.hostname!;
const port = checkPort(number.port!);
chooseEngine(string.engine!, ["coroutine", "worker"]);

for (const [name, compute] of Object.entries(engines)) {
  if (port >= 0 && name !== string.engine) continue;
  await run(async function* () {
    const server = openOrRefuse(
      show({ hostname, port }),
      () =>
        new StreamServer(answerWith(compute), {
          hostname,
          port: Math.max(port, 0),
          grace: GRACE_MS,
        }),
    );
    const test = () => tryBoth(name, (server.address as Deno.NetAddr).port);
    yield* serve([server], port < 0 ? test : null);
  });
}

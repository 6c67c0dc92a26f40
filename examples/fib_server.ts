/**
 * CPU work per request: a number a line comes in, its Fibonacci number goes out. Watch how long the quick
 * client waits while another's request computes: with the engine `coroutine` until that is through, since
 * one thread does everything; with `worker` not at all, since the computing is done elsewhere.
 *
 *     deno run --allow-net --allow-read examples/fib_server.ts
 *     deno run --allow-net --allow-read examples/fib_server.ts --port 7000 --engine worker
 */
import {
  all,
  BrokenError,
  connect,
  inWorker,
  listen,
  run,
  serve,
  sleep,
  type Socket,
} from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";
import { fib, MOST } from "./lib/fib_job.ts";
import { Lines } from "./lib/lines.ts";
import {
  checkPort,
  chooseEngine,
  openOrRefuse,
  serveDuring,
  serveUntilSignal,
  show,
} from "./lib/serve.ts";

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
  async function* (socket: Socket) {
    const lines = new Lines(socket, LONGEST);
    try {
      for (let line; (line = yield* lines.next()) !== null;) {
        yield* socket.sendAll(encode(`${yield* reply(decode(line), compute)}\n`));
        if (line.length > LONGEST) return; // who knows where the next one begins
      }
    } catch (error) {
      if (!(error instanceof BrokenError)) throw error; // reset: nobody is left to be answered
    }
  };

async function* reply(line: string, compute: Compute) {
  const text = line.trim();
  if (line.length > LONGEST || !/^\d+$/.test(text) || Number(text) > MOST) {
    return `error: "${text.slice(0, 20)}" is no whole number from 0 to ${MOST}`;
  }
  return String(yield* compute(Number(text)));
}

/** One client asks for much; meanwhile another asks for little. Each notes how long that takes. */
async function* tryBoth(engine: string, port: number) {
  async function* ask(n: number, began: number) {
    using socket = yield* connect({ hostname, port });
    yield* socket.sendAll(encode(`${n}\n`));
    const line = yield* new Lines(socket).next();
    const ms = Math.round(performance.now() - began);
    return `fib(${n}) = ${decode(line!)} after ${ms} ms`;
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
chooseEngine(engines, string.engine!);

for (const [name, compute] of Object.entries(engines)) {
  if (port >= 0 && name !== string.engine) continue;
  await run(async function* () {
    await using listener = openOrRefuse(
      show({ hostname, port }),
      () => listen({ hostname, port: Math.max(port, 0) }),
    );
    const server = serve(listener, answerWith(compute), { grace: 1000 });
    if (port >= 0) yield* serveUntilSignal(show(listener.localAddr), server);
    else yield* serveDuring(tryBoth(name, listener.localAddr.port), server);
  });
}

/**
 * A run drawn: two producers, a consumer, a lock, an echo over a socket, a worker, on one time axis. Watch for the
 * producers that wait while the queue is full, and for how short the steps are between long waits.
 *
 * With `--out DIR` it also writes `timeline.json` (open it at https://ui.perfetto.dev), `timeline.svg` and
 * `timeline.html`.
 *
 *     deno run --allow-read --allow-net=127.0.0.1 --allow-write examples/timeline.ts --out /tmp/timeline
 */
import {
  chromeTrace,
  connect,
  ganttChart,
  listen,
  Lock,
  poll,
  POLLIN,
  Queue,
  run,
  sleep,
  spawn,
  Timeline,
  timelineHtml,
  timelineSvg,
  WorkerPool,
} from "@weft/weft";
import { mustHave, readArgs, refuse } from "./lib/cli.ts";
import { fib } from "./lib/fib_job.ts";

const args = readArgs(
  `A run drawn as a Gantt chart in the terminal, as SVG and HTML, and as a Perfetto trace.

  deno run --allow-read --allow-net=127.0.0.1 --allow-write examples/timeline.ts [--out DIR]

  --out  a folder for timeline.json, timeline.svg, timeline.html`,
  { string: { out: "" } },
);
const { out = "" } = args.string;
if (out !== "") {
  try {
    Deno.mkdirSync(out, { recursive: true });
  } catch (error) {
    refuse(
      `Cannot make the folder ${JSON.stringify(out)}: ${(error as Error).message.split("\n")[0]}`,
    );
  }
}

mustHave("timeline.ts", "read");
const timeline = new Timeline();
await run(async function* () {
  const queue = new Queue<number>(2);
  const lock = new Lock("ledger");

  for (const [name, ms] of [["producer fast", 2], ["producer slow", 5]] as const) {
    spawn(async function* () {
      for (let n = 0; n < 6; n++) {
        yield* sleep(ms);
        yield* queue.put(n);
      }
    }).name = name;
  }
  spawn(async function* () {
    for (let n = 0; n < 12; n++) {
      yield* queue.get();
      using _held = yield* lock.acquire();
      yield* sleep(4);
    }
  }).name = "consumer";
  spawn(async function* () {
    for (let n = 0; n < 5; n++) {
      yield* sleep(6);
      using _held = yield* lock.acquire();
      compute(1.5);
      yield;
    }
  }).name = "auditor";

  spawn(async function* () {
    await using pool = new WorkerPool(1);
    for (let n = 20; n < 24; n++) yield* pool.submit(fib, n);
  }).name = "asks a worker";

  using listener = listen({ hostname: "127.0.0.1", port: 0 });
  spawn(async function* () {
    using registry = poll();
    registry.register(listener, POLLIN);
    yield* registry.poll();
    using socket = listener.tryAccept();
    for (;;) {
      const bytes = yield* socket.recv(1024);
      if (bytes.length === 0) return;
      yield* socket.sendAll(bytes);
    }
  }).name = "echo server";
  using socket = yield* connect({ port: listener.localAddr.port });
  for (let n = 0; n < 8; n++) {
    yield* socket.sendAll(new TextEncoder().encode(`line ${n}\n`));
    yield* socket.recv(1024);
    yield* sleep(3);
  }
}, { instruments: [timeline] });

/** Keeps the processor busy: while it does, nobody else runs. */
function compute(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

console.log(ganttChart(timeline));
const { events, bytesIn, bytesOut } = timeline.statistics();
console.log(`${events} events, ${bytesIn} bytes in, ${bytesOut} bytes out`);
if (out !== "") {
  const title = "Producers, a consumer, an echo";
  const files = {
    "timeline.json": JSON.stringify(chromeTrace(timeline)),
    "timeline.svg": timelineSvg(timeline, title),
    "timeline.html": timelineHtml(timeline, title),
  };
  for (const [name, text] of Object.entries(files)) {
    Deno.writeTextFileSync(`${out}/${name}`, text);
    console.log(`wrote ${out}/${name}`);
  }
}

/**
 * A page on which to choose a workload, engines and a scheduling policy, and to watch the run: lanes of task
 * states, the ready queue, throughput curves; the scheduling policies side by side; a deadlock and its circle.
 * Watch how the page stays quick whatever runs: each run is a process of its own, and its events come as a
 * stream over weft's own HTTP.
 *
 *     deno run --allow-all examples/playground.ts
 *     deno run --allow-all examples/playground.ts --port 8080
 */
import { run, wait } from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";
import { HttpServer } from "./lib/http/server.ts";
import { hostsOf } from "./lib/playground/guard.ts";
import { Site } from "./lib/playground/site.ts";
import { tryIt } from "./lib/playground/try_it.ts";
import {
  checkPort,
  openOrRefuse,
  PLACE_FLAGS,
  PLACE_HELP,
  serveDuring,
  serveUntilSignal,
  show,
} from "./lib/serve.ts";

const { string, number } = readArgs(
  `A page to choose, run and watch a comparison live.

  deno run --allow-all examples/playground.ts --port 8080
${PLACE_HELP}`,
  PLACE_FLAGS,
);
const hostname = string.hostname!;
const port = checkPort(number.port!);
mustHave("The playground", "run");

/** Bytes of a request's body. */
const MOST_BODY = 256 << 10;

await run(async function* () {
  const where = { hostname, port: Math.max(port, 0) };
  const site = new Site();
  const server = openOrRefuse(show(where), () =>
    new HttpServer((request) => site.answer(request), {
      ...where,
      limits: { body: MOST_BODY },
      maxConnections: 1000,
    }));
  site.hosts = hostsOf(hostname, server.address.port);
  const serving = server.serveForever();
  try {
    if (port >= 0) yield* serveUntilSignal(show(server.address), serving);
    else yield* serveDuring(tryIt(show(server.address)), serving);
  } finally {
    yield* wait(site.stop());
  }
});

/**
 * Upper-case echo on TCP. Watch in the self-test when the quick client is answered: only after the slow
 * one has left by the engine `sequential`, and at once by the others. Three of the engines are in
 * `lib/echo_streams.ts`; `worker`, which is `coroutine` on several threads that share the port, is in
 * `lib/echo_workers.ts`. Workers load their modules themselves, hence `--allow-read`.
 *
 *     deno run --allow-net examples/echo_tcp.ts --engine sequential
 *     deno run --allow-net examples/echo_tcp.ts --port 7000 --engine poll
 *     deno run --allow-net --allow-read examples/echo_tcp.ts --port 7000 --engine worker --workers 2
 */
import { connect, listen, run, type Work } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";
import { streamEngines } from "./lib/echo_streams.ts";
import { echoCrew } from "./lib/echo_workers.ts";
import {
  checkPort,
  checkWorkers,
  chooseEngine,
  openOrRefuse,
  serveDuring,
  SERVER_FLAGS,
  SERVER_HELP,
  serveUntilSignal,
  show,
} from "./lib/serve.ts";
import { tryEcho } from "./lib/try_echo.ts";

const { string, number } = readArgs(
  `Upper-case echo on TCP.\n\n  deno run --allow-net examples/echo_tcp.ts\n${SERVER_HELP}`,
  SERVER_FLAGS,
);
const engine = chooseEngine({ ...streamEngines, worker: null }, string.engine!);
const hostname = string.hostname!;
const port = checkPort(number.port!);
const workers = checkWorkers(number.workers!);

await run(async function* () {
  await using listener = openOrRefuse(
    show({ hostname, port }),
    () => listen({ hostname, port: Math.max(port, 0) }),
  );
  const { localAddr } = listener;
  if (engine !== null) return yield* answer(localAddr, engine(listener));
  // It has found out which port it is, and that nobody else has it. A port that is shared would not tell.
  yield* listener.close();
  using place = listen({ hostname, port: localAddr.port, reusePort: true });
  await using crew = echoCrew(hostname, localAddr.port, workers);
  yield* crew.start();
  place.close();
  yield* answer(localAddr, crew.join());
});

/** Serves until a signal comes; or, where no port was given, as long as the test takes. */
async function* answer(address: Deno.NetAddr, server: Work<unknown>) {
  if (port >= 0) return yield* serveUntilSignal(show(address), server);
  yield* serveDuring(tryEcho(() => connect({ hostname, port: address.port })), server);
}

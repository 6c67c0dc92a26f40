/**
 * Upper-case echo on TCP. Watch in the self-test when the quick client is answered: at once by the
 * engines `coroutine` and `poll`, and only after the slow one has left by `sequential`. The three are
 * in `lib/echo_streams.ts`.
 *
 *     deno run --allow-net examples/echo_tcp.ts --engine sequential
 *     deno run --allow-net examples/echo_tcp.ts --port 7000 --engine poll
 */
import { connect, listen, run } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";
import { streamEngines } from "./lib/echo_streams.ts";
import {
  checkPort,
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
const engine = chooseEngine(streamEngines, string.engine!);
const hostname = string.hostname!;
const port = checkPort(number.port!);

await run(async function* () {
  await using listener = openOrRefuse(
    show({ hostname, port }),
    () => listen({ hostname, port: Math.max(port, 0) }),
  );
  const { localAddr } = listener;
  const server = engine(listener);
  if (port >= 0) return yield* serveUntilSignal(show(localAddr), server);
  yield* serveDuring(tryEcho(() => connect({ hostname, port: localAddr.port })), server);
});

/**
 * Upper-case echo on a unix socket: the engines of `echo_tcp.ts`, unchanged, on another transport.
 * Watch the file: it is there while the server is up, and gone when it has stopped.
 *
 *     deno run --allow-net --allow-read --allow-write examples/echo_unix.ts --engine poll
 *     deno run --allow-net --allow-read --allow-write examples/echo_unix.ts --path /tmp/echo
 */
import { connect, listen, run } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";
import { streamEngines } from "./lib/echo_streams.ts";
import {
  chooseEngine,
  ENGINE_FLAGS,
  ENGINE_HELP,
  openOrRefuse,
  serveDuring,
  serveUntilSignal,
} from "./lib/serve.ts";
import { tryEcho } from "./lib/try_echo.ts";

const { string } = readArgs(
  `Upper-case echo on a unix socket.

  deno run --allow-net --allow-read --allow-write examples/echo_unix.ts

  --path FILE      stays up until SIGINT or SIGTERM, listening on that file;
                   without it, the server tests itself and ends${ENGINE_HELP}`,
  { ...ENGINE_FLAGS, string: { ...ENGINE_FLAGS.string, path: "" } },
);
const engine = chooseEngine(streamEngines, string.engine!);

function serve(path: string, isTest: boolean): Promise<void> {
  return run(async function* () {
    await using listener = openOrRefuse(path, () => listen({ transport: "unix", path }));
    const server = engine(listener);
    if (!isTest) return yield* serveUntilSignal(path, server);
    yield* serveDuring(tryEcho(() => connect({ transport: "unix", path })), server);
  });
}

if (string.path !== "") await serve(string.path!, false);
else {
  const folder = await Deno.makeTempDir({ prefix: "weft-" });
  try {
    await serve(`${folder}/echo`, true);
    console.log(`files left: ${[...Deno.readDirSync(folder)].length}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

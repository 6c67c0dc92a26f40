/**
 * Upper-case echo on a unix socket: the server and the handlers of `echo_tcp.ts`, on another transport.
 * Watch the file: it is there while the server is up, and gone when it has stopped.
 *
 *     deno run --allow-net --allow-read --allow-write examples/echo_unix.ts --engine poll
 *     deno run --allow-net --allow-read --allow-write examples/echo_unix.ts --path /tmp/echo
 */
import { connect, run, StreamServer } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";
import { echo, echoFrames } from "./lib/echo.ts";
import { chooseEngine, ENGINE_FLAGS, ENGINE_HELP, openOrRefuse, serve } from "./lib/serve.ts";
import { tryEcho } from "./lib/try_echo.ts";

const { string, boolean } = readArgs(
  `Upper-case echo on a unix socket.

  deno run --allow-net --allow-read --allow-write examples/echo_unix.ts

  --path FILE      stays up until SIGINT or SIGTERM, listening on that file;
                   without it, the server tests itself and ends${ENGINE_HELP}
  --framed         echoes frames, which have a 4-byte length in front, instead of bytes`,
  { ...ENGINE_FLAGS, string: { ...ENGINE_FLAGS.string, path: "" }, boolean: ["framed"] },
);
const engine = chooseEngine(string.engine!, ["sequential", "coroutine", "poll"]);
const isFramed = boolean.framed === true;

function serveOn(path: string, isTest: boolean): Promise<void> {
  return run(async function* () {
    const server = openOrRefuse(
      path,
      () => new StreamServer(isFramed ? echoFrames : echo, { transport: "unix", path, engine }),
    );
    const test = () => tryEcho(() => connect({ transport: "unix", path }), isFramed);
    yield* serve([server], isTest ? test : null);
  });
}

if (string.path !== "") await serveOn(string.path!, false);
else {
  const folder = await Deno.makeTempDir({ prefix: "weft-" });
  try {
    await serveOn(`${folder}/echo`, true);
    console.log(`files left: ${[...Deno.readDirSync(folder)].length}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

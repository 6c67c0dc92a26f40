/**
 * Upper-case echo on TCP. Watch that the handler (`lib/echo.ts`) is the same for each engine, and who waits
 * for whom: with `sequential` the quick client's first answer comes only after the slow one has
 * gone, with the others at once. Watch with `--framed` that a message comes back whole, however the bytes
 * were cut on their way. Workers load their modules themselves, hence `--allow-read`.
 *
 *     deno run --allow-net examples/echo_tcp.ts --engine sequential
 *     deno run --allow-net examples/echo_tcp.ts --port 7000 --engine poll
 *     deno run --allow-net examples/echo_tcp.ts --port 7000 --framed
 *     deno run --allow-net --allow-read examples/echo_tcp.ts --port 7000 --engine worker --workers 2
 */
import { connect, run, StreamServer } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";
import { echo, echoFrames } from "./lib/echo.ts";
import { openOrRefuse, readPlace, serve, SERVER_FLAGS, SERVER_HELP, show } from "./lib/serve.ts";
import { tryEcho } from "./lib/try_echo.ts";

const given = readArgs(
  `Upper-case echo on TCP.\n\n  deno run --allow-net examples/echo_tcp.ts\n${SERVER_HELP}
  --framed         echoes frames, which have a 4-byte length in front, instead of bytes`,
  { ...SERVER_FLAGS, boolean: ["framed"] },
);
const { isTest, ...place } = readPlace(given);
const isFramed = given.boolean.framed === true;

await run(async function* () {
  const server = openOrRefuse(
    show(place),
    () => new StreamServer(isFramed ? echoFrames : echo, place),
  );
  const { hostname, port } = server.address as Deno.NetAddr;
  const test = () => tryEcho(() => connect({ hostname, port }), isFramed);
  yield* serve([server], isTest ? test : null);
});

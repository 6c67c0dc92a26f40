/**
 * Upper-case echo on UDP. Watch how little the engines differ here: a server of datagrams has no
 * connections, so nobody can keep it to himself, and only `poll` needs to remember anything, namely an
 * answer for which there was no room (`lib/echo_datagrams.ts`). Watch also that the empty datagram gets its answer.
 *
 *     deno run --allow-net examples/echo_udp.ts --engine poll
 *     deno run --allow-net examples/echo_udp.ts --port 7000
 *     deno run --allow-net --allow-read examples/echo_udp.ts --engine worker --workers 2
 */
import { bindDatagram, run, type UdpAddress } from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";
import { datagramEngines } from "./lib/echo_datagrams.ts";
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

const { string, number } = readArgs(
  `Upper-case echo on UDP.\n\n  deno run --allow-net examples/echo_udp.ts\n${SERVER_HELP}`,
  SERVER_FLAGS,
);
const engine = chooseEngine(datagramEngines, string.engine!);
const hostname = string.hostname!;
const port = checkPort(number.port!);
const workers = checkWorkers(number.workers!);

async function* tryEcho(to: UdpAddress) {
  using socket = bindDatagram({ hostname: to.hostname, port: 0, timeout: 5000 });
  for (const word of ["hello", "", "x".repeat(65507), "again"]) {
    yield* socket.sendTo(encode(word), to);
    const [data] = yield* socket.recvFrom();
    console.log(`sent ${word.length} bytes, got ${data.length}: ${decode(data.subarray(0, 5))}`);
    if (decode(data) !== word.toUpperCase()) throw new Error("Wrong answer");
  }
}

await run(async function* () {
  using socket = openOrRefuse(
    show({ hostname, port }),
    () => bindDatagram({ hostname, port: Math.max(port, 0) }),
  );
  const { localAddr } = socket;
  const server = engine(socket, workers);
  if (port >= 0) return yield* serveUntilSignal(show(localAddr), server);
  yield* serveDuring(tryEcho(localAddr), server);
});

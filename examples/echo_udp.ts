/**
 * Upper-case echo on UDP. Watch how little the engines differ here: a server of datagrams has no
 * connections, so nobody can keep it to himself. Watch also that the empty datagram gets its answer.
 * With `--framed` each datagram holds one frame, a length that tells nothing new: UDP keeps boundaries.
 *
 *     deno run --allow-net examples/echo_udp.ts --engine poll
 *     deno run --allow-net examples/echo_udp.ts --port 7000
 *     deno run --allow-net --allow-read examples/echo_udp.ts --engine worker --workers 2
 */
import { bindDatagram, DatagramServer, run, type UdpAddress } from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";
import { upper, upperFrame } from "./lib/echo.ts";
import { openOrRefuse, readPlace, serve, SERVER_FLAGS, SERVER_HELP, show } from "./lib/serve.ts";

const given = readArgs(
  `Upper-case echo on UDP.\n\n  deno run --allow-net examples/echo_udp.ts\n${SERVER_HELP}
  --framed         each datagram holds one frame, with a 4-byte length in front`,
  { ...SERVER_FLAGS, boolean: ["framed"] },
);
const { isTest, ...place } = readPlace(given);
const isFramed = given.boolean.framed === true;

/** A text as it is sent. */
function packed(text: string): Uint8Array {
  if (!isFramed) return encode(text);
  const frame = new Uint8Array(4 + text.length);
  new DataView(frame.buffer).setUint32(0, text.length);
  frame.set(encode(text), 4);
  return frame;
}

async function* tryEcho(to: UdpAddress) {
  using socket = bindDatagram({ hostname: to.hostname, port: 0, timeout: 5000 });
  for (const word of ["hello", "", "x".repeat(isFramed ? 65_503 : 65_507), "again"]) {
    yield* socket.sendTo(packed(word), to);
    const [data] = yield* socket.recvFrom();
    const answer = decode(isFramed ? data.subarray(4) : data);
    console.log(`sent ${word.length} bytes, got ${answer.length}: ${answer.slice(0, 5)}`);
    if (answer !== word.toUpperCase()) throw new Error("Wrong answer");
  }
}

await run(async function* () {
  const server = openOrRefuse(
    show(place),
    () => new DatagramServer(isFramed ? upperFrame : upper, place),
  );
  yield* serve([server], isTest ? () => tryEcho(server.address as UdpAddress) : null);
});

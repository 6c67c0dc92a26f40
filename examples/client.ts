/**
 * A client to type into: a line from stdin out, the reply in. Watch what a lost datagram does: nobody
 * tells, so only a time limit ends the wait. Try it against `echo_tcp.ts`, `echo_udp.ts`, `echo_unix.ts`, or
 * any server that answers a line with a line. Without an address it talks to itself.
 *
 *     deno run --allow-net examples/client.ts --port 7000
 *     deno run --allow-net examples/client.ts --transport udp --port 7000
 *     deno run --allow-net --allow-read --allow-write examples/client.ts --transport unix --path /tmp/echo
 */
import { BrokenError, DatagramServer, run, stdin, StreamServer, TimeoutError } from "@weft/weft";
import { encode } from "./lib/bytes.ts";
import { readArgs, refuse } from "./lib/cli.ts";
import { echo, upper } from "./lib/echo.ts";
import { nextLine, withNewline } from "./lib/lines.ts";
import { checkPort, isHostError, serve } from "./lib/serve.ts";
import { dial, type Place } from "./lib/talk.ts";

/** How long a reply to a datagram may take, in milliseconds. */
const ANSWER_MS = 2000;

const { string, number } = readArgs(
  `A line from stdin out, the reply in.

  deno run --allow-net examples/client.ts --port 7000

  --transport NAME  tcp (the default), udp or unix
  --port N          where the server is; without it, or a path, a self-test
  --path FILE       the same for unix
  --hostname HOST   the server's address (127.0.0.1)`,
  { string: { transport: "", path: "", hostname: "127.0.0.1" }, number: { port: -1 } },
);
const path = string.path!;
const hostname = string.hostname!;
const port = checkPort(number.port!);
if (port >= 0 && path !== "") refuse("Options --port and --path do not go together");
const place = placeOf(string.transport!);

type NextLine = () => AsyncGenerator<unknown, Uint8Array | null, unknown>;

await run(async function* () {
  if (place === null) return yield* tryAll();
  const lines = stdin();
  yield* converse(place, async function* () {
    if (Deno.stdin.isTerminal()) write(encode("> "));
    return yield* nextLine(lines);
  });
});

/** Where the flags say that the server is; `null` if they do not. */
function placeOf(transport: string): Place | null {
  switch (transport || (path === "" ? "tcp" : "unix")) {
    case "tcp":
    case "udp":
      if (path !== "") refuse("Option --path needs --transport unix");
      if (port < 0 && transport !== "") refuse(`Option --transport ${transport} needs --port`);
      return port < 0 ? null : { transport: transport === "udp" ? "udp" : "tcp", hostname, port };
    case "unix":
      if (path === "") refuse("Option --transport unix needs --path");
      return { transport: "unix", path };
    default:
      refuse(`Unknown transport "${transport}"; choose one of tcp, udp, unix`);
  }
}

/** Asks line by line, until there is none, or nobody to ask. */
async function* converse(place: Place, nextLine: NextLine) {
  using talk = yield* dial(place, ANSWER_MS);
  for (;;) {
    const line = yield* nextLine();
    if (line === null) return;
    try {
      const reply = yield* talk.ask(line);
      if (reply === null) return complain("The server has closed the connection");
      write(withNewline(reply));
    } catch (error) {
      if (error instanceof BrokenError) return complain("The connection is broken");
      if (error instanceof TimeoutError) complain(`No reply within ${ANSWER_MS} ms`);
      else if (isHostError(error)) complain(`Cannot send that: ${error.message}`);
      else throw error;
    }
  }
}

/** As bytes: what is no text comes through as well. */
function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function complain(message: string): void {
  console.error(message);
  Deno.exitCode = 1;
}

/** Talks to servers of its own. */
async function* tryAll() {
  const hostname = "127.0.0.1";
  async function* say(place: Place) {
    const words = ["hello", "good-bye"];
    yield* converse(place, async function* () {
      const word = words.shift();
      if (word !== undefined) console.log(`${place.transport}: ${word}`);
      return word === undefined ? null : encode(word);
    });
  }
  const stream = new StreamServer(echo, { hostname });
  const datagram = new DatagramServer(upper, { hostname });
  yield* serve([stream, datagram], async function* () {
    yield* say({ transport: "tcp", hostname, port: (stream.address as Deno.NetAddr).port });
    yield* say({ transport: "udp", hostname, port: (datagram.address as Deno.NetAddr).port });
  });
}

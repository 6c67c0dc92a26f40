/**
 * An HTTP/1.1 server on coroutine sockets, down to the bytes: `lib/http/parser.ts` reads like RFC 9112, and
 * `lib/http/connection.ts` is the life of a connection as straight code, one task for each. Watch in the
 * self-test that requests sent in one go are answered in their order, that a body comes in chunks, and that
 * the connection stays open throughout.
 *
 *     deno run --allow-net --allow-read --allow-write examples/http_server.ts
 *     deno run --allow-net --allow-read --allow-write examples/http_server.ts --port 8000 --root public
 */
import { connect, run } from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs, refuse } from "./lib/cli.ts";
import { DemoSite } from "./lib/http/demo_site.ts";
import { LIMITS } from "./lib/http/parser.ts";
import { Root } from "./lib/http/safe_path.ts";
import { HttpServer } from "./lib/http/server.ts";
import { checkPort, openOrRefuse, serveDuring, serveUntilSignal, show } from "./lib/serve.ts";

const { string, number } = readArgs(
  `An HTTP/1.1 server on coroutine sockets.

  deno run --allow-net --allow-read --allow-write examples/http_server.ts

  --port N             stays up until SIGINT or SIGTERM; 0 takes a free port;
                       without it, the server tests itself and ends
  --hostname HOST      the address to bind (127.0.0.1)
  --root DIR           serves and takes the files of DIR; without it, a small site of its own
  --max-connections N  how many are served at a time (10000); the others get 503
  --header-timeout MS  how long the head of a request may take (10000)
  --max-body BYTES     how long a body may be (${LIMITS.body})`,
  {
    string: { hostname: "127.0.0.1", root: "" },
    number: {
      "port": -1,
      "max-connections": 10_000,
      "header-timeout": 10_000,
      "max-body": LIMITS.body,
    },
  },
);
const hostname = string.hostname!;
const port = checkPort(number.port!);
const site = new DemoSite(string.root === "" ? null : openRoot(string.root!));

await run(async function* () {
  const where = { hostname, port: Math.max(port, 0) };
  const server = openOrRefuse(show(where), () =>
    new HttpServer((request) => site.answer(request), {
      ...where,
      limits: { body: number["max-body"]! },
      maxConnections: number["max-connections"]!,
      headerTimeout: number["header-timeout"]!,
    }));
  const serving = server.serveForever();
  if (port >= 0) yield* serveUntilSignal(show(server.address), serving);
  else yield* serveDuring(tryIt(server.address.port), serving);
});

function openRoot(path: string): Root {
  try {
    return Root.open(path);
  } catch (error) {
    refuse(`Option --root must be a directory; got "${path}": ${(error as Error).message}`);
  }
}

/** Sends four requests at once on one connection, and prints what comes back. */
async function* tryIt(port: number) {
  const lines = ["Host: localhost", "", ""].join("\r\n");
  using socket = yield* connect({ hostname, port });
  yield* socket.sendAll(encode(
    `GET /hello.txt HTTP/1.1\r\n${lines}` +
      `HEAD / HTTP/1.1\r\n${lines}` +
      `POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${lines}5\r\nhello\r\n0\r\n\r\n` +
      `GET /nowhere HTTP/1.1\r\nConnection: close\r\n${lines}`,
  ));
  let text = "";
  for (let bytes; (bytes = yield* socket.recv()).length > 0;) text += decode(bytes);
  console.log(text.replaceAll("\r\n", "\n").trimEnd());
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status).join(" ");
  if (statuses !== "200 200 200 404") throw new Error(`Wrong answers: ${statuses}`);
}

/**
 * What time is it? Three protocols that answer, each with less doubt than the one before: daytime (RFC 867)
 * in words, time (RFC 868) as a number of seconds, and SNTP (RFC 4330), which knows that an answer takes its
 * time and reckons that out by four timestamps (`lib/ntp.ts`). Watch `--ask`: the two clocks are one, so
 * the offset shows how well it is reckoned.
 *
 *     deno run --allow-net examples/time_server.ts
 *     deno run --allow-net examples/time_server.ts --port 7037
 *     deno run --allow-net examples/time_server.ts --ask 7039
 */
import {
  bindDatagram,
  connect,
  DatagramServer,
  run,
  type Socket,
  StreamServer,
  TimeoutError,
  type UdpAddress,
  withTimeout,
} from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs, refuse } from "./lib/cli.ts";
import { answerTo, compare, networkTime, question, wholeSeconds } from "./lib/ntp.ts";
import { part } from "./lib/part.ts";
import { checkPort, openOrRefuse, serve, show } from "./lib/serve.ts";

/** How long to wait for an answer, in milliseconds. */
const ANSWER_MS = 10_000;
/** How often to look for free ports in a row. */
const TRIES = 50;

const { string, number } = readArgs(
  `Daytime (RFC 867), time (RFC 868) and SNTP (RFC 4330).

  deno run --allow-net examples/time_server.ts

  --port N         stays up until SIGINT or SIGTERM: daytime on N and time on N+1, by TCP and UDP,
                   SNTP on UDP N+2; 0 takes free ports; without it, the server tests itself and ends
  --ask PORT       asks an SNTP server by how much the clocks differ
  --hostname HOST  the address to bind, or to ask (127.0.0.1)`,
  { string: { hostname: "127.0.0.1" }, number: { port: -1, ask: -1 } },
);
const hostname = string.hostname!;
const port = checkPort(number.port!);
if (port > 65_533) refuse(`Option --port must leave room for two more; got "${port}"`);
if (number.ask! > 65_535) refuse(`Option --ask must be from 0 to 65535; got "${number.ask}"`);
if (port >= 0 && number.ask! >= 0) refuse("Options --port and --ask do not go together");

const DAYTIME = /^\w+, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/;

/** As in `Thursday, November 26, 2026 17:59:03-UTC`. */
function daytime(): Uint8Array {
  const now = new Date();
  const part = (options: Intl.DateTimeFormatOptions) =>
    now.toLocaleDateString("en-US", { ...options, timeZone: "UTC" });
  const day = `${part({ weekday: "long" })}, ${part({ month: "long" })} ${now.getUTCDate()}`;
  return encode(`${day}, ${now.getUTCFullYear()} ${now.toISOString().slice(11, 19)}-UTC\r\n`);
}

/** Says what `tell` gives to every client that connects, whether it asks or not. */
const sayOnce = (tell: () => Uint8Array) =>
  async function* (socket: Socket) {
    yield* socket.sendAll(tell());
    yield* part(socket);
  };

/** The five servers, on three ports in a row. */
function openServers(first: number): (StreamServer | DatagramServer)[] {
  const servers: (StreamServer | DatagramServer)[] = [];
  try {
    const stream = new StreamServer(sayOnce(daytime), { hostname, port: first });
    servers.push(stream);
    const { port } = stream.address as Deno.NetAddr;
    servers.push(new DatagramServer(daytime, { hostname, port }));
    servers.push(new StreamServer(sayOnce(wholeSeconds), { hostname, port: port + 1 }));
    servers.push(new DatagramServer(wholeSeconds, { hostname, port: port + 1 }));
    const sntp = (data: Uint8Array) => answerTo(data, networkTime());
    servers.push(new DatagramServer(sntp, { hostname, port: port + 2 }));
    return servers;
  } catch (error) {
    for (const server of servers) server.shutdown();
    throw error;
  }
}

/** The same; where any port will do, looks for three that are free. */
function openSomewhere(): (StreamServer | DatagramServer)[] {
  for (let left = TRIES; port <= 0 && left > 0; left--) {
    try {
      return openServers(0);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse || error instanceof RangeError)) throw error;
    }
  }
  return openServers(port);
}

/** Asks an SNTP server; throws a `RangeError` that says why its answer is no good. */
async function* ask(to: UdpAddress): AsyncGenerator<unknown, string, unknown> {
  using socket = bindDatagram({ hostname: hostname.includes(":") ? "::" : "0.0.0.0", port: 0 });
  const left = networkTime();
  yield* socket.sendTo(question(left), to);
  for (;;) {
    const [answer, from] = yield* socket.recvFrom();
    const came = networkTime();
    if (from.port !== to.port) continue; // a stranger
    if (DAYTIME.test(decode(answer))) return yield* ask({ ...to, port: to.port + 2 }); // the first port
    const { offset, delay } = compare(answer, left, came);
    return `offset ${offset.toFixed(3)} delay ${delay.toFixed(3)}`;
  }
}

/** Asks each server once. */
async function* tryAll(port: number) {
  for (const [name, at] of [["daytime", port], ["time", port + 1]] as const) {
    const show = (bytes: Uint8Array) =>
      name === "daytime" ? decode(bytes).trim() : new DataView(bytes.slice().buffer).getUint32(0);
    using socket = yield* connect({ hostname, port: at });
    console.log(`${name} by TCP: ${show(yield* socket.recv())}`);
    using datagrams = bindDatagram({ hostname, port: 0, timeout: ANSWER_MS });
    yield* datagrams.sendTo(new Uint8Array(0), { hostname, port: at });
    console.log(`${name} by UDP: ${show((yield* datagrams.recvFrom())[0])}`);
  }
  console.log(`SNTP: ${yield* ask({ hostname, port: port + 2 })} (ms)`);
}

if (number.ask! >= 0) {
  await run(async function* () {
    const to = { hostname, port: number.ask! };
    try {
      console.log(yield* withTimeout(ANSWER_MS, () => ask(to)));
    } catch (error) {
      if (error instanceof TimeoutError) console.error(`No answer within ${ANSWER_MS} ms`);
      else console.error(`Cannot use the answer: ${(error as Error).message}`);
      Deno.exitCode = 1;
    }
  });
} else {
  await run(async function* () {
    const servers = openOrRefuse(show({ hostname, port: Math.max(port, 0) }), openSomewhere);
    const test = () => tryAll((servers[0]!.address as Deno.NetAddr).port);
    yield* serve(servers, port < 0 ? test : null);
  });
}

/**
 * Many-to-many chat on UDP. Watch what the program has to do that TCP would do for it: a member is only an
 * address, so nobody tells when one has vanished, and silence has to; a datagram may be lost, so what needs
 * an answer is said again until there is one; and anybody may send anything, so nothing is believed.
 *
 *     deno run --allow-net examples/chat_udp.ts
 *     deno run --allow-net examples/chat_udp.ts --port 7000
 *     deno run --allow-net examples/chat_udp.ts --join 7000 --name ada
 */
import { race, run, signals, sleep, stdin, TimeoutError, type UdpAddress } from "@weft/weft";
import { ChatError, lineOf, Member, type News, visible } from "./lib/chat/client.ts";
import { isName, LONGEST, pack } from "./lib/chat/room.ts";
import { openChat } from "./lib/chat/server.ts";
import { readArgs, refuse } from "./lib/cli.ts";
import { checkPort, isHostError, openOrRefuse, serve, show } from "./lib/serve.ts";

/** How often a member shows that it is there, in milliseconds. */
const PING_MS = 1000;
/** The longest line that is read, in bytes; what is too long to be sent is said to be. */
const LONGEST_LINE = 1 << 24;

const { string, number } = readArgs(
  `Many-to-many chat on UDP.

  deno run --allow-net examples/chat_udp.ts

  --port N         stays up until SIGINT or SIGTERM; 0 takes a free port;
                   without it, the server tests itself and ends
  --silence MS     one not heard of for so long has left (30000)
  --join PORT      takes part: lines from stdin are said to all; /to NAME text says one to one,
                   /who asks who is here, /quit or the end of stdin leaves
  --name NAME      under which name
  --hostname HOST  the address to bind, or of the server (127.0.0.1)`,
  {
    string: { hostname: "127.0.0.1", name: "" },
    number: { port: -1, join: -1, silence: 30_000 },
  },
);
const hostname = string.hostname!;
const port = checkPort(number.port!);
if (number.join! > 65_535) refuse(`Option --join must be from 0 to 65535; got "${number.join}"`);
if (port >= 0 && number.join! >= 0) refuse("Options --port and --join do not go together");
if (number.silence === 0) refuse("Option --silence must be at least 1");

if (number.join! < 0) await run(serveChat);
else {
  if (!isName(string.name)) {
    refuse("Option --name must have 1 to 32 characters, no white space and no control characters");
  }
  await run(takePart);
}

async function* serveChat() {
  const where = show({ hostname, port: Math.max(port, 0) });
  const chat = openOrRefuse(where, () => openChat(hostname, Math.max(port, 0), number.silence!));
  const test = () => tryAll(chat.server.address as UdpAddress);
  yield* race([() => serve([chat.server], port < 0 ? test : null), () => chat.watch()]);
}

async function* takePart() {
  using member = new Member(string.name!, { hostname, port: number.join! }, print);
  try {
    yield* member.join();
    console.log(`* ${visible(member.name)} has joined`);
    using stop = signals("SIGINT", "SIGTERM");
    yield* race([() => listen(member), () => ping(member), () => speak(member), stop.next()]);
    yield* member.leave();
  } catch (error) {
    if (error instanceof ChatError) console.error(`Cannot take part: ${visible(error.message)}`);
    else if (error instanceof TimeoutError) console.error("No answer from the server");
    else if (isHostError(error)) console.error(`Cannot reach the server: ${error.message}`);
    else throw error;
    Deno.exitCode = 1;
  }
}

async function* listen(member: Member) {
  for (;;) print(yield* member.hear());
}

function print(news: News): void {
  const line = lineOf(news);
  if (line !== null) console.log(line);
}

async function* ping(member: Member) {
  for (;;) {
    yield* sleep(PING_MS);
    yield* member.send({ type: "ping" });
  }
}

/** Says what is typed, until there is no more. */
async function* speak(member: Member) {
  const lines = stdin().lines({ limit: LONGEST_LINE });
  for (let line; (line = yield* lines.next()) !== null;) {
    if (line === "/quit") return;
    if (line === "") continue;
    const message = messageOf(line);
    if (message === null) console.log("! write /to NAME text, /who, or /quit");
    else if (pack(message).length > LONGEST) console.log("! that is too long");
    else yield* member.send(message);
  }
}

function messageOf(line: string): Record<string, unknown> | null {
  if (line === "/who") return { type: "who" };
  const [, name, text] = /^\/to (\S+) (.*)$/.exec(line) ?? [];
  if (name !== undefined) return { type: "to", name, text };
  return line.startsWith("/") ? null : { type: "say", text: line };
}

/** Three who talk, and one of whom vanishes. */
async function* tryAll(server: UdpAddress) {
  using ada = new Member("ada", server);
  using bob = new Member("bob", server);
  yield* ada.join();
  yield* bob.join();
  yield* bob.send({ type: "say", text: "hello, everybody" });
  yield* bob.send({ type: "to", name: "ada", text: "and hello, ada" });
  yield* ada.send({ type: "who" });
  for (let i = 0; i < 4; i++) console.log(`ada hears  ${lineOf(yield* ada.hear())}`);
  using thief = new Member("ada", server);
  try {
    yield* thief.join();
    throw new Error("Two members have one name");
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    console.log(`a second ada hears  ! ${error.message}`);
  }
  yield* bob.leave();
  console.log(`ada hears  ${lineOf(yield* ada.hear())}`);
  yield* ada.leave();
}

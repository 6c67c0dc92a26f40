/**
 * DNS from the root down: a root server, one for the top level, one for a zone, and a caching recursive server
 * that clients ask. Watch in the walk that the first two only say who knows more, and in the second answer
 * that nobody was asked: it came from the cache, and less time is left to it. Nothing leaves this machine.
 *
 *     deno run --allow-net --allow-read examples/dns_server.ts
 *     deno run --allow-net --allow-read examples/dns_server.ts --trace web.example.test AAAA
 *     deno run --allow-net --allow-read examples/dns_server.ts --port 5300 --zone zone.json
 */
import { race, run, sleep } from "@weft/weft";
import { readArgs, refuse } from "./lib/cli.ts";
import { Hierarchy } from "./lib/dns/hierarchy.ts";
import { isName, keyOf } from "./lib/dns/names.ts";
import { recordText, stepText } from "./lib/dns/presentation.ts";
import type { Step } from "./lib/dns/resolver.ts";
import { isType } from "./lib/dns/types.ts";
import { BUILT_IN_ZONE, checkZone, type ZoneFile } from "./lib/dns/zone_file.ts";
import { checkPort, openOrRefuse, serveUntilSignal, show } from "./lib/serve.ts";

const { string, number, words } = readArgs(
  `DNS from the root down: four servers in one process.

  deno run --allow-net --allow-read examples/dns_server.ts

  --port N             the recursive server's port; stays up until SIGINT or SIGTERM; 0 takes a free
                       one; without it, a few questions are asked, and it ends
  --hostname HOST      the address to bind (127.0.0.1)
  --zone FILE.json     the zone to serve: { "origin", "records": [{ "name", "type", "ttl", "data" }] }
  --trace NAME [TYPE]  prints the walk from the root to the answer, and ends`,
  { string: { hostname: "127.0.0.1", zone: "", trace: "" }, number: { port: -1 }, words: ["TYPE"] },
);
const hostname = string.hostname!;
const port = checkPort(number.port!);
const trace = string.trace!.replace(/(.)\.$/, "$1");
const type = (words[0] ?? "A").toUpperCase();
if (words.length > (trace === "" ? 0 : 1)) {
  refuse(`Unexpected argument "${words.at(-1)}"; see --help`);
}
if (trace !== "" && trace !== "." && !isName(trace)) refuse(`"${trace}" is no domain name`);
if (!isType(type)) refuse(`"${type}" is no type of records`);
const zone = string.zone === "" ? BUILT_IN_ZONE : readZone(string.zone!);

await run(async function* () {
  const print = (step: Step) => console.log(stepText(step));
  const where = show({ hostname, port: Math.max(port, 0) });
  const hierarchy = openOrRefuse(
    where,
    () => new Hierarchy(zone, hostname, Math.max(port, 0), port >= 0 ? undefined : print),
  );
  const serving = hierarchy.serveForever();
  if (port < 0) {
    return yield* race([trace === "" ? tryIt(hierarchy) : walk(hierarchy, trace), serving]);
  }
  yield* serveUntilSignal(hierarchy.servers.map(({ address }) => show(address)), serving);
});

function readZone(path: string): ZoneFile {
  try {
    return checkZone(JSON.parse(Deno.readTextFileSync(path)));
  } catch (error) {
    const why = (error as Error).message.replace(/\s+/g, " ");
    refuse(`Option --zone must be a zone file; got "${path}": ${why}`);
  }
}

/** Resolves one name, and prints what comes of it behind the walk. */
async function* walk({ resolver }: Hierarchy, asked: string) {
  const name = asked === "." ? "" : asked;
  const reply = yield* resolver.resolve({ name, key: keyOf(name), type });
  const { rcode, answers = [], authorities = [] } = reply;
  console.log(`${asked} ${type}: ${rcode}`);
  for (const record of [...answers, ...authorities]) console.log(`  ${recordText(record)}`);
}

/** Asks for an alias, for the same again, and for what is not there. */
async function* tryIt(hierarchy: Hierarchy) {
  const names = ["web", "web", "nobody"].map((label) => `${label}.${zone.origin}`);
  for (const [i, name] of names.entries()) {
    if (i === 1) yield* sleep(1100);
    yield* walk(hierarchy, name);
  }
}

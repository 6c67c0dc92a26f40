/**
 * One program, first on this machine and then on nodes over a NATS server: the same jobs, the same verbs.
 * In the middle one of two nodes is killed with SIGKILL, with jobs in its hands. Watch that every result
 * comes all the same, and each once.
 *
 *     deno run -A examples/cluster.ts [--servers HOST:PORT] [--jobs N]
 */
import { jobs } from "@weft/weft";
import { Cluster } from "@weft/weft/cluster";
import { mustHave, readArgs, refuse } from "./lib/cli.ts";
import { PROGRAM, startServer } from "./lib/cluster/server.ts";

const HELP = `
The same jobs on this machine, and on nodes of a cluster, one of which is killed.

  deno run -A examples/cluster.ts [--servers HOST:PORT] [--jobs N]

  --servers LIST  where NATS servers with JetStream are; else one is started here, if installed
  --jobs N        how many jobs (200)
`;

/** Nobody else is to get into this, on a server that others use too. */
const NAME = "weft_example";
/** When a node has been silent for so long, its jobs go to another, in milliseconds. */
const LEASE = 1500;

export const { square } = jobs(import.meta, {
  /** A square that takes its time. */
  async square(n: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return n * n;
  },
});

/** The program: it does not know where its jobs run. */
async function program(cluster: Cluster, count: number, each: (done: number) => void) {
  const begun = performance.now();
  let [done, sum] = [0, 0];
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  for await (const value of cluster.imapUnordered(square, numbers)) {
    sum += value;
    each(++done);
  }
  const right = count * (count + 1) * (2 * count + 1) / 6;
  const ms = Math.round(performance.now() - begun);
  console.log(`  ${done} results in ${ms} ms; their sum is ${sum === right ? "right" : "WRONG"}`);
  if (sum !== right) Deno.exitCode = 1;
}

function startNode(servers: string): Deno.ChildProcess {
  const program = new URL("../src/cluster/node/main.ts", import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", program, "--servers", servers, "--name", NAME],
      ...["--modules", import.meta.url, "--workers", "2", "--lease", String(LEASE), "--every", "0"],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

async function onNodes(servers: string, count: number): Promise<void> {
  const nodes = [startNode(servers), startNode(servers)];
  try {
    await using cluster = new Cluster({ servers, name: NAME, lease: LEASE });
    await program(cluster, count, (done) => {
      if (done !== Math.ceil(count / 3)) return;
      console.log(`  after ${done} results, a node is killed`);
      nodes[0]!.kill("SIGKILL");
    });
    const { nodes: heard } = await cluster.statistics();
    console.log(
      `  nodes that are left: ${heard.filter(({ pid }) => pid === nodes[1]!.pid).length}`,
    );
  } finally {
    for (const node of nodes) {
      try {
        node.kill("SIGTERM");
      } catch {
        // It was killed before.
      }
      await node.status;
    }
  }
}

if (import.meta.main) {
  const { string, number } = readArgs(HELP, { string: { servers: "" }, number: { jobs: 200 } });
  const count = number.jobs!;
  if (count < 3) refuse("Option --jobs must be 3 or more");
  mustHave("This example", "read", "write", "run", "net", "env");
  if (Deno.env.get("NATS_URL") === undefined) {
    console.log("On this machine, without a server:");
    await using cluster = new Cluster({ workers: 2 });
    await program(cluster, count, () => {});
  }
  const given = string.servers || Deno.env.get("NATS_URL");
  await using started = given === undefined ? await startServer() : null;
  const servers = given ?? started?.url;
  if (servers === undefined) {
    console.log(`For nodes, install ${PROGRAM} (apt-get install nats-server), or give --servers`);
  } else {
    console.log(
      `On two nodes, over ${started === null ? "the given servers" : "a server of its own"}:`,
    );
    await onNodes(servers, count);
  }
}

/**
 * A live table of a cluster: what waits, who is there, and what each node gets done.
 *
 * `deno task cluster:top --servers 127.0.0.1:4222`
 */
import { Cluster, type ClusterStatistics, type NodeHealth } from "@weft/weft/cluster";
import { sleep } from "@weft/weft";
import Table from "cli-table3";
import { readArgs, refuse } from "../cli.ts";

const HELP = `
Usage: deno task cluster:top --servers HOST:PORT [--name NAME] [--every S] [--once] [--json]

Shows what waits in a cluster and what each node does, each S seconds (1), until Ctrl-C.

  --servers LIST  where the servers are; or the variable NATS_URL
  --name NAME     the cluster's name (weft)
  --once          once, and ends
  --json          as lines of JSON
`;

const HEAD = [
  "node",
  "host",
  "state",
  "workers",
  "running",
  "buffered",
  "jobs/s",
  "done",
  "failed",
  "returned",
  "refused",
  "up s",
];

/** Names come from other machines: what a terminal would act on does not get there. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 40);
}

function cellsOf(node: NodeHealth): string[] {
  const { workers, running, buffered, rate, done, failed, returned, refused, uptime } = node;
  const numbers = [workers, running, buffered, rate, done, failed, returned, refused];
  const up = Math.round(uptime / 1000);
  return [plain(node.node), plain(node.host), node.state, ...numbers.map(String), String(up)];
}

/** One picture of the cluster. */
export function drawTop({ queued, inFlight, nodes }: ClusterStatistics): string {
  const table = new Table({
    head: HEAD,
    colAligns: ["left", "left", "left", ...HEAD.slice(3).map(() => "right" as const)],
    style: { head: [], border: [] },
    chars: { "mid": "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const node of nodes) table.push(cellsOf(node));
  const { high, normal, low } = queued;
  const rate = nodes.reduce((sum, node) => sum + node.rate, 0);
  return `waiting: ${high} high, ${normal} normal, ${low} low; with nodes: ${inFlight}; ` +
    `${nodes.length} nodes, ${rate.toFixed(1)} jobs/s\n${table}`;
}

if (import.meta.main) {
  const { string, number, boolean } = readArgs(HELP, {
    string: { servers: Deno.env.get("NATS_URL") ?? "", name: "weft" },
    number: { every: 1 },
    boolean: ["once", "json"],
  });
  if (string.servers === "") refuse("Give --servers HOST:PORT, or the variable NATS_URL");
  await using cluster = new Cluster({ servers: string.servers!, name: string.name! });
  const isTerminal = Deno.stdout.isTerminal() && !boolean.json && !boolean.once;
  do {
    const statistics = await cluster.statistics();
    if (isTerminal) console.log("\x1b[2J\x1b[H");
    console.log(boolean.json ? JSON.stringify(statistics) : drawTop(statistics));
    if (!boolean.once) await sleep(Math.max(1, number.every!) * 1000);
  } while (!boolean.once);
}

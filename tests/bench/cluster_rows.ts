/**
 * Clusters: weft beside the bare NATS client, each with a server of its own and a node in a process of its own.
 *
 * The bare client stores no result: an answer that comes when nobody listens is gone. weft stores each, so a
 * job costs the server twice as much; what it saves is on the submitter's side, by a publisher of its own.
 * How many nodes pay is a matter of cores: server, submitter and each node want one.
 */
import { Absent, type Contender, type Row } from "./harness.ts";
import { output } from "./children.ts";
import { hasNatsServer, NatsServer } from "../lib/nats_server.ts";

const root = new URL("../../", import.meta.url).pathname;
const peers = `${root}tests/bench/peers`;
const DENO = [Deno.execPath(), "run", "-A", "--quiet", "--no-check"];

/** What a submitter prints. */
interface Sample {
  readonly perSecond: number;
  readonly p50: number;
}

/** How a node is started, by the URL of the server. */
type Node = (url: string) => readonly string[];

const bareNode: Node = (url) => [...DENO, `${peers}/cluster_bare.ts`, "node", url];
const weftNode: Node = (url) => [
  ...[...DENO, `${root}src/cluster/node/main.ts`, "--servers", url],
  ...["--modules", `${peers}/cluster_weft.ts`, "--workers", "1", "--every", "1", "--json"],
];

/** Takes one sample: a server, so many nodes, and a submitter of `count` jobs. */
async function sample(
  node: Node,
  nodes: number,
  submit: readonly [program: string, role: string, count: number],
): Promise<Sample> {
  if (!hasNatsServer) throw new Absent("nats-server is not installed");
  await using server = await NatsServer.start();
  const children: Deno.ChildProcess[] = [];
  try {
    for (let i = 0; i < nodes; i++) {
      const [program, ...args] = node(server.url);
      const child = new Deno.Command(program!, { args, stdout: "piped", stderr: "null" }).spawn();
      children.push(child);
      const reader = child.stdout.getReader();
      await reader.read(); // it has said something: it is up
      reader.releaseLock();
      void child.stdout.pipeTo(new WritableStream()).catch(() => {});
    }
    const [program, role, count] = submit;
    const said = await output([...DENO, `${peers}/${program}`, role, server.url, String(count)]);
    return JSON.parse(said) as Sample;
  } finally {
    for (const child of children) {
      child.kill("SIGKILL");
      await child.status;
    }
  }
}

const tiny = (part: "perSecond" | "p50", count: number): Record<string, Contender> => ({
  "bare NATS client": async () =>
    (await sample(bareNode, 1, ["cluster_bare.ts", "submit", count]))[part],
  "weft": async () => (await sample(weftNode, 1, ["cluster_weft.ts", "submit", count]))[part],
});

const working = (nodes: number): Contender => async () =>
  (await sample(weftNode, nodes, ["cluster_weft.ts", "work", 300])).perSecond;

/** The rows of clusters. */
export const clusterRows: readonly Row[] = [
  {
    name: "cluster: tiny jobs, a thousand at a time",
    unit: "/s",
    better: "more",
    baseline: "bare NATS client",
    contenders: tiny("perSecond", 40_000),
    figures: [{ of: "weft", against: "bare NATS client", atLeast: 1 }],
  },
  {
    name: "cluster: one job at a time, p50",
    unit: "ms",
    baseline: "bare NATS client",
    contenders: tiny("p50", 4000),
    figures: [{ of: "weft", atMost: 1 }],
  },
  {
    name: "cluster: jobs of 10 ms, one worker a node",
    unit: "/s",
    better: "more",
    baseline: "1 node",
    contenders: { "1 node": working(1), "2 nodes": working(2), "4 nodes": working(4) },
    figures: [{ of: "2 nodes", against: "1 node", atLeast: 1.8 }],
  },
];

/**
 * A trial by violence: jobs over some node processes, while nodes and the server are killed at random and
 * started again. Every result must come, each once, and the sum must be right.
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { Cluster } from "@weft/weft/cluster";
import { CLASSES, Names } from "../../src/cluster/wire/names.ts";
import { add } from "./fixtures/node_jobs.ts";
import { NatsServer } from "../lib/nats_server.ts";

const MODULE = import.meta.resolve("./fixtures/node_jobs.ts");
const PROGRAM = new URL("../../src/cluster/node/main.ts", import.meta.url).href;

/** How hard a trial is to be. */
export interface TrialOptions {
  /** How many jobs. */
  jobs: number;
  /** How many node processes. */
  nodes: number;
  /** Between two kills, in milliseconds. */
  every: number;
  /** Which part of the kills is the server's. */
  serverShare: number;
  /** The lease, in milliseconds. */
  lease: number;
  /** After so many milliseconds the trial is given up. */
  limit: number;
  /** Hears how it goes. */
  tell?: (line: string) => void;
}

/** How a trial ended. */
export interface TrialEnd {
  /** Jobs that came to a result. */
  results: number;
  /** Whether the sum of results is right. */
  right: boolean;
  /** How often nodes, and the server, were killed. */
  nodeKills: number;
  serverKills: number;
  /** How long it took, in milliseconds. */
  ms: number;
  /** Jobs that are still stored. */
  left: number;
}

/** Runs one trial. */
export async function trial(options: TrialOptions): Promise<TrialEnd> {
  const { jobs, every, serverShare, lease, limit, tell = () => {} } = options;
  await using server = await NatsServer.start();
  const nodes: Deno.ChildProcess[] = [];
  const startNode = (): Deno.ChildProcess =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        "--no-check",
        PROGRAM,
        "--servers",
        server.url,
        "--modules",
        MODULE,
        "--workers",
        "1",
        "--concurrency",
        "8",
        "--lease",
        String(lease),
        "--every",
        "0",
        "--connect-timeout",
        "60000",
      ],
      stdin: "null",
      stdout: "null",
      stderr: options.tell === undefined ? "null" : "inherit",
    }).spawn();
  const begun = performance.now();
  const cluster = new Cluster({ servers: server.url, lease, connectTimeout: 60_000 });
  let [results, sum, nodeKills, serverKills, over] = [0, 0, 0, 0, false];
  const end = Promise.withResolvers<void>();
  const violence = async () => {
    while (!over) {
      await Promise.race([
        end.promise,
        new Promise((resolve) => timers.push(setTimeout(resolve, every))),
      ]);
      if (over) return;
      if (Math.random() < serverShare) {
        serverKills++;
        await server.restart();
      } else {
        const index = Math.floor(Math.random() * nodes.length);
        nodeKills++;
        await kill(nodes[index]!);
        nodes[index] = startNode();
      }
      tell(
        `${
          Math.round((performance.now() - begun) / 1000)
        } s: ${results} results, ${nodeKills} nodes and ${serverKills} servers killed`,
      );
    }
  };
  const timers: ReturnType<typeof setTimeout>[] = [];
  const giveUp = setTimeout(() => end.resolve(), limit);
  try {
    await cluster.submit(add, 0, 0).accepted();
    for (let i = 0; i < options.nodes; i++) nodes.push(startNode());
    const killing = violence();
    const submitting = (async () => {
      for (let i = 1; i <= jobs && !over; i++) {
        if (cluster.full) await cluster.ready();
        cluster.submit(add, i, 1).link((future) => {
          if (!future.successful) return;
          results++;
          sum += future.value!;
          if (results === jobs) end.resolve();
        });
      }
    })();
    await end.promise;
    over = true;
    await killing;
    await Promise.race([submitting, Promise.resolve()]);
    const ms = Math.round(performance.now() - begun);
    const { nodes: _nodes, ...mine } = await cluster.statistics();
    tell(JSON.stringify(mine));
    let left = Infinity;
    for (let look = 0; look < 60 && left > 0; look++) {
      left = await storedJobs(server);
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    return {
      results,
      right: sum === jobs * (jobs + 1) / 2 + jobs,
      nodeKills,
      serverKills,
      ms,
      left,
    };
  } finally {
    over = true;
    clearTimeout(giveUp);
    for (const timer of timers) clearTimeout(timer);
    for (const node of nodes) await kill(node);
    await cluster[Symbol.asyncDispose]();
  }
}

/** How many jobs are stored, finished or not. */
async function storedJobs(server: NatsServer): Promise<number> {
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  let left = 0;
  for (const jobClass of CLASSES) {
    left += (await manager.streams.info(new Names("weft").jobs(jobClass))).state.messages;
  }
  await nc.close();
  return left;
}

/** Ends a node; one that has ended by itself is told of. */
async function kill(node: Deno.ChildProcess): Promise<void> {
  try {
    node.kill("SIGKILL");
  } catch {
    console.error(`a node has ended by itself, with code ${(await node.status).code}`);
  }
  await node.status;
}

if (import.meta.main) {
  const [jobs, nodes, every, share, lease, limit] = Deno.args.map(Number) as number[];
  const end = await trial({
    jobs: jobs ?? 100_000,
    nodes: nodes ?? 4,
    every: every ?? 3000,
    serverShare: share ?? 0.3,
    lease: lease ?? 30_000,
    limit: limit ?? 300_000,
    tell: console.log,
  });
  console.log(JSON.stringify(end));
}

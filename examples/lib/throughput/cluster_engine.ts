/**
 * The engine on a cluster: each task a job that goes over a NATS server, to a node with as many workers as
 * the other engines have. The node is in this process, so that its work is counted in; on machines of
 * its own it would be one among many.
 */
import { Cluster } from "@weft/weft/cluster";
import { ClusterNode } from "@weft/weft/node";
import { type Engine, type Outcome, total } from "./engine.ts";
import { single } from "./worker_jobs.ts";

/** Nobody else's jobs are to get in between. */
const NAME = "weft_throughput";

/** Connects, and starts a node. */
export async function openCluster(servers: string, workers: number): Promise<Engine> {
  const modules = [import.meta.resolve("./worker_jobs.ts")];
  const node = await ClusterNode.start({ servers, name: NAME, modules, workers });
  const cluster = new Cluster({ servers, name: NAME });
  return {
    async perform(workload, ids, site) {
      const calls = ids.map((id) => [workload, id, site] as const);
      const outcomes: Outcome[] = await cluster.starmap(single, calls);
      return {
        checksum: total(outcomes.map((outcome) => outcome.checksum)),
        laps: outcomes.flatMap((outcome) => outcome.laps),
      };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await cluster.drain();
      await node.close();
    },
  };
}

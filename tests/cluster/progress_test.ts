/** What jobs report on their way, across a server and without one. */
import { assert, assertEquals } from "@std/assert";
import { Cluster, type ClusterFuture } from "@weft/weft/cluster";
import { ClusterNode } from "@weft/weft/node";
import { tell } from "./fixtures/node_jobs.ts";
import { law } from "../lib/law.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

interface Report {
  readonly n: number;
  readonly of: Map<number, Uint8Array>;
}

async function read(future: ClusterFuture<number>, most = Infinity): Promise<number[]> {
  const seen: number[] = [];
  for await (const { n, of } of future.progress<Report>()) {
    assertEquals(of, new Map([[n, new Uint8Array([n])]]));
    seen.push(n);
    if (seen.length === most) break;
  }
  return seen;
}

serverLaw(
  "ClusterFuture.progress() gives what the job reports, in order, and then ends",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = new Cluster({ servers: server.url });
    await using _node = await ClusterNode.start({
      servers: server.url,
      modules: [import.meta.resolve("./fixtures/node_jobs.ts")],
      workers: 1,
    });
    const future = cluster.submit(tell, 5, 2);
    assertEquals(await read(future), [1, 2, 3, 4, 5]);
    assertEquals(await future, 5);
    assertEquals(await read(future), [5]); // the latest that came before

    const long = cluster.submit(tell, 100_000, 5);
    await long.accepted();
    await using other = new Cluster({ servers: server.url });
    const seen = await read(other.attach(long.key) as ClusterFuture<number>, 3);
    assertEquals(seen, [seen[0], seen[0]! + 1, seen[0]! + 2]);
    const reading = read(long);
    long.cancel();
    assert((await reading).length < 65);
  },
);

law("ClusterFuture.progress() gives the same without a server", async () => {
  await using cluster = new Cluster({ workers: 1 });
  const future = cluster.submit(tell, 5, 1);
  // The last is cloned from worker to worker, where it can be.
  const seen: unknown[] = [];
  for await (const one of future.progress<Report>()) seen.push(one.n);
  assertEquals([seen.slice(0, 5), await future], [[1, 2, 3, 4, 5], 5]);
});

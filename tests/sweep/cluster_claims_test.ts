/** Jobs that nobody has any more come back long before their lease runs out. */
import { assertEquals } from "@std/assert";
import { Cluster } from "@weft/weft/cluster";
import { ClusterNode } from "@weft/weft/node";
import { FakeNode } from "../cluster/fake_node.ts";
import { add, hold } from "../cluster/fixtures/node_jobs.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

const MODULE = import.meta.resolve("../cluster/fixtures/node_jobs.ts");

serverLaw(
  "A job whose node is gone is stored once more, one that a node has is left with it",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = new Cluster({ servers: server.url });
    // It takes jobs, and is gone with them; their lease has half a minute to run.
    const gone = await FakeNode.start(server, { add: () => new Promise(() => {}) });
    const lost = [1, 2, 3].map((n) => cluster.submit(add, n, n));
    while (gone.calls.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    await gone[Symbol.asyncDispose]();
    await using node = await ClusterNode.start({
      servers: server.url,
      modules: [MODULE],
      workers: 1,
    });
    const begun = performance.now();
    const long = cluster.submit(hold, 15_000);
    assertEquals(await Promise.all(lost), [2, 4, 6]);
    assertEquals(performance.now() - begun < 25_000, true);
    assertEquals(await long, "held");
    const { restored } = await cluster.statistics();
    assertEquals([restored, node.health().done], [3, 4]);
  },
  60_000,
);

/** Submitters and real nodes together: what neither side can show alone. */
import { assertEquals, assertRejects } from "@std/assert";
import { Cancelled, TimeoutError } from "@weft/weft";
import { Cluster, JobFailedError } from "@weft/weft/cluster";
import { ClusterNode } from "@weft/weft/node";
import { add, exit, fail, hold, nap, spin, unsendable } from "./fixtures/node_jobs.ts";
import { NatsServer, serverLaw, until } from "../lib/nats_server.ts";

const MODULE = import.meta.resolve("./fixtures/node_jobs.ts");

const start = (server: NatsServer, workers = 1): Promise<ClusterNode> =>
  ClusterNode.start({ servers: server.url, modules: [MODULE], workers, warn: () => {} });

serverLaw(
  "A job comes to its value, its error, its time limit, or a failure with a code",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = new Cluster({ servers: server.url });
    await using _node = await start(server, 2);
    assertEquals(await cluster.submit(add, 2, 3), 5);
    const error = await assertRejects(
      async () => await cluster.submit(fail, "no"),
      RangeError,
      "no",
    );
    assertEquals((error.cause as Error).message, "deeper");
    await assertRejects(
      async () => await cluster.with({ timeout: 50 }).submit(spin),
      TimeoutError,
    );
    const twice = cluster.with({ maxAttempts: 2 });
    const poison = await assertRejects(async () => await twice.submit(exit), JobFailedError);
    assertEquals([poison.code, poison.history.length], ["attempts", 2]);
    const none = await assertRejects(async () => await cluster.submit(unsendable), JobFailedError);
    assertEquals(none.code, "unsendable");
  },
);

serverLaw(
  "A cancel reaches jobs that run and jobs that wait at a node, by each policy",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = new Cluster({ servers: server.url });
    await using node = await start(server);
    for (const onCancel of ["kill", "flag", "wait"] as const) {
      const running = cluster.with({ onCancel }).submit(hold, onCancel === "wait" ? 200 : 60_000);
      await until(() => node.health().running === 1, "the job runs");
      const waiting = cluster.submit(nap, 10);
      assertEquals(running.cancel("enough"), onCancel);
      assertEquals((await assertRejects(async () => await running, Cancelled)).reason, "enough");
      await until(() => node.health().running === 0, `the job is stopped by ${onCancel}`);
      assertEquals(await waiting, "napped");
    }
  },
);

serverLaw("The more urgent class goes first at a node that has jobs of each", async () => {
  await using server = await NatsServer.start();
  await using cluster = new Cluster({ servers: server.url });
  const order: string[] = [];
  const submit = (priority: number, name: string): void =>
    cluster.with({ priority }).submit(nap, 15).link(() => order.push(name));
  for (let i = 0; i < 4; i++) submit(-1, "low");
  for (let i = 0; i < 4; i++) submit(0, "normal");
  for (let i = 0; i < 4; i++) submit(5, "high");
  await until(async () => {
    const { queued } = await cluster.statistics();
    return queued.high + queued.normal + queued.low === 12;
  }, "all are stored");
  await using _node = await start(server);
  await cluster.drain();
  // What the node took first, before it had heard of the others, may be of any class.
  const late = order.slice(4);
  assertEquals(late.lastIndexOf("high") < late.indexOf("low"), true, order.join());
});

serverLaw("Statistics tell of queues and nodes, and a signal cancels", async () => {
  await using server = await NatsServer.start();
  await using cluster = new Cluster({ servers: server.url });
  const abort = new AbortController();
  const future = cluster.with({ signal: abort.signal, priority: 1 }).submit(add, 1, 1);
  await future.accepted();
  assertEquals((await cluster.statistics()).queued.high, 1);
  abort.abort("late");
  assertEquals(future.cancelled, true);
  await using node = await start(server);
  await cluster.submit(add, 1, 1);
  const { nodes, settled, outstanding } = await cluster.statistics();
  assertEquals(nodes.map(({ node }) => node), [node.name]);
  assertEquals([settled, outstanding], [2, 0]);
});

/** Without a server: the same verbs on the workers of this machine. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { asCompleted, Cancelled, ClosedError, run } from "@weft/weft";
import { Cluster, ClusterError } from "@weft/weft/cluster";
import { add, fail, hold, nap } from "./fixtures/node_jobs.ts";
import { law } from "../lib/law.ts";

law("Without servers, jobs run on workers of this program, by the same verbs", async () => {
  await using cluster = new Cluster({ workers: 2 });
  const future = cluster.submit(add, 1, 2);
  await future.accepted();
  assertEquals(await future, 3);
  assertEquals(await cluster.apply(add, 2, 2), 4);
  assertEquals(await cluster.starmap(add, [[1, 2], [3, 4]]), [3, 7]);
  await assertRejects(async () => await cluster.submit(fail, "no"), RangeError, "no");
  const seen: number[] = [];
  for await (const one of asCompleted([cluster.submit(add, 1, 1), cluster.submit(add, 2, 2)])) {
    seen.push(one.value!);
  }
  assertEquals(seen.sort(), [2, 4]);
  const { submitted, settled, nodes, state } = await cluster.statistics();
  assertEquals([submitted, settled, nodes, state], [5, 5, [], "open"]);
});

law("Without servers, a cancel, a key and an order mean what they mean with them", async () => {
  const cluster = new Cluster({ workers: 2 });
  const slow = cluster.submit(hold, 60_000);
  assertEquals(cluster.attach(slow.key), slow);
  slow.cancel("enough");
  assertEquals((await assertRejects(async () => await slow, Cancelled)).reason, "enough");
  const one = cluster.with({ order: "a", priority: 1 });
  const order: string[] = [];
  const futures = [30, 1, 1].map((ms, i) => {
    const future = one.submit(nap, ms);
    future.link(() => order.push(`${i}`));
    return future;
  });
  futures[1]!.cancel();
  await futures[2];
  assertEquals(order, ["1", "0", "2"]);
  await assertRejects(async () => await cluster.attach("a.b"), ClusterError, "without a server");
  const last = cluster.submit(add, 1, 1);
  await cluster.drain();
  assertEquals(last.value, 2);
  assertThrows(() => cluster.submit(add, 1, 1), ClosedError);
});

law("Without servers, a cluster made in a run ends with it", async () => {
  const value = await run(function* () {
    const cluster = new Cluster({ workers: 1 });
    return yield* cluster.submit(add, 20, 1);
  });
  assertEquals(value, 21);
});

law("Options that will not do are refused by name, before anything happens", () => {
  const bad: [object, RegExp][] = [
    [{ name: "a.b" }, /the name of a cluster/],
    [{ submitter: "" }, /the name of a submitter/],
    [{ servers: [] }, /servers/],
    [{ servers: 7 }, /servers/],
    [{ window: 0 }, /a window/],
    [{ queue: -1 }, /waiting jobs/],
    [{ timeout: -1 }, /a time limit/],
    [{ onCancel: "later" }, /onCancel/],
    [{ maxAttempts: 0 }, /attempts/],
    [{ resultKey: "short" }, /resultKey/],
    [{ connectTimeout: NaN }, /connectTimeout/],
    [{ workers: 0 }, /workers/],
    [{ replicas: 0, servers: "127.0.0.1:1" }, /replicas/],
  ];
  for (const [options, why] of bad) {
    const error = assertThrows(() => new Cluster(options));
    assertEquals(why.test((error as Error).message), true, (error as Error).message);
  }
  const cluster = new Cluster({ workers: 1 });
  assertThrows(() => cluster.with({ priority: NaN }), RangeError, "priority");
  assertThrows(() => cluster.with({ order: 7 as unknown as string }), TypeError, "order");
  cluster.terminate();
});

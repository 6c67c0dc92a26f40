/** Strangers on the subjects of a submitter: refused, counted, and nobody is harmed. */
import { assertEquals, assertRejects } from "@std/assert";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { Cluster, ClusterError } from "@weft/weft/cluster";
import { encode } from "../../src/cluster/codec/encode.ts";
import { Names } from "../../src/cluster/wire/names.ts";
import { formatResultHead, HEAD, SIGNATURE } from "../../src/cluster/wire/protocol.ts";
import { add, note } from "./fake_jobs.ts";
import { FakeNode } from "./fake_node.ts";
import { NatsServer, serverLaw, until } from "../lib/nats_server.ts";

const names = new Names("weft");
const functions = { add: (a: number, b: number) => a + b, note: (word: string) => word };
const genuine = formatResultHead({ status: "value", attempt: 1, node: "x", ms: 0, object: null });

function head(text: string | null, signature?: string): MsgHdrs {
  const made = headers();
  if (text !== null) made.append(HEAD, text);
  if (signature !== undefined) made.append(SIGNATURE, signature);
  return made;
}

function resultOf(key: string): string {
  const [submitter, id] = key.split(".") as [string, string];
  return names.result({ submitter, id });
}

const stranger = (server: NatsServer): Promise<NatsConnection> => connect({ servers: server.url });

serverLaw(
  "What is stored in the place of a result and is none is refused, and the true one counts",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = new Cluster({ servers: server.url });
    await using nc = await stranger(server);
    const js = jetstream(nc);
    const bad: [MsgHdrs, Uint8Array][] = [
      [headers(), encode(666)],
      [head("2 value 1 x 0 -"), encode(666)],
      [head("1 value 1 x 0 - more"), encode(666)],
      [head("nonsense"), new Uint8Array()],
      [head(genuine), new Uint8Array([255, 255, 255])],
      [head(genuine), new Uint8Array(900_000)],
      [head("1 value 1 x 0 other.job.a"), new Uint8Array()],
      [head("1 failed 1 x 0 -"), encode(["none", "such", []])],
    ];
    const futures = bad.map((_, i) => cluster.submit(add, i, 1));
    for (const [i, future] of futures.entries()) {
      await future.accepted();
      const [made, body] = bad[i]!;
      await js.publish(resultOf(future.key), body, { headers: made });
    }
    await until(
      async () => (await cluster.statistics()).refused >= bad.length,
      "every stranger is counted",
    );
    assertEquals(futures.map(({ done }) => done), bad.map(() => false));
    await using _node = await FakeNode.start(server, functions);
    assertEquals(await Promise.all(futures), bad.map((_, i) => i + 1));
  },
);

serverLaw("With a resultKey, a result that another has made up does not count", async () => {
  await using server = await NatsServer.start();
  const resultKey = "a secret of many letters";
  await using cluster = new Cluster({ servers: server.url, resultKey });
  await using nc = await stranger(server);
  const js = jetstream(nc);
  const manager = await jetstreamManager(nc);
  const future = cluster.submit(add, 1, 2);
  await future.accepted();
  for (const signature of [undefined, "AAAA"]) {
    await js.publish(resultOf(future.key), encode(666), { headers: head(genuine, signature) });
    await until(async () => {
      const { state } = await manager.streams.info(names.results);
      return state.messages === 0;
    }, "the false result is gone");
  }
  assertEquals(future.done, false);
  await using _node = await FakeNode.start(server, functions, resultKey);
  assertEquals(await future, 3);
});

serverLaw(
  "The first stored result wins and is given out once, also when two runs differ",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = new Cluster({ servers: server.url });
    await using nc = await stranger(server);
    const js = jetstream(nc);
    const future = cluster.submit(note, "slow");
    await future.accepted();
    let told = 0;
    future.link(() => told++);
    const subject = resultOf(future.key);
    // A plain subscriber hears of the second before it is refused; the future must not.
    const both = await Promise.allSettled([
      js.publish(subject, encode("first"), { headers: head(genuine) }),
      js.publish(subject, encode("second"), { headers: head(genuine) }),
    ]);
    assertEquals(both.map(({ status }) => status), ["fulfilled", "rejected"]);
    assertEquals([await future, told], ["first", 1]);
    await using other = new Cluster({ servers: server.url });
    assertEquals(await other.attach(future.key), "first");
  },
);

serverLaw("Messages to inboxes, nodes' subjects and jobs of others harm nobody", async () => {
  await using server = await NatsServer.start();
  await using cluster = new Cluster({ servers: server.url });
  await using node = await FakeNode.start(server, functions);
  await using nc = await stranger(server);
  const inboxes: string[] = [];
  // What a user without permissions could find out.
  nc.subscribe("_INBOX.>", { callback: (_error, msg) => void inboxes.push(msg.subject) });
  await nc.flush();
  assertEquals(await cluster.submit(add, 1, 1), 2);
  await cluster.statistics();
  const garbage = [new Uint8Array(), new Uint8Array([1, 2, 3]), new TextEncoder().encode("{")];
  for (const subject of [...new Set(inboxes)]) {
    for (const body of garbage) nc.publish(subject, body, { reply: "$JS.API.STREAM.DELETE.x" });
    nc.publish(subject, encode(666), { headers: head(genuine), reply: "$JS.ACK.a.b.1.1.1.1.0" });
  }
  for (const subject of ["weft.n.evil", "weft.a", "weft.x.s.i", "weft.p.s.i", "weft.n.a.b"]) {
    for (const body of garbage) nc.publish(subject, body, { reply: resultOf("s.i") });
  }
  await nc.flush();
  assertEquals((await cluster.statistics()).nodes, []);
  const sums = await cluster.starmap(add, Array.from({ length: 100 }, (_, i) => [i, i]));
  assertEquals(sums, Array.from({ length: 100 }, (_, i) => 2 * i));
  assertEquals(node.link.up, true);
  await assertRejects(async () => await cluster.attach("s.i"), ClusterError);
});

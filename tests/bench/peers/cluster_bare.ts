/**
 * The bare NATS client, as its own examples use it: `js.publish`, `consume`, the answer by core NATS to an
 * inbox that stands in a header, `ack`. No answer is stored.
 *
 *   cluster_bare.ts node URL          answers until it is killed
 *   cluster_bare.ts submit URL N      prints { perSecond, p50, p99 }
 */
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, createInbox, headers } from "@nats-io/transport-node";

const [role, servers, count = "0"] = Deno.args as [string, string, string?];
const nc = await connect({ servers });
const js = jetstream(nc);
const manager = await jetstreamManager(nc);
await manager.streams.add({
  name: "BARE",
  subjects: ["bare.*"],
  retention: "workqueue",
  storage: "file",
});
await manager.consumers.add("BARE", {
  durable_name: "nodes",
  ack_policy: "explicit",
  max_ack_pending: -1,
});

if (role === "node") {
  const consumer = await js.consumers.get("BARE", "nodes");
  await consumer.consume({
    max_messages: 512,
    callback: (msg) => {
      const [a, b] = msg.json<[number, number]>();
      nc.publish(msg.headers!.get("Reply"), JSON.stringify(a + b));
      msg.ack();
    },
  });
  console.log("ready");
} else {
  const inbox = createInbox();
  const waiting = new Map<string, (sum: number) => void>();
  nc.subscribe(`${inbox}.*`, {
    callback: (_error, msg) => {
      waiting.get(msg.subject)?.(msg.json<number>());
      waiting.delete(msg.subject);
    },
  });
  const call = (i: number): Promise<number> => {
    const reply = `${inbox}.${i}`;
    const head = headers();
    head.set("Reply", reply);
    return new Promise((resolve, reject) => {
      waiting.set(reply, resolve);
      js.publish(`bare.${i}`, JSON.stringify([i, 1]), { headers: head }).catch(reject);
    });
  };
  const { measure } = await import("./cluster_measure.ts");
  console.log(JSON.stringify(await measure(call, Number(count))));
  Deno.exit(0);
}

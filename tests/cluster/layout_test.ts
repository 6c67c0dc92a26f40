/** The streams of a cluster, on a real server. */
import { assertEquals, assertRejects } from "@std/assert";
import { connect } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { ensureLayout, LayoutError, USUAL_LAYOUT } from "../../src/cluster/wire/layout.ts";
import { DURABLE, Names } from "../../src/cluster/wire/names.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

serverLaw("The layout is made once, and a second look changes nothing", async () => {
  await using server = await NatsServer.start();
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  const names = new Names("lab");
  await ensureLayout(manager, names, USUAL_LAYOUT);
  await ensureLayout(manager, names, { ...USUAL_LAYOUT, lease: 1000, keep: 5000 });
  const { config } = await manager.consumers.info(names.jobs("high"), DURABLE);
  assertEquals(config.ack_wait, 30_000_000_000);
  assertEquals([config.max_deliver, config.max_ack_pending], [-1, -1]);
  const jobs = (await manager.streams.info(names.jobs("normal"))).config;
  assertEquals([jobs.max_msgs, jobs.retention, jobs.allow_direct], [-1, "workqueue", true]);
  await nc.drain();
});

serverLaw("The first result is stored, and a second is refused", async () => {
  await using server = await NatsServer.start();
  const nc = await connect({ servers: server.url });
  const names = new Names("lab");
  await ensureLayout(await jetstreamManager(nc), names, USUAL_LAYOUT);
  const js = jetstream(nc);
  const subject = names.result({ submitter: "s", id: "i" });
  await js.publish(subject, "first");
  await assertRejects(() => js.publish(subject, "second"), Error, "maximum messages per subject");
  await nc.drain();
});

serverLaw("A job stream that may lose accepted jobs is refused", async () => {
  await using server = await NatsServer.start();
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  const names = new Names("lab");
  await manager.streams.add({
    name: names.jobs("high"),
    subjects: ["lab.q.high.*.*"],
    retention: "workqueue",
    discard: "new",
    allow_direct: true,
    max_msgs: 100,
  });
  await assertRejects(() => ensureLayout(manager, names, USUAL_LAYOUT), LayoutError, "max_msgs");
  await nc.drain();
});

/** The keeper, against a real server whose consumer has lost track. */
import { assertEquals } from "@std/assert";
import { connect, headers, nanos } from "@nats-io/transport-node";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { encode } from "../../src/cluster/codec/encode.ts";
import { Link } from "../../src/cluster/link/link.ts";
import { Objects } from "../../src/cluster/link/objects.ts";
import { ResultReader } from "../../src/cluster/link/result_reader.ts";
import { StreamKeeper } from "../../src/cluster/node/stream_keeper.ts";
import { DURABLE, Names } from "../../src/cluster/wire/names.ts";
import { formatResultHead, HEAD } from "../../src/cluster/wire/protocol.ts";
import { NatsServer, serverLaw, until } from "../lib/nats_server.ts";
import { RawSubmitter } from "./raw_submitter.ts";

const LEASE = 600;

async function keeperOn(servers: string, name: string): Promise<[Link, StreamKeeper]> {
  const link = await Link.open({
    connect: { servers },
    names: new Names("lab"),
    layout: { replicas: 1, lease: LEASE, keep: 60_000 },
    clientName: name,
    connectTimeout: 5000,
  });
  const reader = new ResultReader(link, new Objects(link), null);
  const keeper = new StreamKeeper(link, reader, name, LEASE);
  keeper.stop(); // looks when it is told to
  return [link, keeper];
}

/** The result of a job whose node is gone. */
async function storeResult(submitter: RawSubmitter, id: string): Promise<void> {
  const heads = headers();
  const said = { status: "value", attempt: 1, node: "gone", ms: 0, object: null } as const;
  heads.set(HEAD, formatResultHead(said));
  const subject = submitter.names.result({ submitter: "raw", id });
  await jetstream(submitter.nc).publish(subject, encode(3), { headers: heads });
}

/** A consumer that has delivered all there is, and will not do so again: what is stored lies there. */
async function forget(servers: string, ackMs = 50): Promise<void> {
  const nc = await connect({ servers });
  const manager = await jetstreamManager(nc);
  const stream = new Names("lab").jobs("normal");
  await manager.consumers.delete(stream, DURABLE);
  await manager.consumers.add(stream, {
    durable_name: DURABLE,
    ack_policy: "explicit",
    ack_wait: nanos(ackMs),
    max_deliver: 1,
  });
  const consumer = await jetstream(nc).consumers.get(stream, DURABLE);
  for (let n = (await manager.streams.info(stream)).state.messages; n > 0; n--) {
    await consumer.next();
  }
  if (ackMs < LEASE) {
    await until(async () => {
      await consumer.next({ expires: 1000 });
      return (await manager.consumers.info(stream, DURABLE)).num_ack_pending === 0;
    }, "the consumer has forgotten its jobs");
  }
  await nc.drain();
}

serverLaw(
  "StreamKeeper deletes finished jobs and frees forgotten ones, and leaves jobs that wait alone",
  async () => {
    await using server = await NatsServer.start();
    const [link, keeper] = await keeperOn(server.url, "one");
    await using submitter = await RawSubmitter.connect(server.url);
    const [ghost, lost] = [
      await submitter.submit("add", [1, 2]),
      await submitter.submit("add", [3, 4]),
    ];
    await storeResult(submitter, ghost);
    await keeper.look();
    assertEquals([await submitter.left(), keeper.counts], [2, { ghosts: 0, recreated: 0 }]);

    await forget(server.url);
    assertEquals([await submitter.pending(), await submitter.left()], [0, 2]);
    const deadline = performance.now() + 20 * LEASE;
    while (keeper.counts.recreated === 0 && performance.now() < deadline) {
      await keeper.look();
      await new Promise((resolve) => setTimeout(resolve, LEASE / 5));
    }
    assertEquals(keeper.counts, { ghosts: 1, recreated: 1 });
    assertEquals([await submitter.pending(), await submitter.left()], [1, 1]);
    assertEquals([await submitter.stored(lost), keeper.isKeeper], [null, true]);
    await link.close();
  },
);

serverLaw(
  "StreamKeeper deletes a finished job that the server counts as delivered for ever",
  async () => {
    await using server = await NatsServer.start();
    const [link, keeper] = await keeperOn(server.url, "one");
    await using submitter = await RawSubmitter.connect(server.url);
    const id = await submitter.submit("add", [1, 2]);
    await forget(server.url, 600_000);
    await storeResult(submitter, id);
    const deadline = performance.now() + 20 * LEASE;
    while (keeper.counts.ghosts === 0 && performance.now() < deadline) {
      await keeper.look();
      await new Promise((resolve) => setTimeout(resolve, LEASE / 5));
    }
    assertEquals([keeper.counts, await submitter.left()], [{ ghosts: 1, recreated: 0 }, 0]);
    await link.close();
  },
);

serverLaw("There is one keeper at a time, and another when it falls silent", async () => {
  await using server = await NatsServer.start();
  const [firstLink, first] = await keeperOn(server.url, "one");
  const [secondLink, second] = await keeperOn(server.url, "two");
  await first.look();
  for (let i = 0; i < 10; i++) {
    await second.look();
    assertEquals([first.isKeeper, second.isKeeper], [true, false]);
    await first.look();
  }
  let looks = 0;
  while (!second.isKeeper && looks < 20) {
    await second.look();
    looks++;
  }
  assertEquals(looks > 2 && looks < 10, true, `${looks} looks`);
  await first.look();
  assertEquals(first.isKeeper, false);
  await firstLink.close();
  await secondLink.close();
});

/** What was published is stored, once, or its owner hears why not. */
import { assertEquals } from "@std/assert";
import { headers } from "@nats-io/transport-node";
import { Link } from "../../src/cluster/link/link.ts";
import { Objects } from "../../src/cluster/link/objects.ts";
import { type PublishAnswer, Publisher } from "../../src/cluster/link/publisher.ts";
import { USUAL_LAYOUT } from "../../src/cluster/wire/layout.ts";
import { Names } from "../../src/cluster/wire/names.ts";
import { MESSAGE_ID } from "../../src/cluster/wire/protocol.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

const names = new Names("lab");

const open = (server: NatsServer): Promise<Link> =>
  Link.open({
    connect: { servers: server.url },
    names,
    layout: USUAL_LAYOUT,
    clientName: "t",
    connectTimeout: 5000,
  });

/** Publishes a job and gives what became of it. */
function publish(publisher: Publisher, id: string, size = 8): Promise<PublishAnswer> {
  const head = headers();
  head.append(MESSAGE_ID, id);
  const subject = names.job("normal", { submitter: "s", id });
  return new Promise((resolve) =>
    publisher.publish(subject, new Uint8Array(size), head, (answer) => resolve(answer))
  );
}

serverLaw("What is published while the server is killed and away is stored once", async () => {
  await using server = await NatsServer.start();
  const link = await open(server);
  const publisher = new Publisher(link, { window: 100, resend: 500 });
  const answers: Promise<PublishAnswer>[] = [];
  for (let i = 0; i < 1000; i++) {
    answers.push(publish(publisher, `j${i}`));
    if (i === 300) await answers[100];
    if (i === 500) await server.stop();
  }
  await server.restart();
  const kinds = (await Promise.all(answers)).map(({ kind }) => kind);
  assertEquals(new Set(kinds), new Set(["stored"]));
  const { state } = await link.manager.streams.info(names.jobs("normal"));
  assertEquals([state.messages, publisher.pending], [1000, 0]);
  publisher.close();
  await link.close();
});

serverLaw(
  "A message sent twice is one, and the second result of a job is refused by its code",
  async () => {
    await using server = await NatsServer.start();
    const link = await open(server);
    const publisher = new Publisher(link);
    const [a, b] = await Promise.all([publish(publisher, "x"), publish(publisher, "x")]);
    assertEquals([a.kind === "stored" && a.duplicate, b.kind === "stored" && b.duplicate], [
      false,
      true,
    ]);
    const result = names.result({ submitter: "s", id: "x" });
    const store = (): Promise<PublishAnswer> =>
      new Promise((resolve) =>
        publisher.publish(result, new Uint8Array(1), headers(), (answer) => resolve(answer))
      );
    assertEquals((await store()).kind, "stored");
    const second = await store();
    assertEquals(second.kind === "refused" && second.code, 10077);
    publisher.close();
    await link.close();
  },
);

serverLaw("What the server will not take is refused, and the others are not", async () => {
  await using server = await NatsServer.start({
    config: `max_payload: 100000
      authorization { users: [{ user: u, password: p, permissions: { publish: {
        deny: ["lab.q.high.>"] } } }] }`,
  });
  const link = await Link.open({
    connect: { servers: server.url, user: "u", pass: "p" },
    names,
    layout: USUAL_LAYOUT,
    clientName: "t",
    connectTimeout: 5000,
  });
  assertEquals(link.inline < 100_000, true);
  const publisher = new Publisher(link);
  const denied = new Promise<PublishAnswer>((resolve) =>
    publisher.publish(
      names.job("high", { submitter: "s", id: "x" }),
      new Uint8Array(1),
      headers(),
      (answer) => resolve(answer),
    )
  );
  const [large, fine] = await Promise.all([
    publish(publisher, "large", 200_000),
    publish(publisher, "fine"),
  ]);
  assertEquals([large.kind, fine.kind, (await denied).kind], ["refused", "stored", "refused"]);
  publisher.close();
  await link.close();
});

serverLaw("An object leaves nothing behind when it is removed", async () => {
  await using server = await NatsServer.start();
  const link = await open(server);
  const objects = new Objects(link);
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  await objects.put("s.x.a", body);
  assertEquals(new Uint8Array((await objects.get("s.x.a"))!), body);
  assertEquals(await objects.get("s.y.a"), null);
  await objects.remove("s.x.a");
  await objects.remove("s.x.a");
  const { state, config } = await link.manager.streams.info(`OBJ_${names.bucket}`);
  assertEquals([state.messages, config.max_age], [0, 3_600_000_000_000]);
  await link.close();
});

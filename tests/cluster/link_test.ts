/** Connecting: clear errors within their time, and nothing left behind by any of them. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClusterError } from "../../src/cluster/link/errors.ts";
import { Link } from "../../src/cluster/link/link.ts";
import { clientOptions, type ConnectOptions } from "../../src/cluster/link/connect_options.ts";
import { USUAL_LAYOUT } from "../../src/cluster/wire/layout.ts";
import { Names } from "../../src/cluster/wire/names.ts";
import { law } from "../lib/law.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

const open = (connect: ConnectOptions, connectTimeout = 1000): Promise<Link> =>
  Link.open({
    connect,
    names: new Names("lab"),
    layout: USUAL_LAYOUT,
    clientName: "t",
    connectTimeout,
  });

law("A server that is not there is an error when the time is up", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertRejects(() => open({ servers: `127.0.0.1:${port}` }, 300), ClusterError, "300 ms");
});

serverLaw("A wrong password is an error at once, and is not shown", async () => {
  await using server = await NatsServer.start({
    config: 'authorization { user: "u", password: "p" }',
  });
  const error = await assertRejects(
    () => open({ servers: server.url, user: "u", pass: "hush" }, 60_000),
    ClusterError,
    "Cannot log in",
  );
  assertEquals(error.message.includes("hush"), false);
  const link = await open({ servers: `nats://u:p@${server.url}` });
  assertEquals(link.up, true);
  await link.close();
});

serverLaw("A server without JetStream is an error at once", async () => {
  await using server = await NatsServer.start({ jetstream: false });
  await assertRejects(() => open({ servers: server.url }, 60_000), ClusterError, "no JetStream");
});

serverLaw("A cluster of servers without a quorum is an error when the time is up", async () => {
  await using server = await NatsServer.start({
    config: `server_name: a
      cluster { name: c, listen: "127.0.0.1:-1", routes: ["nats://127.0.0.1:9"] }`,
  });
  await assertRejects(() => open({ servers: server.url }, 1500), ClusterError, "quorum");
});

serverLaw("A link comes back when its server does, and says so", async () => {
  await using server = await NatsServer.start();
  const link = await open({ servers: server.url });
  const back = Promise.withResolvers<void>();
  link.onUp(() => back.resolve());
  await server.restart();
  await back.promise;
  assertEquals([link.up, link.reconnects, link.ended], [true, 1, null]);
  await link.close();
});

law("Servers that do not parse are refused, and credentials in a URL are used", () => {
  for (const bad of ["", [], "a,,b", [1], undefined, "http://"]) {
    assertThrows(() => clientOptions({ servers: bad as string }), TypeError, "server");
  }
  assertEquals(clientOptions({ servers: "nats://me:p%40ss@a:1, b:2" }), {
    servers: ["nats://a:1", "b:2"],
    user: "me",
    pass: "p@ss",
  });
  assertEquals(clientOptions({ servers: "nats://secret@a:1" }).token, "secret");
  assertEquals(clientOptions({ servers: "nats://me:x@a", pass: "y" }).pass, "y");
});

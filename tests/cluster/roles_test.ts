/** The example of a server with a user for each role, on a real server. */
import { assertEquals, assertRejects } from "@std/assert";
import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { Cluster } from "@weft/weft/cluster";
import { ClusterNode } from "@weft/weft/node";
import { DURABLE, Names } from "../../src/cluster/wire/names.ts";
import { NatsServer, serverLaw, until } from "../lib/nats_server.ts";
import { add, big, hold } from "./fixtures/node_jobs.ts";
import { MODULE } from "./raw_submitter.ts";

const FILE = new URL("../../examples/lib/cluster/nats-server.conf", import.meta.url);
const PASSWORDS = { submitter: "let-me-submit", node: "let-me-work" } as const;
const KEY = "nobody else knows this";

/** The example as it stands, but for the port, the folder and the passwords. */
async function startExample(folder: string): Promise<NatsServer> {
  const config = (await Deno.readTextFile(FILE))
    .replace(/^listen: .*$/m, "")
    .replace("./nats-store", folder)
    .replace("$WEFT_SUBMITTER_PASSWORD", PASSWORDS.submitter)
    .replace("$WEFT_NODE_PASSWORD", PASSWORDS.node);
  return await NatsServer.start({ jetstream: false, config });
}

function login(role: "submitter" | "node"): { user: string; pass: string; inboxPrefix: string } {
  return { user: role, pass: PASSWORDS[role], inboxPrefix: `_INBOX_${role}` };
}

async function isRefused(nc: NatsConnection, subject: string): Promise<void> {
  await assertRejects(() => nc.request(subject, "", { timeout: 2000 }), errors.RequestError);
}

serverLaw("With a user for each role, jobs run, and neither can do the other's part", async () => {
  const folder = await Deno.makeTempDir();
  {
    await using server = await startExample(folder);
    const servers = server.url;
    {
      await using _node = await ClusterNode.start({
        servers,
        modules: [MODULE],
        workers: 1,
        resultKey: KEY,
        ...login("node"),
      });
      await using cluster = new Cluster({ servers, resultKey: KEY, ...login("submitter") });
      assertEquals(await cluster.submit(add, 2, 3), 5);
      const bytes = await cluster.submit(big, new Uint8Array(600_000));
      assertEquals([bytes.length, bytes[0]], [600_000, 255]);
      const held = cluster.submit(hold, 60_000);
      await held.accepted();
      held.cancel("enough");
      const nc = await connect({ servers, ...login("node") });
      const { streams } = await jetstreamManager(nc);
      const stream = new Names("weft").jobs("normal");
      await until(async () => (await streams.info(stream)).state.messages === 0, "all is done");
      await nc.drain();
    }
    const names = new Names("weft");
    const stream = names.jobs("normal");
    const submitter = await connect({ servers, ...login("submitter") });
    await isRefused(submitter, `$JS.API.CONSUMER.MSG.NEXT.${stream}.${DURABLE}`);
    await isRefused(submitter, `$JS.API.STREAM.DELETE.${stream}`);
    await isRefused(submitter, `$JS.ACK.${stream}.${DURABLE}.1.1.1.1.1`);
    await submitter.drain();
    const node = await connect({ servers, ...login("node") });
    await isRefused(node, names.job("normal", { submitter: "s", id: "i" }));
    await isRefused(node, `$JS.API.STREAM.PURGE.${stream}`);
    await node.drain();
  }
  await Deno.remove(folder, { recursive: true });
});

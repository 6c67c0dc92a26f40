/** Programs that die in the middle: what was accepted is done, and found again by its key. */
import { assertEquals } from "@std/assert";
import { Cluster } from "@weft/weft/cluster";
import { ClusterNode } from "@weft/weft/node";
import { add, nap } from "./fixtures/node_jobs.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

const root = new URL("../../", import.meta.url);
const MODULE = import.meta.resolve("./fixtures/node_jobs.ts");

/** Submits sums, and prints the key of each once it is accepted. */
const SUBMITTER = `
import { Cluster } from "@weft/weft/cluster";
import { add } from ${JSON.stringify(MODULE)};
const cluster = new Cluster({ servers: Deno.args[0] });
for (let i = 0; ; i++) {
  const future = cluster.submit(add, i, 1);
  await future.accepted();
  console.log(future.key);
}`;

/** Runs the submitter until it has had so many jobs accepted, and kills it. */
async function killedSubmitter(server: NatsServer, count: number): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--ext=ts", "-", server.url],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(SUBMITTER));
  await writer.close();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split("\n").length > count) break;
  }
  child.kill("SIGKILL");
  await child.status;
  return text.split("\n").slice(0, count);
}

serverLaw(
  "A submitter that is killed leaves futures that another program picks up by key",
  async () => {
    await using server = await NatsServer.start();
    const keys = await killedSubmitter(server, 20);
    await using cluster = new Cluster({ servers: server.url });
    const futures = keys.map((key) => cluster.attach<number>(key));
    await using _node = await ClusterNode.start({
      servers: server.url,
      modules: [MODULE],
      workers: 1,
    });
    assertEquals(await Promise.all(futures), keys.map((_, i) => i + 1));
    // And once more, when all is done.
    assertEquals(await cluster.attach<number>(keys[7]!), 8);
  },
);

serverLaw("Futures go on when the server has slept, with jobs under way", async () => {
  await using server = await NatsServer.start();
  await using cluster = new Cluster({ servers: server.url });
  await using _node = await ClusterNode.start({
    servers: server.url,
    modules: [MODULE],
    workers: 1,
  });
  assertEquals(await cluster.submit(add, 1, 1), 2);
  const slow = cluster.submit(nap, 500);
  await slow.accepted();
  server.signal("SIGSTOP");
  const futures = [1, 2, 3].map((i) => cluster.submit(add, i, i));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assertEquals(futures.map(({ done }) => done), [false, false, false]);
  server.signal("SIGCONT");
  assertEquals(await Promise.all(futures), [2, 4, 6]);
  assertEquals(await slow, "napped");
});

/** Nodes, against a submitter by hand and a real server. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ClusterNode, type ClusterNodeOptions } from "../../src/cluster/node/main.ts";
import { NatsServer, serverLaw, until } from "../lib/nats_server.ts";
import { MODULE, RawSubmitter } from "./raw_submitter.ts";

/** A server, a submitter, and a node at work. */
async function lab(
  options: Partial<ClusterNodeOptions>,
  body: (node: ClusterNode, submitter: RawSubmitter, server: NatsServer) => Promise<void>,
): Promise<void> {
  await using server = await NatsServer.start();
  await using node = await startNode(server, options);
  await using submitter = await RawSubmitter.connect(server.url);
  await body(node, submitter, server);
}

function startNode(
  server: NatsServer,
  options: Partial<ClusterNodeOptions> = {},
): Promise<ClusterNode> {
  return ClusterNode.start({
    servers: server.url,
    name: "lab",
    modules: [MODULE],
    workers: 1,
    warn: () => {},
    ...options,
  });
}

serverLaw(
  "ClusterNode stores what a job returned, and the server forgets the job",
  () =>
    lab({}, async (node, submitter) => {
      const ids = [
        await submitter.submit("add", [2, 3]),
        await submitter.submit("twice", [21]),
        await submitter.submit("hold", [1], { jobClass: "high" }),
      ];
      const results = await Promise.all(ids.map((id) => submitter.result(id)));
      assertEquals(results.map(({ value }) => value), [5, 42, "held"]);
      assertEquals(results.map(({ head }) => [head.status, head.attempt, head.node]), [
        ["value", 1, node.name],
        ["value", 1, node.name],
        ["value", 1, node.name],
      ]);
      await until(async () => await submitter.left() + await submitter.left("high") === 0, "acks");
      assertEquals(node.health().done, 3);
    }),
);

serverLaw(
  "ClusterNode stores what a job threw, with class, cause and fields; a timeout too",
  () =>
    lab({}, async (_node, submitter) => {
      const thrown = await submitter.result(await submitter.submit("fail", ["no"]));
      assertEquals(thrown.head.status, "error");
      assertInstanceOf(thrown.value, RangeError);
      assertEquals(
        [thrown.value.message, (thrown.value.cause as Error).message],
        ["no", "deeper"],
      );
      assertEquals((thrown.value as RangeError & { extra?: unknown }).extra, [1, 2]);
      const late = await submitter.result(await submitter.submit("spin", [], { timeout: 20 }));
      assertEquals([late.head.status, (late.value as Error).name], ["error", "TimeoutError"]);
    }),
);

serverLaw(
  "ClusterNode says why a job cannot be carried out",
  () =>
    lab({}, async (_node, submitter) => {
      const failures = [
        await submitter.submit("unsendable", []),
        await submitter.submit("add", [], { body: new Uint8Array([250, 1, 2]) }),
        await submitter.submit("exit", [], { maxAttempts: 1 }),
      ];
      const codes: unknown[] = [];
      for (const id of failures) {
        const { head, value } = await submitter.result(id);
        codes.push([head.status, (value as unknown[])[0]]);
      }
      assertEquals(codes, [["failed", "unsendable"], ["failed", "unreadable"], [
        "failed",
        "attempts",
      ]]);
    }),
);

serverLaw(
  "A job that ends its worker is started as often as it may be, and not once more",
  () =>
    lab({}, async (node, submitter) => {
      const { head, value } = await submitter.result(await submitter.submit("exit", []));
      const [code, message, history] = value as [string, string, string[]];
      assertEquals([head.status, head.attempt, code, history.length], ["failed", 3, "attempts", 3]);
      assert(message.includes("started 3 times"), message);
      assert(history.every((line) => line.includes(node.name)), history.join("\n"));
      assertEquals((await submitter.result(await submitter.submit("add", [1, 1]))).value, 2);
    }),
);

serverLaw(
  "A function that no node knows is handed on, and then answered as unknown",
  () =>
    lab({}, async (_node, submitter) => {
      const name = await submitter.submit("nosuch", [1]);
      const hash = await submitter.submit("add", [1, 2], { hash: "0".repeat(32) });
      for (const id of [name, hash]) {
        const { head, value } = await submitter.result(id);
        assertEquals([head.status, (value as unknown[])[0], head.attempt], [
          "failed",
          "unknown",
          0,
        ]);
      }
    }),
);

serverLaw(
  "What is no job is refused and counted, and harms nobody else",
  () =>
    lab({}, async (node, submitter) => {
      const { names, nc } = submitter;
      for (const raw of ["", "1", "2 add x 0 3 -", "1 add 0 0 0 -", "1 %zz 0 0 3 -", "\u0000"]) {
        await submitter.submit("add", [1, 2], { raw });
      }
      await submitter.submit("add", [], { object: "other.job.a" });
      for (const subject of [names.cancel({ submitter: "raw", id: "x" }), names.ask]) {
        nc.publish(subject, new Uint8Array(1000).fill(255));
      }
      nc.publish(names.health("evil"), '{"node":"evil"}');
      assertEquals((await submitter.result(await submitter.submit("add", [1, 2]))).value, 3);
      await until(async () => await submitter.left() === 0, "nothing is left");
      assertEquals(node.health().refused, 8);
    }),
);

serverLaw(
  "A cancel reaches jobs that wait and jobs that run; neither is left behind",
  () =>
    lab({ concurrency: 1 }, async (_node, submitter) => {
      const running = await submitter.submit("hold", [60_000]);
      const waiting = await submitter.submit("hold", [60_000]);
      await until(async () => await submitter.pending() === 0, "both were delivered");
      for (const id of [waiting, running]) submitter.cancel(id, "kill", { why: id });
      for (const id of [waiting, running]) {
        const { head, value } = await submitter.result(id);
        assertEquals([head.status, value], ["cancelled", { why: id }]);
      }
      await until(async () => await submitter.left() === 0, "nothing is left");
    }),
);

serverLaw("Large bodies travel as objects", () =>
  lab({}, async (_node, submitter) => {
    const bytes = new Uint8Array(700_000).fill(1);
    const { head } = await submitter.result(await submitter.submit("big", [bytes]));
    assertEquals([head.status, head.object?.startsWith("raw.job0.r.")], ["value", true]);
  }));

serverLaw(
  "ClusterNode.close() finishes what runs and hands back the rest, which another takes",
  async () => {
    await using server = await NatsServer.start();
    await using submitter = await RawSubmitter.connect(server.url);
    const first = await startNode(server, { concurrency: 1 });
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await submitter.submit("hold", [300]));
    await until(() => first.health().running === 1, "one runs");
    await first.close();
    assertEquals([first.health().done, await submitter.left()], [1, 3]);
    await using second = await startNode(server);
    for (const id of ids) assertEquals((await submitter.result(id)).value, "held");
    assertEquals(second.health().done, 3);
  },
);

serverLaw(
  "A node that hands on leaves the jobs of a module it lacks to one that has it",
  async () => {
    await using server = await NatsServer.start();
    await using submitter = await RawSubmitter.connect(server.url);
    const other = import.meta.resolve("./raw_submitter.ts");
    await using lacks = await startNode(server, { modules: [other], node: "lacks" });
    const id = await submitter.submit("add", [4, 5]);
    await until(() => lacks.health().returned > 0, "it was handed back");
    await using _has = await startNode(server, { node: "has" });
    const { head, value } = await submitter.result(id);
    assertEquals([value, head.node], [9, "has"]);
  },
);

serverLaw(
  "Jobs go on when the server was killed and has come back",
  () =>
    lab({}, async (node, submitter, server) => {
      assertEquals((await submitter.result(await submitter.submit("add", [1, 1]))).value, 2);
      await server.restart();
      await until(() => !submitter.nc.isClosed(), "there");
      let id: string | null = null;
      await until(async () => {
        id = await submitter.submit("add", [2, 2]).catch(() => null);
        return id !== null;
      }, "a job is stored again");
      assertEquals((await submitter.result(id!)).value, 4);
      assertEquals(node.health().state, "open");
    }),
);

serverLaw("ClusterNode.start() says what is wrong", async () => {
  await using server = await NatsServer.start();
  await assertRejects(
    () => startNode(server, { modules: [] as string[], name: "a b" }),
    TypeError,
    '"a b"',
  );
  await assertRejects(
    () => startNode(server, { modules: ["./x.ts"] }),
    TypeError,
    "no absolute URL",
  );
  const missing = import.meta.resolve("./nowhere.ts");
  await assertRejects(() => startNode(server, { modules: [missing] }), TypeError, "nowhere.ts");
  await assertRejects(() => startNode(server, { workers: 0 }), RangeError, "workers");
  await assertRejects(() => startNode(server, { concurrency: 1.5 }), RangeError, "1.5");
  await assertRejects(() => startNode(server, { node: "a.b" }), TypeError, '"a.b"');
});

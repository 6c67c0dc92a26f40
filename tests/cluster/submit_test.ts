/** Submitters: futures over a server, with a fake node at the other end. */
import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { asCompleted, Cancelled, run, WorkerError, WouldBlock } from "@weft/weft";
import { Cluster, ClusterError, type ClusterOptions, JobFailedError } from "@weft/weft/cluster";
import { FakeNode } from "./fake_node.ts";
import { add, fail, large, never, note, unknown } from "./fake_jobs.ts";
import { NatsServer, serverLaw } from "../lib/nats_server.ts";

const usual = {
  add: (a: number, b: number) => a + b,
  fail: (text: string) => {
    throw Object.assign(new RangeError(text), { code: "E_FAKE" });
  },
  never: () => new Promise(() => {}),
  large: (bytes: Uint8Array) => bytes,
  note: (word: string) => word,
};

const open = (server: NatsServer, options: ClusterOptions = {}): Cluster =>
  new Cluster({ servers: server.url, ...options });

serverLaw(
  "A job's value and its error come back, the error with class, code and message",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = open(server);
    await using _node = await FakeNode.start(server, usual);
    const future = cluster.submit(add, 2, 3);
    await future.accepted();
    assertEquals(await future, 5);
    assertEquals([future.done, future.successful, future.value], [true, true, 5]);
    const error = await assertRejects(() =>
      cluster.apply(fail, "boom") as PromiseLike<number> as Promise<number>
    );
    assertInstanceOf(error, RangeError);
    assertEquals([error.message, (error as Error & { code?: string }).code], ["boom", "E_FAKE"]);
    const none = await assertRejects(async () => await cluster.submit(unknown), JobFailedError);
    assertEquals(none.code, "unknown");
  },
);

serverLaw("map, starmap, imap and imapUnordered give what a pool's give", async () => {
  await using server = await NatsServer.start();
  await using cluster = open(server);
  await using _node = await FakeNode.start(server, usual);
  const words = Array.from({ length: 300 }, (_, i) => `w${i}`);
  assertEquals(await cluster.map(note, words), words);
  assertEquals(await cluster.starmap(add, [[1, 2], [3, 4]]), [3, 7]);
  const seen: string[] = [];
  for await (const word of cluster.imap(note, words, { window: 10 })) seen.push(word);
  assertEquals(seen, words);
  const any: string[] = [];
  for await (const word of cluster.imapUnordered(note, words)) any.push(word);
  assertEquals(any.sort(), [...words].sort());
  await assertRejects(async () => await cluster.map(fail, ["a", "b"]), RangeError);
});

serverLaw("A cluster works inside a run, in both lanes, and ends with it", async () => {
  await using server = await NatsServer.start();
  await using _node = await FakeNode.start(server, usual);
  const sum = await run(function* () {
    const cluster = open(server);
    const futures = [cluster.submit(add, 1, 1), cluster.submit(add, 2, 2)];
    let total = 0;
    for (const future of futures) total += yield* future;
    return total;
  });
  assertEquals(sum, 6);
  const all = await run(async function* () {
    const cluster = open(server);
    const values: number[] = [];
    const futures = [1, 2, 3].map((n) => cluster.submit(add, n, n));
    for await (const future of asCompleted(futures)) values.push(future.value!);
    return values.sort();
  });
  assertEquals(all, [2, 4, 6]);
});

serverLaw(
  "What cannot travel fails its future with a sentence, and nothing is stored",
  async () => {
    await using server = await NatsServer.start();
    await using cluster = open(server);
    const bad = cluster.submit(note, (() => 1) as unknown as string);
    assertEquals(bad.failed, true);
    const error = await assertRejects(async () => await bad, WorkerError, "a function");
    assertEquals(error.message.includes("note"), true);
    assertThrows(() => cluster.submit((() => 1) as never), TypeError, "jobs(import.meta");
    const { submitted, outstanding } = await cluster.statistics();
    assertEquals([submitted, outstanding], [1, 0]);
  },
);

serverLaw("Large arguments and results travel as objects and leave nothing behind", async () => {
  await using server = await NatsServer.start();
  const cluster = open(server);
  await using node = await FakeNode.start(server, usual);
  const bytes = new Uint8Array(1_500_000).fill(7);
  const came = await cluster.submit(large, bytes);
  assertEquals([came.length, came[0], came.at(-1)], [1_500_000, 7, 7]);
  await cluster.drain();
  const { state } = await node.link.manager.streams.info("OBJ_weft_weft");
  assertEquals(state.messages, 0);
});

serverLaw("A cancel takes a queued job off the server and settles its future at once", async () => {
  await using server = await NatsServer.start();
  const cluster = open(server);
  const future = cluster.submit(never);
  await future.accepted();
  assertEquals(future.cancel("enough"), "kill");
  assertEquals(future.cancelled, true);
  const error = await assertRejects(async () => await future, Cancelled);
  assertEquals(error.reason, "enough");
  await cluster.drain();
  await using node = await FakeNode.start(server, usual);
  const { state } = await node.link.manager.streams.info("WEFT_weft_normal");
  assertEquals([state.messages, node.calls], [0, []]);
  // Whoever asks for it later hears of the cancel.
  await using other = open(server);
  await assertRejects(async () => await other.attach(future.key), Cancelled);
});

serverLaw("The window bounds what is stored, and the queue what waits", async () => {
  await using server = await NatsServer.start();
  await using cluster = open(server, { window: 2, queue: 3 });
  const futures = Array.from({ length: 5 }, (_, i) => cluster.submit(add, i, 0));
  await futures[1]!.accepted();
  assertEquals([cluster.full, (await cluster.statistics()).waiting], [true, 3]);
  assertThrows(() => cluster.trySubmit(add, 9, 9), WouldBlock, "3 jobs wait");
  await using _node = await FakeNode.start(server, usual);
  await cluster.ready();
  assertEquals(await Promise.all(futures), [0, 1, 2, 3, 4]);
});

serverLaw("Jobs of one order run one after another, whatever becomes of them", async () => {
  await using server = await NatsServer.start();
  await using cluster = open(server);
  let running = 0;
  const order: string[] = [];
  await using _node = await FakeNode.start(server, {
    note: async (word: string) => {
      assertEquals(running++, 0);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(word);
      running--;
      if (word === "b") throw new Error("b fails");
      return word;
    },
  });
  const one = cluster.with({ order: "customer 7" });
  const futures = ["a", "b", "c", "d"].map((word) => one.submit(note, word));
  futures[2]!.cancel();
  await Promise.allSettled(futures);
  assertEquals(order, ["a", "b", "d"]);
});

serverLaw(
  "A submitter that is gone leaves jobs whose futures another picks up by key",
  async () => {
    await using server = await NatsServer.start();
    const first = open(server);
    const future = first.submit(add, 20, 22);
    await future.accepted();
    first.detach();
    await first.join();
    assertEquals(future.cancelled, true);
    await using second = open(server);
    const again = second.attach<number>(future.key);
    assertEquals(again.key, future.key);
    await using _node = await FakeNode.start(server, usual);
    assertEquals(await again, 42);
    assertEquals(await second.attach(future.key), 42);
    await assertRejects(async () => await second.attach("no.such"), ClusterError, "neither");
    assertThrows(() => second.attach("nonsense"), TypeError, "nonsense");
  },
);

serverLaw("Submits wait while the server is away, and go on when it is back", async () => {
  await using server = await NatsServer.start();
  await using cluster = open(server, { queue: 10 });
  const before = cluster.submit(add, 1, 1);
  await before.accepted();
  await server.stop();
  const during = Array.from({ length: 10 }, (_, i) => cluster.submit(add, i, 1));
  await server.restart();
  await using _node = await FakeNode.start(server, usual);
  assertEquals(await before, 2);
  assertEquals(await Promise.all(during), during.map((_, i) => i + 1));
});

serverLaw("A job that is not stored in time fails, and says why", async () => {
  await using server = await NatsServer.start();
  await using cluster = open(server, { acceptTimeout: 300 });
  await cluster.submit(add, 1, 1).accepted();
  await server.stop();
  await assertRejects(async () => await cluster.submit(add, 1, 1), ClusterError, "300 ms");
  await server.restart();
});

serverLaw("What cannot connect fails every future, and every later one", async () => {
  await using server = await NatsServer.start({
    config: 'authorization { user: "u", password: "p" }',
  });
  await using cluster = open(server, { user: "u", pass: "wrong" });
  await assertRejects(async () => await cluster.submit(add, 1, 1), ClusterError, "log in");
  await assertRejects(async () => await cluster.submit(add, 1, 1), ClusterError, "log in");
  await assertRejects(async () => await cluster.map(add as never, [1]), ClusterError, "log in");
  assertEquals((await cluster.statistics()).state, "broken");
});

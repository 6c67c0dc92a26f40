/** `dns_server.ts` as a process: its ready lines, answers by UDP and TCP, hostile datagrams, its end. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { deadline } from "@std/async/deadline";
import { law } from "../lib/law.ts";
import { seeded } from "../lib/sockets.ts";
import { headOf, malformedQuestion, questionOf, UdpClient } from "./dns_messages.ts";
import { runExample, Server } from "./example.ts";

function serverWith(...args: string[]): Promise<Server> {
  return Server.start("dns_server", "--port", "0", ...args);
}

/** Sends bytes by TCP, ends, and gives all that comes back, cut into messages. */
async function byTcp(port: number, bytes: Uint8Array): Promise<Uint8Array[]> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  await conn.closeWrite();
  const all = await deadline(new Response(conn.readable).bytes(), 5000);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < all.length;) {
    const length = all[at]! << 8 | all[at + 1]!;
    messages.push(all.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return messages;
}

function withLength(bytes: Uint8Array): Uint8Array {
  return new Uint8Array([bytes.length >> 8, bytes.length & 255, ...bytes]);
}

law("dns_server says where its four servers are, and stops in order", async () => {
  const server = await serverWith();
  const { code, out, err } = await server.stop();
  assertEquals({ code, err }, { code: 0, err: "" });
  assertMatch(out, /^(listening on 127\.0\.0\.1:\d+\n){4}$/);
  assertEquals(new Set(out.trim().split("\n")).size, 4);
});

law("dns_server keeps the case of a question, and the sizes that were agreed on", async () => {
  await using server = await serverWith();
  using client = new UdpClient(server.port);
  const ask = async (asked: Parameters<UdpClient["ask"]>[0]) => headOf(await client.ask(asked));
  assertEquals((await ask({ name: "wWw.eXample.Test" })).name, "wWw.eXample.Test");
  const big = { name: "big.example.test", type: "TXT" };
  assertEquals((await ask(big)).truncated, true);
  assertEquals((await ask({ ...big, size: 513 })).truncated, true);
  assertEquals((await ask({ ...big, size: 1232 })).truncated, false);
  assertEquals((await ask({ ...big, size: 0 })).truncated, true);
  const [long] = await byTcp(server.port, withLength(questionOf(big)));
  assertEquals([headOf(long!).truncated, headOf(long!).answers], [false, 1]);
});

law("dns_server answers questions on one TCP connection, in their order, however cut", async () => {
  await using server = await serverWith();
  const questions = [1, 2, 3].map((id) => [...withLength(questionOf({ id }))]).flat();
  const answers = await byTcp(server.port, new Uint8Array(questions));
  assertEquals(answers.map((one) => headOf(one).id), [1, 2, 3]);
  assertEquals(await byTcp(server.port, new Uint8Array([0, 50, 1])), []);
});

law("dns_server lets the times of its cache run down", async () => {
  await using server = await serverWith();
  using client = new UdpClient(server.port);
  const ttlOf = async (name: string) => {
    const bytes = await client.ask({ name });
    const at = 12 + name.length + 2 + 4; // the record behind the question
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return view.getUint32(at + name.length + 2 + 4);
  };
  assertEquals(await ttlOf("www.example.test"), 300);
  await delay(1100);
  const left = await ttlOf("www.example.test");
  assert(left < 300 && left > 250, `${left}`);
});

law("dns_server serves a zone from a file: rings and ways out are answered at once", async () => {
  const file = await Deno.makeTempFile();
  const soa = { mname: "ns.my.test", rname: "me.my.test", serial: 1, refresh: 1, retry: 1 };
  const records = [
    { name: "my.test", type: "SOA", ttl: 100, data: { ...soa, expire: 1, minimum: 7 } },
    { name: "my.test", type: "NS", ttl: 100, data: "ns.elsewhere.example" },
    { name: "a.my.test", type: "CNAME", ttl: 100, data: "b.my.test" },
    { name: "b.my.test", type: "CNAME", ttl: 100, data: "a.my.test" },
    { name: "out.my.test", type: "CNAME", ttl: 100, data: "www.example.com" },
  ];
  for (let i = 0; i < 20; i++) {
    const data = i === 19 ? "end.my.test" : `c${i + 1}.my.test`;
    records.push({ name: `c${i}.my.test`, type: "CNAME", ttl: 100, data });
  }
  records.push({ name: "end.my.test", type: "A", ttl: 100, data: "192.0.2.1" });
  await Deno.writeTextFile(file, JSON.stringify({ origin: "my.test", records }));
  try {
    await using server = await serverWith("--zone", file);
    using client = new UdpClient(server.port);
    const table: [name: string, rcode: number, answers: number][] = [
      ["a.my.test", 0, 2],
      ["out.my.test", 0, 1],
      ["c0.my.test", 0, 21],
      ["nobody.my.test", 3, 0],
      ["example.test", 3, 0],
      ["example.com", 5, 0],
    ];
    for (const [name, rcode, answers] of table) {
      const head = headOf(await client.ask({ name, size: 4096 }));
      assertEquals([head.rcode, head.answers], [rcode, answers], name);
    }
  } finally {
    await Deno.remove(file);
  }
});

law("dns_server answers the right ones among 2000 malformed questions", async () => {
  await using server = await serverWith();
  using hostile = new UdpClient(server.port);
  using client = new UdpClient(server.port);
  const random = seeded(5353);
  for (let i = 0; i < 2000; i++) {
    await hostile.send(malformedQuestion(random));
    if (i % 100 === 0) assertEquals(headOf(await client.ask({ id: i })).id, i);
  }
  const { code, err } = await server.stop();
  assertEquals({ code, err }, { code: 0, err: "" });
});

law("dns_server --trace prints the walk from the root to the answer", async () => {
  const { code, out, err } = await runExample("dns_server", [
    "--trace",
    "web.example.test",
    "AAAA",
  ]);
  assertEquals({ code, err }, { code: 0, err: "" });
  assertMatch(out, /^root .*\n[^]*^top level .*\n[^]*^authoritative .*\n[^]*2001:db8::80\n$/m);
});

law("dns_server refuses bad arguments with one line and exit code 2", async () => {
  const wrong = [
    ["--zone", "/no/such/file"],
    ["--zone", "deno.json"],
    ["--trace", "a..b"],
    ["--trace", "a.test", "WHAT"],
    ["--trace", "a.test", "A", "B"],
    ["word"],
    ["--port", "65536"],
  ];
  for (const args of wrong) {
    const { code, out, err } = await runExample("dns_server", args);
    assertEquals({ code, out }, { code: 2, out: "" }, `${args}: ${err}`);
    assertEquals(err.trim().split("\n").length, 1, err);
  }
});

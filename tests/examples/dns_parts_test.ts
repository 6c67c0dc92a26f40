/** The parts of `dns_server.ts` by themselves: names, messages, zones, the cache, the resolver. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { all, bindDatagram, run, spawn, type UdpAddress } from "@weft/weft";
import { Cache } from "../../examples/lib/dns/cache.ts";
import { type DnsRecord, encodeReply, readQuery } from "../../examples/lib/dns/message.ts";
import { encodeName, keyOf, readName } from "../../examples/lib/dns/names.ts";
import { Resolver } from "../../examples/lib/dns/resolver.ts";
import { ask } from "../../examples/lib/dns/upstream.ts";
import { Zone } from "../../examples/lib/dns/zone.ts";
import { BUILT_IN_ZONE, checkZone, soaData } from "../../examples/lib/dns/zone_file.ts";
import { law } from "../lib/law.ts";
import { seeded } from "../lib/sockets.ts";
import { headOf, malformedQuestion, questionOf } from "./dns_messages.ts";

const asked = (name: string, type = "A") => ({ name, key: keyOf(name), type });
const a = (name: string, data = "192.0.2.1", ttl = 60): DnsRecord => ({
  name,
  type: "A",
  ttl,
  data,
});
const soa = (zone: string): DnsRecord => ({
  name: zone,
  type: "SOA",
  ttl: 3600,
  data: soaData(`ns.${zone}`, zone),
});

law("readName() and encodeName() agree on any bytes, and no dot is made up", () => {
  const random = seeded(1035);
  for (let i = 0; i < 500; i++) {
    const labels = Array.from({ length: random(5) }, () => {
      return Array.from({ length: 1 + random(20) }, () => random(256));
    });
    const bytes = new Uint8Array([...labels.flatMap((one) => [one.length, ...one]), 0]);
    const { name, end } = readName(bytes, 0)!;
    assertEquals([end, encodeName(name)], [bytes.length, bytes]);
    assertEquals(name === "" ? 0 : name.split(".").length, labels.length);
  }
});

law("readQuery() tells what is to be answered, refused, and passed over in silence", () => {
  const rcodeOf = (bytes: Uint8Array) => {
    const received = readQuery(bytes);
    if (received === null) return "silence";
    return "query" in received ? "query" : headOf(received.refusal).rcode;
  };
  const table: [expected: unknown, bytes: Uint8Array][] = [
    ["query", questionOf()],
    ["query", questionOf({ size: 4096 })],
    ["silence", questionOf().subarray(0, 11)],
    ["silence", questionOf({ flags: 0x8000 })],
    [4, questionOf({ flags: 0x2800 })],
    [4, questionOf({ flags: 0x2800, questions: 0 })],
    [1, questionOf().subarray(0, 12)],
    [1, questionOf({ questions: 0 })],
    [1, questionOf({ questions: 2 })],
    [1, questionOf().subarray(0, 20)],
    [1, new Uint8Array([...questionOf(), 0])],
    [1, questionOf({ size: 512, opts: 2 })],
    [0, questionOf({ size: 512, version: 1 })], // BADVERS has its upper bits in the EDNS record
    [5, questionOf({ klass: 3 })],
  ];
  for (const [expected, bytes] of table) assertEquals(rcodeOf(bytes), expected, `${bytes}`);
  const pointer = questionOf();
  pointer[12] = 0xc0;
  assertEquals(rcodeOf(pointer), 1);
});

law("readQuery() finds something to say about 3000 malformed questions, or nothing", () => {
  const random = seeded(53);
  const zone = new Zone(BUILT_IN_ZONE.origin, BUILT_IN_ZONE.records);
  for (let i = 0; i < 3000; i++) {
    const bytes = malformedQuestion(random);
    const received = readQuery(bytes);
    if (received === null) continue;
    const reply = "query" in received
      ? encodeReply(received.query, zone.answer(received.query), 512)
      : received.refusal;
    assertEquals(reply.subarray(0, 2), bytes.subarray(0, 2));
    assert(reply.length <= 512 || reply.length <= bytes.length + 11);
    headOf(reply);
  }
});

law("Zone tells NXDOMAIN from no data, and follows aliases as far as they are its own", () => {
  const alias = (name: string, data: string): DnsRecord => ({ name, type: "CNAME", ttl: 60, data });
  const zone = new Zone("z.test", [
    soa("z.test"),
    a("a.b.z.test"),
    a("Deep.z.test"),
    alias("one.z.test", "two.z.test"),
    alias("two.z.test", "Deep.z.test"),
    alias("ring.z.test", "ring2.z.test"),
    alias("ring2.z.test", "RING.z.test"),
    alias("out.z.test", "www.elsewhere"),
    alias("lost.z.test", "nobody.z.test"),
    { name: "sub.z.test", type: "NS", ttl: 60, data: "ns.sub.z.test" },
    a("ns.sub.z.test", "192.0.2.9"),
  ]);
  const says = (name: string, type?: string) => {
    const { rcode, answers = [], authorities = [], additionals = [] } = zone.answer(
      asked(name, type),
    );
    const list = (records: readonly DnsRecord[]) =>
      records.map((one) => `${one.name} ${one.type}`).join(", ");
    return `${rcode}: ${list(answers)} / ${list(authorities)} / ${list(additionals)}`;
  };
  assertEquals(says("DEEP.z.test"), "NOERROR: DEEP.z.test A /  / ");
  assertEquals(says("deep.z.test", "MX"), "NOERROR:  / z.test SOA / ");
  assertEquals(says("b.z.test"), "NOERROR:  / z.test SOA / "); // something is below it
  assertEquals(says("c.z.test"), "NXDOMAIN:  / z.test SOA / ");
  assertEquals(
    says("one.z.test"),
    "NOERROR: one.z.test CNAME, two.z.test CNAME, Deep.z.test A /  / ",
  );
  assertEquals(says("one.z.test", "CNAME"), "NOERROR: one.z.test CNAME /  / ");
  assertEquals(says("ring.z.test"), "NOERROR: ring.z.test CNAME, ring2.z.test CNAME /  / ");
  assertEquals(says("out.z.test"), "NOERROR: out.z.test CNAME /  / ");
  assertEquals(says("lost.z.test"), "NXDOMAIN: lost.z.test CNAME / z.test SOA / ");
  assertEquals(says("x.sub.z.test"), "NOERROR:  / sub.z.test NS / ns.sub.z.test A");
  assertEquals(says("other.test"), "REFUSED:  /  / ");
  assertEquals(zone.answer(asked("c.z.test")).authorities![0]!.ttl, 60); // the SOA's minimum
});

law("Cache lets times run down, forgets what is over, and does not grow for ever", () => {
  let now = 0;
  const cache = new Cache(() => now);
  cache.put("a", "A", "records", [a("a", "192.0.2.1", 10)]);
  now = 3999;
  assertEquals(cache.aged(cache.get("a", "A")!)[0]!.ttl, 7);
  now = 10_000;
  assertEquals(cache.get("a", "A"), undefined);
  cache.put("b", "A", "records", [a("b", "192.0.2.1", 0)]);
  assertEquals(cache.get("b", "A"), undefined);
  for (let i = 0; i < 20_000; i++) cache.put(`n${i}`, "A", "NXDOMAIN", [soa("z")]);
  assert(cache.size <= 10_000);
  assert(cache.get("n19999", "A") !== undefined);
});

const ORIGIN = [
  { name: "z.test", type: "SOA", ttl: 60, data: soaData("ns.z.test", "z.test") },
  { name: "z.test", type: "NS", ttl: 60, data: "ns.z.test" },
];

law("checkZone() names the record and the rule", () => {
  const bad: [more: unknown, error: RegExp][] = [
    [
      { name: "x.other", type: "A", ttl: 1, data: "1.2.3.4" },
      /^records\[2\]: name .* not in z.test/,
    ],
    [{ name: "x..z.test", type: "A", ttl: 1, data: "1.2.3.4" }, /is no name$/],
    [{ name: "x.z.test", type: "A", ttl: -1, data: "1.2.3.4" }, /ttl -1 is no whole number/],
    [{ name: "x.z.test", type: "A", ttl: 1, data: "1.2.3.400" }, /is not that of a A$/],
    [{ name: "x.z.test", type: "AAAA", ttl: 1, data: "1.2.3.4" }, /is not that of a AAAA$/],
    [{ name: "x.z.test", type: "TXT", ttl: 1, data: ["x".repeat(256)] }, /is not that of a TXT$/],
    [{ name: "x.z.test", type: "WKS", ttl: 1, data: "" }, /type "WKS" is none of /],
    [{ name: "z.test", type: "CNAME", ttl: 1, data: "a.test" }, /CNAME and something else/],
    [null, /^records\[2\] is no object$/],
  ];
  for (const [more, error] of bad) {
    const failure = assertThrows(() => checkZone({ origin: "z.test", records: [...ORIGIN, more] }));
    assertMatch((failure as Error).message, error);
  }
  assertThrows(() => checkZone({ origin: "z.test", records: ORIGIN.slice(1) }), TypeError, "SOA");
  assertThrows(() => checkZone({ origin: "z.test", records: ORIGIN.slice(0, 1) }), TypeError, "NS");
  assertEquals(checkZone({ origin: "z.test", records: ORIGIN }).records.length, 2);
});

/** A server that answers by `answer`, as many datagrams as that gives. */
function* fakeServer(answer: (bytes: Uint8Array, count: number) => Iterable<Uint8Array>) {
  const socket = bindDatagram({ hostname: "127.0.0.1" });
  const task = spawn(function* () {
    using _ = socket;
    for (let count = 1;; count++) {
      const [bytes, from] = yield* socket.recvFrom();
      for (const reply of answer(bytes, count)) yield* socket.sendTo(reply, from);
    }
  });
  yield;
  return { task, address: socket.localAddr };
}

/** The right answer to a question. */
function answerTo(bytes: Uint8Array, records: DnsRecord[] = [a("www.example.test")]): Uint8Array {
  const received = readQuery(bytes)!;
  if (!("query" in received)) throw new Error("no question");
  return encodeReply(received.query, { rcode: "NOERROR", answers: records }, 4096);
}

law("ask() overlooks answers with another id, another question, or none", async () => {
  await run(function* () {
    const { task, address } = yield* fakeServer(function* (bytes) {
      const right = answerTo(bytes);
      yield right.with(0, right[0]! ^ 1);
      yield answerTo(questionOf({ name: "other.test", id: bytes[0]! << 8 | bytes[1]! }));
      yield bytes;
      yield right.subarray(0, 11);
      yield right.subarray(0, right.length - 3);
      yield right;
    });
    const response = yield* ask(address, asked("www.example.test"));
    assertEquals(response?.answers, [a("www.example.test")]);
    task.cancel();
  });
});

law("ask() asks again when nothing comes, and gives up in the end", async () => {
  await run(function* () {
    const { task, address } = yield* fakeServer((bytes, count) =>
      count < 2 ? [] : [answerTo(bytes)]
    );
    assertEquals((yield* ask(address, asked("www.example.test")))?.rcode, "NOERROR");
    const deaf = bindDatagram({ hostname: "127.0.0.1" });
    assertEquals(yield* ask(deaf.localAddr, asked("www.example.test")), null);
    deaf.close();
    task.cancel();
  });
});

law(
  "Resolver asks once for questions that come together, and believes nobody about others",
  async () => {
    await run(function* () {
      let count = 0;
      const { task, address } = yield* fakeServer((bytes) => {
        count++;
        return [answerTo(bytes, [a("x.z.test"), a("y.other", "192.0.2.66")])];
      });
      const addresses = new Map<string, UdpAddress>([["root", address]]);
      const resolver = new Resolver({
        ...{ top: "test", root: "root", addresses },
        spawn: (work) => void spawn(work),
      });
      const replies = yield* all(
        Array.from({ length: 50 }, () => () => resolver.resolve(asked("X.z.test"))),
      );
      assertEquals(count, 1);
      for (const { answers } of replies) assertEquals(answers, [a("X.z.test")]);
      assertEquals([resolver.underway, resolver.cache.size], [0, 1]);
      task.cancel();
    });
  },
);

/** A hundred thousand malformed questions, by the parts and by the server. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { encodeReply, readQuery } from "../../examples/lib/dns/message.ts";
import { Zone } from "../../examples/lib/dns/zone.ts";
import { BUILT_IN_ZONE } from "../../examples/lib/dns/zone_file.ts";
import { headOf, malformedQuestion, UdpClient } from "../examples/dns_messages.ts";
import { Server } from "../examples/example.ts";
import { law } from "../lib/law.ts";
import { seeded } from "../lib/sockets.ts";

const LIMIT_MS = 120_000;

law("readQuery() has an answer to each of 100 000 malformed questions, or none", () => {
  const random = seeded(1034);
  const zone = new Zone(BUILT_IN_ZONE.origin, BUILT_IN_ZONE.records);
  const seen = new Set<number>();
  for (let i = 0; i < 100_000; i++) {
    const bytes = malformedQuestion(random);
    const received = readQuery(bytes);
    const isSilent = bytes.length < 12 || (bytes[2]! & 0x80) !== 0;
    assertEquals(received === null, isSilent);
    if (received === null) continue;
    const reply = "query" in received
      ? encodeReply(received.query, zone.answer(received.query), received.query.size)
      : received.refusal;
    assert(reply.length <= 4096);
    const head = headOf(reply);
    assertEquals(head.id, bytes[0]! << 8 | bytes[1]!);
    seen.add(head.rcode);
  }
  assertEquals([...seen].sort(), [0, 1, 3, 4, 5]);
}, LIMIT_MS);

law("dns_server takes 100 000 malformed questions in the memory that 40 000 took", async () => {
  await using server = await Server.start("dns_server", "--port", "0");
  using hostile = new UdpClient(server.port);
  using client = new UdpClient(server.port);
  const random = seeded(1033);
  async function attack(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await hostile.send(malformedQuestion(random));
      if (i % 200 === 0) await client.ask({ id: i & 0xffff });
    }
  }
  await attack(40_000); // its cache is full, and V8 has seen what is usual
  const before = server.residentBytes;
  await attack(60_000);
  assertLess(server.residentBytes - before, 64 << 20);
  assertEquals((await server.stop()).code, 0);
}, LIMIT_MS);

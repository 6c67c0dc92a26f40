/** A hundred thousand malformed requests, and a thousand clients that never finish theirs. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { Server } from "../../examples/example.ts";
import { RawClient, statusOf } from "../../examples/http_client.ts";
import { cutsOf, malformed, parsed, SMALL_LIMITS } from "../../examples/http_messages.ts";
import { law } from "../../lib/law.ts";
import { seeded } from "../../lib/sockets.ts";

const CODES = [null, 400, 413, 414, 417, 431, 505];
const LIMIT_MS = 120_000;

law("RequestParser finds the same in 100 000 malformed messages, wherever they are cut", () => {
  const random = seeded(13);
  const seen = new Set<number | null>();
  for (let i = 0; i < 100_000; i++) {
    const bytes = malformed(random);
    const whole = parsed(bytes, [], SMALL_LIMITS);
    assert(CODES.includes(whole.status), `${whole.status}`);
    seen.add(whole.status);
    const cuts = cutsOf(bytes.length, random);
    assertEquals(parsed(bytes, cuts, SMALL_LIMITS), whole, JSON.stringify([...bytes]));
  }
  assertEquals(seen.size, CODES.length);
}, LIMIT_MS);

law("http_server survives 3000 malformed connections in the memory that 3000 took", async () => {
  await using server = await Server.start("http_server", "--port", "0");
  const random = seeded(14);
  async function attack(count: number): Promise<void> {
    const one = async () => {
      using client = await RawClient.dial(server.port);
      await client.send(String.fromCharCode(...malformed(random)));
      await client.end();
      await client.rest();
    };
    for (let i = 0; i < count; i += 20) {
      // A reset is an end, too.
      await Promise.all(Array.from({ length: 20 }, () => one().catch(() => {})));
    }
  }
  await attack(3000);
  const before = server.residentBytes;
  await attack(3000);
  assertLess(server.residentBytes - before, 64 << 20);
  assertEquals(await statusOf(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
  assertEquals((await server.stop()).code, 0);
}, LIMIT_MS);

law("http_server answers others at once while 1000 clients drip their heads", async () => {
  await using server = await Server.start("http_server", "--port", "0");
  const slow: RawClient[] = [];
  let isOver = false;
  for (let i = 0; i < 1000; i++) slow.push(await RawClient.dial(server.port));
  const dripping = (async () => {
    for (const byte of "GET / HTTP/1.1\r\nX: y\r\nX: y") {
      if (isOver) return;
      await Promise.all(slow.map((client) => client.send(byte)));
    }
  })();
  const took: number[] = [];
  for (let i = 0; i < 200; i++) {
    const began = performance.now();
    assertEquals(await statusOf(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    took.push(performance.now() - began);
  }
  isOver = true;
  await dripping;
  assertLess(took.sort((a, b) => a - b)[100]!, 200);
  for (const client of slow) client[Symbol.dispose]();
  assertEquals((await server.stop()).code, 0);
}, LIMIT_MS);

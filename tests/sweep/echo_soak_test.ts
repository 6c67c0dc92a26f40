/**
 * The echo servers under a long row of clients of every kind: no wrong byte, and neither descriptors nor memory
 * add up. WEFT_SOAK sets how many clients there are.
 */
import { assert, assertEquals } from "@std/assert";
import { Server } from "../examples/example.ts";
import { resettable, seeded } from "../lib/sockets.ts";

const CLIENTS = Number(Deno.env.get("WEFT_SOAK") ?? 41_000);
const AT_ONCE = 40;
const MOST_BYTES = 20_000;
/** What the collector may have left to do, and the host's allocator. */
const SLACK_BYTES = 32 << 20;

/** Random bytes without small letters, which a server of capitals gives back as they are, and their number. */
function randomBytes(next: (below: number) => number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + next(next(10) === 0 ? MOST_BYTES : 200));
  for (let i = 0; i < bytes.length; i++) bytes[i] = next(0x61);
  return bytes;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Reads as many bytes as were sent, and compares. */
async function expect(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  const buffer = new Uint8Array(16 << 10);
  for (let at = 0; at < bytes.length;) {
    const count = await conn.read(buffer);
    assert(count !== null, `the stream ended after ${at} of ${bytes.length} bytes`);
    for (let i = 0; i < count; i++) assert(buffer[i] === bytes[at + i], `byte ${at + i} is wrong`);
    at += count;
  }
}

/** What one client does: behaves, leaves early, ends one direction, resets, drips, or says nothing. */
async function client(port: number, next: (below: number) => number): Promise<void> {
  const kind = next(6);
  if (kind === 0) {
    const socket = await resettable(port);
    socket.on("error", () => {});
    socket.write(randomBytes(next));
    await new Promise((resolve) => setTimeout(resolve, next(3)));
    socket.resetAndDestroy();
    return;
  }
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  if (kind === 1) return;
  for (let turns = 1 + next(3); turns > 0; turns--) {
    const bytes = randomBytes(next);
    if (kind === 2) {
      for (let at = 0; at < bytes.length;) {
        const part = bytes.subarray(at, at + 1 + next(bytes.length));
        await writeAll(conn, part);
        at += part.length;
      }
    } else {
      await writeAll(conn, bytes);
    }
    if (kind === 3 && turns === 1) return; // leaves its answer behind
    await expect(conn, bytes);
  }
  if (kind === 4) {
    await conn.closeWrite();
    assertEquals(await conn.read(new Uint8Array(1)), null);
  }
}

async function crowd(port: number, count: number, seed: number): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: AT_ONCE }, async (_, i) => {
    const next = seeded(seed + i);
    while (left-- > 0) await client(port, next);
  }));
}

interface Use {
  readonly fds: number;
  readonly bytes: number;
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

for (const engine of ["poll", "coroutine"]) {
  Deno.test({
    name: `echo_tcp --engine ${engine} stays level over ${CLIENTS} random connections`,
    ignore: Deno.build.os !== "linux",
    timeout: 600_000,
    async fn() {
      await using server = await Server.start("echo_tcp", "--port", "0", "--engine", engine);
      // Four equal parts: the first and second fill what the collector and the allocator keep.
      const uses: Use[] = [];
      for (let part = 0; part < 4; part++) {
        await crowd(server.port, CLIENTS / 4, 1000 * part);
        await new Promise((resolve) => setTimeout(resolve, 100));
        uses.push({ fds: descriptors(server.pid), bytes: server.residentBytes });
      }
      const [, before, , after] = uses as [Use, Use, Use, Use];
      const text = JSON.stringify(uses);
      assert(after.fds <= before.fds, text);
      assert(after.bytes <= before.bytes + SLACK_BYTES, text);
      assertEquals((await server.stop()).code, 0);
    },
  });
}

/**
 * Opens N connections to a port of this machine, each of which says hello once, hears it back, and then says
 * nothing; prints `open` and holds them until its stdin closes. A process of its own, so that what the other
 * end takes can be told from it.
 *
 *     deno run -A tests/bench/peers/idle_clients.ts PORT N
 */
import { GREETING, OPENING } from "./curve_common.ts";

const [port, n] = Deno.args.map(Number) as [number, number];
const held: Deno.Conn[] = [];
let left = n;
await Promise.all(Array.from({ length: OPENING }, async () => {
  const reply = new Uint8Array(GREETING.length);
  while (left-- > 0) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    held.push(conn);
    await conn.write(GREETING);
    for (let at = 0; at < reply.length;) at += (await conn.read(reply.subarray(at)))!;
  }
}));
console.log("open");
for await (const _ of Deno.stdin.readable);
for (const conn of held) conn.close();

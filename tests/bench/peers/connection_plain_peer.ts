/**
 * Deno without weft: a connection's whole life, and one that is idle.
 *
 *     deno run -A tests/bench/peers/connection_plain_peer.ts WORK N
 */
import { BACKLOG, GREETING, main, OPENING, whole } from "./curve_common.ts";
import { measureIdle } from "./idle_memory.ts";

const hostname = "127.0.0.1";

async function echo(conn: Deno.Conn, buffer: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
    for (let at = 0; at < n;) at += await conn.write(buffer.subarray(at, n));
  }
  conn.close();
}

async function ask(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname, port });
  for (let at = 0; at < GREETING.length;) at += await conn.write(GREETING.subarray(at));
  const reply = new Uint8Array(GREETING.length);
  for (let at = 0; at < reply.length;) at += (await conn.read(reply.subarray(at)))!;
}

const life = (n: number) =>
  whole(n, async () => {
    using listener = Deno.listen({ hostname, port: 0, tcpBacklog: BACKLOG });
    const accepted = (async () => {
      const echoes: Promise<void>[] = [];
      for (let i = 0; i < n; i++) echoes.push(echo(await listener.accept(), new Uint8Array(2048)));
      await Promise.all(echoes);
    })();
    let left = n;
    await Promise.all(Array.from({ length: OPENING }, async () => {
      while (left-- > 0) await ask(listener.addr.port);
    }));
    await accepted;
  });

async function idle(work: string, n: number): Promise<never> {
  const listener = Deno.listen({ hostname, port: 0, tcpBacklog: BACKLOG });
  (async () => {
    for await (const conn of listener) echo(conn, new Uint8Array(2048));
  })();
  return await measureIdle(work, listener.addr.port, n);
}

const [work = "", count = "1000"] = Deno.args;
if (work === "idle") await idle(work, Number(count));
await main({ life });

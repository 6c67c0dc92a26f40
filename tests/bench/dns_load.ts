/**
 * A client of DNS servers: S sockets, each of which asks by UDP for one name, waits for the answer, checks it,
 * and repeats.
 *
 *     deno run -A tests/bench/dns_load.ts PORT [SECONDS] [SOCKETS]
 *
 * Prints how many questions were answered in a second. One without an answer after a second is asked again.
 */
import { headOf, questionOf } from "../examples/dns_messages.ts";

const RESEND_MS = 1000;

const [port, seconds, sockets] = [...Deno.args, "1", "64"].map(Number);
const server: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: port! };

/** Asks until `end`; gives how often. */
async function keepAsking(end: number): Promise<number> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let count = 0;
  while (performance.now() < end) {
    const id = ++count & 0xffff;
    const question = questionOf({ id });
    await socket.send(question, server);
    const again = setInterval(() => socket.send(question, server), RESEND_MS);
    for (;;) {
      const head = headOf((await socket.receive())[0]);
      if (head.id !== id) continue;
      if (head.answers !== 1) throw new Error(`Wrong answer: ${JSON.stringify(head)}`);
      break;
    }
    clearInterval(again);
  }
  socket.close();
  return count;
}

const run = async (ms: number) => {
  const end = performance.now() + ms;
  const counts = await Promise.all(Array.from({ length: sockets! }, () => keepAsking(end)));
  return counts.reduce((sum, count) => sum + count, 0) / ms * 1000;
};
await run(200); // so that the cache is warm, and the code compiled
console.log(await run(seconds! * 1000));

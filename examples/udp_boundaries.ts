/**
 * Datagrams keep their boundaries. Watch what becomes of `hello`: a program that takes one byte of it gets `h`,
 * and the rest is gone; the next receive gives the next datagram, `world`. On TCP it would be `e`: see
 * `sticky_packets.ts`.
 *
 *     deno run --allow-net examples/udp_boundaries.ts
 */
import { bindDatagram, run } from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";

readArgs(`Datagrams keep their boundaries.

  deno run --allow-net examples/udp_boundaries.ts`);

await run(async function* () {
  using receiver = bindDatagram({ hostname: "127.0.0.1", port: 0, timeout: 5000 });
  using sender = bindDatagram({ hostname: "127.0.0.1", port: 0 });
  for (const word of ["hello", "world", "", "end"]) {
    yield* sender.sendTo(encode(word), receiver.localAddr);
    console.log(`sendTo("${word}")`);
  }
  const seen: string[] = [];
  for (const n of [1, 100, 100, 100]) {
    const [data] = yield* receiver.recvFrom(n);
    console.log(`recvFrom(${n}) gives "${decode(data)}"`);
    seen.push(decode(data));
  }
  if (seen.join() !== "h,world,,end") throw new Error(`Unexpected: ${seen}`);
  console.log("Four sends, four receives: what did not fit was dropped, nothing ran together.");
});

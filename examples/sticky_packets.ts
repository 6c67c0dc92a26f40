/**
 * TCP keeps the order of bytes and nothing else. Watch the first half: two sends are read as one, and a
 * receive of three bytes cuts a word. In the second half each message says how long it is, in four bytes
 * ahead of it, and the receiver gets the messages that were sent, however they travelled.
 *
 *     deno run --allow-net examples/sticky_packets.ts
 */
import { connect, listen, run, sleep, type Socket } from "@weft/weft";
import { decode, encode } from "./lib/bytes.ts";
import { readArgs } from "./lib/cli.ts";

readArgs(`Two sends read as one; a length header mends it.

  deno run --allow-net examples/sticky_packets.ts`);

const HEADER_BYTES = 4;

async function* sendMessage(socket: Socket, text: string) {
  const body = encode(text);
  const message = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(message.buffer).setUint32(0, body.length); // big-endian, Python's struct.pack("!I", n)
  message.set(body, HEADER_BYTES);
  yield* socket.sendAll(message);
}

async function* receiveMessage(socket: Socket) {
  const header = yield* socket.recvExactly(HEADER_BYTES);
  const length = new DataView(header.buffer, header.byteOffset).getUint32(0);
  return decode(yield* socket.recvExactly(length));
}

await run(async function* () {
  await using listener = listen({ hostname: "127.0.0.1", port: 0 });
  using client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
  using server = yield* listener.accept();
  const words = ["hello", "world"];

  console.log("Without a header:");
  for (const word of words) yield* client.sendAll(encode(word));
  yield* sleep(20); // both have arrived
  const first = decode(yield* server.recv(3));
  const rest = decode(yield* server.recv());
  console.log(`  sent ${words.join(" and ")}, received ${first} and ${rest}`);
  if (first + rest !== words.join("")) throw new Error("Bytes were lost");

  console.log("With a header of four bytes:");
  for (const word of words) yield* sendMessage(client, word);
  yield* sleep(20);
  const received = [yield* receiveMessage(server), yield* receiveMessage(server)];
  console.log(`  sent ${words.join(" and ")}, received ${received.join(" and ")}`);
  if (received.join() !== words.join()) throw new Error("Messages were not kept");
});

/** What is held is bounded: a fast sender is held back, and a peer that does not read costs little. */
import { assert, assertEquals } from "@std/assert";
import { connect, listen, run, sleep, type Socket, spawn, WouldBlock } from "@weft/weft";
import { law } from "../lib/law.ts";
import { checkPattern, countToEnd, encode, pattern, tcpPair, tcpToRaw } from "../lib/sockets.ts";

/**
 * What the documentation of `Socket` says of one connection, in bytes; four times that for garbage that
 * has not been collected yet, and some for what the host has warmed up meanwhile.
 */
const PER_PEER = 128 << 10;
const WARM_UP = 32 << 20;

law(
  "100 peers that never read cost no more than the bound per connection",
  () =>
    run(async function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.localAddr;
      const peers: Deno.Conn[] = [];
      const sockets: Socket[] = [];
      for (let i = 0; i < 100; i++) {
        peers.push(await Deno.connect({ hostname: "127.0.0.1", port }));
        sockets.push(yield* listener.accept());
      }
      const data = new Uint8Array(300_000);
      const before = Deno.memoryUsage().rss;
      let taken = 0;
      let still = 0;
      for (let round = 0; round < 200 && still < 5; round++) {
        let progress = 0;
        for (const socket of sockets) {
          try {
            for (;;) progress += socket.trySend(data);
          } catch (error) {
            assert(error instanceof WouldBlock);
          }
        }
        taken += progress;
        yield* sleep(5);
        still = progress === 0 ? still + 1 : 0;
      }
      const grown = Deno.memoryUsage().rss - before;
      assert(taken > 100 * 1_000_000, `only ${taken} bytes were taken`);
      assert(grown < 4 * 100 * PER_PEER + WARM_UP, `${grown} bytes for 100 peers`);
      for (const peer of peers) peer.close();
    }),
  60_000,
);

law(
  "A sender that is faster than its reader is held back by TCP itself",
  () =>
    run(async function* () {
      const [socket, raw] = yield* tcpToRaw();
      yield* socket.sendAll(encode("go"));
      let written = 0;
      const flood = (async () => {
        const chunk = new Uint8Array(1 << 16);
        try {
          for (;;) written += await raw.write(chunk);
        } catch {
          // closed below
        }
      })();
      assertEquals((yield* socket.recv(1)).length, 1); // one chunk is read ahead, and no more
      let last = -1;
      while (last !== written) {
        last = written;
        yield* sleep(30);
      }
      assert(written < 16 << 20, `${written} bytes were swallowed`);
      raw.close();
      await flood;
    }),
);

law("recvExactly() of a huge announced length holds only what has come", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    const before = Deno.memoryUsage().external;
    const reader = spawn(function* () {
      yield* server.recvExactly(1 << 30);
    });
    yield* client.sendAll(pattern(100_000));
    yield* sleep(10);
    assert(Deno.memoryUsage().external - before < 4 << 20);
    reader.cancel();
    yield* reader.join();
    checkPattern(yield* server.recvExactly(100_000), 0);
  }));

law("run() does not wait long for a peer that never reads", async () => {
  let raw: Deno.Conn | undefined;
  let began = 0;
  await run(function* () {
    let socket: Socket;
    [socket, raw] = yield* tcpToRaw();
    for (let still = 0; still < 5;) {
      try {
        for (;;) socket.trySend(new Uint8Array(1 << 20));
      } catch (error) {
        assert(error instanceof WouldBlock);
      }
      const { written } = socket.handle.writer;
      yield* sleep(10);
      still = socket.handle.writer.written === written ? still + 1 : 0;
    }
    began = performance.now();
  });
  const took = performance.now() - began;
  assert(took > 500, `${took} ms`);
  raw!.close();
});

law("run() lets go out what was handed over before its end", async () => {
  let reader: Promise<number> | undefined;
  await run(function* () {
    const [socket, raw] = yield* tcpToRaw();
    reader = (async () => {
      let count = 0;
      for await (const chunk of raw.readable) count += chunk.length;
      return count;
    })();
    yield* socket.sendAll(new Uint8Array(8_000_000));
  });
  assertEquals(await reader, 8_000_000);
});

law("connect() to one's own listener works before anybody accepts", () =>
  run(function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    using client = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
    yield* client.sendAll(encode("early"));
    client.closeWrite();
    using server = yield* listener.accept();
    assertEquals(yield* countToEnd(server), 5);
  }));

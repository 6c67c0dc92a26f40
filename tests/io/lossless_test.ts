/** Cancelled means it did not happen, for bytes: whatever is cancelled whenever, none is lost, none comes twice. */
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  bindDatagram,
  bytesSent,
  Cancelled,
  moveOnAfter,
  run,
  sleep,
  spawn,
  TimeoutError,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { playTimeouts } from "../lib/random_timeouts.ts";
import { checkPattern, pattern, seeded, tcpPair, tcpToRaw } from "../lib/sockets.ts";

law(
  "recv and recvExactly under 1 000 random timeouts lose no byte",
  () => playTimeouts(1_000),
  60_000,
);

law(
  "sendAll under random timeouts sends just the bytes that its error names",
  () =>
    run(async function* () {
      const [server, client] = yield* tcpPair();
      const random = seeded(5);
      let sent = 0;
      const sender = spawn(async function* () {
        for (let round = 0; round < 300; round++) {
          const part = pattern(1 + random(400_000), sent);
          try {
            yield* withTimeout(random(4), server.sendAll(part));
            sent += part.length;
          } catch (error) {
            assertInstanceOf(error, TimeoutError);
            sent += bytesSent(error);
          }
          part.fill(0);
        }
        server.close();
      });
      let received = 0;
      for (;;) {
        const bytes = yield* client.recv(1 + random(200_000));
        if (bytes.length === 0) break;
        checkPattern(bytes, received);
        received += bytes.length;
        if (random(8) === 0) yield* sleep(1);
      }
      yield* sender.get();
      assertEquals(received, sent);
    }),
  60_000,
);

law(
  "A cancelled sendAll throws the very Cancelled, with the bytes handed over in it",
  () =>
    run(function* () {
      const [socket, raw] = yield* tcpToRaw();
      const data = pattern(20_000_000);
      const task = spawn(function* () {
        yield* socket.sendAll(data);
      });
      yield* sleep(30);
      task.cancel("enough");
      yield* task.join();
      assertInstanceOf(task.error, Cancelled);
      const handedOver = bytesSent(task.error);
      assert(handedOver > 0 && handedOver < data.length, String(handedOver));
      socket.close();
      const reader = spawn(async function* () {
        const buffer = new Uint8Array(1 << 16);
        let at = 0;
        for (;;) {
          const count = await raw.read(buffer);
          if (count === null) return at;
          checkPattern(buffer.subarray(0, count), at);
          at += count;
        }
      });
      assertEquals(yield* reader.get(), handedOver);
      raw.close();
    }),
);

law("A cancelled send has handed over nothing", () =>
  run(function* () {
    const [socket, raw] = yield* tcpToRaw();
    let total = 0;
    for (;;) {
      const count = yield* moveOnAfter(20, socket.send(new Uint8Array(1 << 20)));
      if (count === undefined) break;
      total += count;
    }
    socket.close();
    const reader = spawn(async function* () {
      let at = 0;
      for await (const chunk of raw.readable) at += chunk.length;
      return at;
    });
    assertEquals(yield* reader.get(), total);
  }));

law("recvFrom under random timeouts loses no datagram", () =>
  run(async function* () {
    using a = bindDatagram({ hostname: "127.0.0.1" });
    using b = bindDatagram({ hostname: "127.0.0.1" });
    const random = seeded(3);
    let seen = 0;
    for (let i = 0; i < 1000; i++) {
      yield* a.sendTo(pattern(4, i), b.localAddr);
      if (random(2) === 0) continue; // at most a few wait in the host's queue
      while (seen <= i) {
        const got = yield* moveOnAfter(random(2) / 10, b.recvFrom());
        if (got !== undefined) assertEquals(got[0], pattern(4, seen++));
      }
    }
  }), 60_000);

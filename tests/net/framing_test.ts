import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  bytesSent,
  Cancelled,
  ClosedError,
  IncompleteError,
  LimitError,
  moveOnAfter,
  readFrame,
  readJson,
  readLine,
  readUntil,
  run,
  sleep,
  spawn,
  TimeoutError,
  withTimeout,
  writeFrame,
  writeJson,
} from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";
import {
  checkPattern,
  decode,
  encode,
  errorOf,
  pattern,
  seeded,
  start,
  tcpPair,
} from "../lib/sockets.ts";

/** The bytes of a frame that announces `length` bytes. */
function frameBytes(data: Uint8Array, length = data.length): Uint8Array {
  const frame = new Uint8Array(4 + data.length);
  new DataView(frame.buffer).setUint32(0, length);
  frame.set(data, 4);
  return frame;
}

// -- Frames --

lawInBothLanes("readFrame() gives each frame as it was written, and null at the end", {
  fast: () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      const sizes = [0, 1, 5, 70_000, 300_000, 3];
      const writer = spawn(function* () {
        for (const size of sizes) yield* writeFrame(client, pattern(size));
        client.closeWrite();
      });
      for (const size of sizes) {
        const frame = yield* readFrame(server);
        assertEquals(frame?.length, size);
        checkPattern(frame!, 0);
      }
      assertEquals(yield* readFrame(server), null);
      assertEquals(yield* readFrame(server), null);
      yield* writer.join();
    }),
  async: () =>
    run(async function* () {
      const [server, client] = yield* tcpPair();
      await writeFrame(client, encode("hello"));
      yield writeFrame(client, encode(""));
      yield* writeFrame(client, encode("world"));
      client.closeWrite();
      assertEquals(decode((await readFrame(server))!), "hello");
      assertEquals((yield* readFrame(server))?.length, 0);
      const got: string[] = [];
      for await (const frame of server.frames()) got.push(decode(frame));
      assertEquals(got, ["world"]);
    }),
});

law("writeFrame() puts a 4-byte big-endian length in front", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* writeFrame(client, new Uint8Array(0x0102).fill(7));
    assertEquals([...yield* server.recvExactly(6)], [0, 0, 1, 2, 7, 7]);
  }));

law("readFrame() puts a frame together that comes a byte at a time", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    spawn(function* () {
      client.setNoDelay();
      for (const byte of frameBytes(encode("drip"))) {
        yield* client.sendAll(new Uint8Array([byte]));
        yield* sleep(1);
      }
    });
    assertEquals(decode((yield* readFrame(server))!), "drip");
  }));

law("readFrame() refuses a longer frame by its header, and takes nothing", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(frameBytes(encode("abc"), 0xffff_ffff));
    for (const limit of [undefined, 10, 0]) {
      const error = yield* errorOf(readFrame(server, limit === undefined ? {} : { limit }));
      assertInstanceOf(error, LimitError);
      assertEquals(error.length, 0xffff_ffff);
      assertEquals(error.limit, limit ?? 16 << 20);
    }
    assertEquals(decode(yield* server.recvExactly(7)).slice(4), "abc");
  }));

law("readFrame() makes no room for what is announced and does not come", () =>
  run(function* () {
    const before = Deno.memoryUsage();
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(frameBytes(encode("abc"), 1 << 30));
    assertEquals(yield* moveOnAfter(20, readFrame(server, { limit: 1 << 30 })), undefined);
    const after = Deno.memoryUsage();
    assert(after.external - before.external < 1 << 20, "no megabyte was set aside");
  }));

law(
  "readFrame() says how many bytes were missing where the stream ends, and gives what came",
  () =>
    run(function* () {
      for (
        const [sent, partial, missing] of [
          [new Uint8Array([0, 0]), "\0\0", 2],
          [frameBytes(new Uint8Array(0), 5), "", 5],
          [frameBytes(encode("abc"), 5), "abc", 2],
        ] as const
      ) {
        const [server, client] = yield* tcpPair();
        yield* client.sendAll(sent);
        client.close();
        const error = yield* errorOf(readFrame(server));
        assertInstanceOf(error, IncompleteError);
        assertEquals(decode(error.partial), partial);
        assertEquals(error.missing, missing);
        assert(error.message.includes(`${missing} bytes before the end`), error.message);
        assertEquals(yield* readFrame(server), null);
      }
    }),
);

law("A cancelled readFrame() has taken nothing", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(frameBytes(encode("abc"), 6));
    const reader = start(readFrame(server));
    yield* sleep(10);
    yield* reader.cancel();
    server.timeout = 10;
    assertInstanceOf(yield* errorOf(readFrame(server)), TimeoutError);
    assertInstanceOf(yield* errorOf(withTimeout(5, readFrame(server))), TimeoutError);
    server.timeout = undefined;
    yield* client.sendAll(encode("def"));
    assertEquals(decode((yield* readFrame(server))!), "abcdef");
  }));

law("Frames of two tasks on one socket do not mix", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    for (const letter of [97, 98]) {
      spawn(function* () {
        for (let i = 0; i < 5; i++) yield* writeFrame(client, new Uint8Array(90_000).fill(letter));
      });
    }
    for (let i = 0; i < 10; i++) {
      const frame = (yield* readFrame(server))!;
      assertEquals(frame.length, 90_000);
      assert(frame.every((byte) => byte === frame[0]));
    }
  }));

law(
  "writeFrame() refuses what is longer than its limit before anything is sent",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      const error = assertThrows(() => writeFrame(client, pattern(11), { limit: 10 }), LimitError);
      assertEquals([error.length, error.limit], [11, 10]);
      assertThrows(() => writeFrame(client, "text" as unknown as Uint8Array), TypeError);
      for (const limit of [-1, 1.5, NaN, 2 ** 32]) {
        assertThrows(() => writeFrame(client, pattern(1), { limit }), RangeError);
        assertThrows(() => readFrame(server, { limit }), RangeError);
      }
      client.close();
      assertEquals(yield* readFrame(server), null);
    }),
);

law("A writeFrame() that was cut short says how much of it went out", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    const data = new Uint8Array(16 << 20);
    const error = yield* errorOf(withTimeout(20, writeFrame(client, data)));
    assertInstanceOf(error, TimeoutError);
    assert(bytesSent(error) > 4 && bytesSent(error) < data.length);
    server.close();
  }));

law(
  "readFrame() on a socket closed here throws ClosedError, also while it waits",
  () =>
    run(function* () {
      const [server] = yield* tcpPair();
      const reader = start(errorOf(readFrame(server)));
      yield* sleep(1);
      server.close();
      assertInstanceOf(yield* reader.get(), ClosedError);
      assertInstanceOf(yield* errorOf(readFrame(server)), ClosedError);
    }),
);

// -- JSON --

law(
  "readJson() gives the value that was written; null is a value, undefined the end",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      const values = [{ name: "weft", list: [1, 2] }, null, "zażółć", 0, false];
      for (const value of values) yield* writeJson(client, value);
      client.close();
      for (const value of values) assertEquals(yield* readJson(server), value);
      assertEquals(yield* readJson(server), undefined);
    }),
);

law(
  "readJson() throws SyntaxError for a frame that is no JSON, and goes on behind it",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      for (const bytes of [encode("{"), new Uint8Array([0x22, 0xff, 0x22]), new Uint8Array(0)]) {
        yield* writeFrame(client, bytes);
      }
      yield* writeJson(client, "next");
      for (let i = 0; i < 3; i++) assertInstanceOf(yield* errorOf(readJson(server)), SyntaxError);
      assertEquals(yield* readJson(server), "next");
      assertThrows(() => writeJson(client, undefined), TypeError);
    }),
);

// -- Lines --

lawInBothLanes("readLine() gives lines without their ends, and the last one that has none", {
  fast: () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      yield* client.sendAll(encode("one\r\ntwo\n\n\r\nth\rree\nlast"));
      client.close();
      const lines = server.lines();
      for (const line of ["one", "two", "", "", "th\rree", "last", null, null]) {
        assertEquals(yield* lines.next(), line);
      }
    }),
  async: () =>
    run(async function* () {
      const [server, client] = yield* tcpPair();
      await client.sendAll(encode("one\ntwo\nthree"));
      client.close();
      const got: string[] = [];
      for await (const line of server.lines()) {
        got.push(line);
        if (line === "one") break;
      }
      for await (const line of server.lines()) got.push(line);
      assertEquals(got, ["one", "two", "three"]);
    }),
});

law(
  "What came behind a line is there for the next reader, whichever operation that uses",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      yield* client.sendAll(encode("head\nbody--"));
      yield* writeFrame(client, encode("frame"));
      yield* client.sendAll(encode("tail"));
      assertEquals(yield* readLine(server), "head");
      assertEquals(decode(yield* server.recv(4)), "body");
      assertEquals(decode((yield* readUntil(server, "--"))!), "--");
      assertEquals(decode((yield* readFrame(server))!), "frame");
      assertEquals(decode(yield* server.recvExactly(4)), "tail");
    }),
);

law(
  "A line may be as long as its limit and no longer; a refused one is not taken",
  () =>
    run(function* () {
      for (const end of ["\n", "\r\n"]) {
        const [server, client] = yield* tcpPair();
        yield* client.sendAll(encode(`12345${end}123456${end}`));
        assertEquals(yield* readLine(server, { limit: 5 }), "12345");
        const error = yield* errorOf(readLine(server, { limit: 5 }));
        assertInstanceOf(error, LimitError);
        assertEquals(error.limit, 5);
        assertEquals(yield* readLine(server, { limit: 6 }), "123456");
      }
      const [server, client] = yield* tcpPair();
      yield* client.sendAll(new Uint8Array(70_000).fill(97));
      assertInstanceOf(yield* errorOf(readLine(server)), LimitError);
      assertEquals((yield* server.recvExactly(70_000)).length, 70_000);
    }),
);

law(
  "A cancelled readLine() has taken nothing, and one that drips is put together",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      const reader = spawn(function* () {
        try {
          yield* readLine(server);
        } catch (error) {
          assertInstanceOf(error, Cancelled);
          throw error;
        }
      });
      yield* client.sendAll(encode("hal"));
      yield* sleep(10);
      yield* reader.cancel();
      spawn(function* () {
        for (const byte of encode("f a line\n")) {
          yield* client.sendAll(new Uint8Array([byte]));
          yield* sleep(1);
        }
      });
      assertEquals(yield* readLine(server), "half a line");
    }),
);

law(
  "readUntil() takes everything up to the mark, wherever the bytes were cut",
  () =>
    run(function* () {
      for (const cut of [1, 2, 3, 4, 5, 6, 7]) {
        const [server, client] = yield* tcpPair();
        client.setNoDelay();
        const all = encode("a\r\r\n\r\nbody");
        const reader = start(readUntil(server, "\r\n\r\n"));
        yield* client.sendAll(all.subarray(0, cut));
        yield* sleep(2);
        yield* client.sendAll(all.subarray(cut));
        assertEquals(decode((yield* reader.get())!), "a\r\r\n\r\n");
        assertEquals(decode(yield* server.recvExactly(4)), "body");
      }
    }),
);

law(
  "readUntil() gives what came where the stream ends before the mark, and null without any",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      yield* client.sendAll(encode("no mark"));
      client.close();
      const error = yield* errorOf(readUntil(server, ";"));
      assertInstanceOf(error, IncompleteError);
      assertEquals([decode(error.partial), error.missing], ["no mark", undefined]);
      assertEquals(yield* readUntil(server, ";"), null);
      assertThrows(() => readUntil(server, ""), RangeError);
    }),
);

law(
  "readUntil() refuses when the mark is not within its limit, and takes nothing",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      yield* client.sendAll(encode("12345;;6;;"));
      assertInstanceOf(yield* errorOf(readUntil(server, ";;", { limit: 4 })), LimitError);
      assertEquals(decode((yield* readUntil(server, ";;", { limit: 5 }))!), "12345;;");
      assertEquals(decode((yield* readUntil(server, encode(";;"), { limit: 1 }))!), "6;;");
    }),
);

// -- Into memory that is there --

law(
  "recvInto() copies what has arrived, as far as it fits; the rest stays, 0 is the end",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      const buffer = new Uint8Array(8);
      const cancelled = start(server.recvInto(buffer));
      yield* sleep(5);
      yield* cancelled.cancel();
      yield* client.sendAll(encode("hello world"));
      assertEquals(yield* server.recvInto(buffer.subarray(0, 5)), 5);
      assertEquals(decode(buffer), "hello\0\0\0");
      assertEquals(yield* server.recvInto(buffer), 6);
      assertEquals(decode(buffer.subarray(0, 6)), " world");
      const rest = pattern(300_000);
      start(client.sendAll(rest));
      const large = new Uint8Array(70_000);
      for (let at = 0; at < rest.length;) {
        const count = yield* server.recvInto(large);
        checkPattern(large.subarray(0, count), at);
        at += count;
      }
      client.close();
      assertEquals([yield* server.recvInto(buffer), yield* server.recvInto(buffer)], [0, 0]);
      assertThrows(() => server.recvInto(new Uint8Array(0)), RangeError);
    }),
);

// -- Any bytes --

law(
  "Frames and lines come whole from any stream, cut anywhere, with readers cancelled at random",
  () =>
    run(function* () {
      const below = seeded(13);
      const [server, client] = yield* tcpPair();
      const kinds = Array.from(
        { length: 200 },
        () => [below(3), below(9) === 0 ? below(99_999) : below(50)],
      );
      const parts = kinds.map(([kind, size]) =>
        kind === 0
          ? frameBytes(pattern(size!))
          : kind === 1
          ? encode("x".repeat(size!) + "\n")
          : encode("y".repeat(size!) + "<end>")
      );
      const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
      spawn(function* () {
        for (let at = 0; at < all.length;) {
          const size = below(4) === 0 ? below(60_000) : 1 + below(20);
          yield* client.sendAll(all.subarray(at, at += size));
          if (below(20) === 0) yield* sleep(1);
        }
      });
      for (const [kind, size] of kinds) {
        if (below(3) === 0) {
          const reader = start(errorOf(readUntil(server, "\0never\0", { limit: 1e6 })));
          yield* sleep(below(2));
          yield* reader.cancel();
        }
        if (kind === 0) {
          const frame = yield* readFrame(server);
          assertEquals(frame?.length, size);
          checkPattern(frame!, 0);
        } else if (kind === 1) {
          assertEquals((yield* readLine(server, { limit: 1e5 }))?.length, size);
        } else {assertEquals(
            (yield* readUntil(server, "<end>", { limit: 1e5 }))?.length,
            size! + 5,
          );}
      }
      client.close();
      assertEquals((yield* server.recv()).length, 0);
    }),
);

/** Pairs of sockets in memory: they keep the promises of sockets. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  BrokenError,
  describeMask,
  moveOnAfter,
  poll,
  POLLIN,
  run,
  select,
  sleep,
  socketPair,
  spawn,
  TimeoutError,
  WouldBlock,
} from "@weft/weft";
import { memoryStreamPair, VirtualClock } from "@weft/weft/testing";
import { law, lawInBothLanes } from "../lib/law.ts";
import { checkPattern, countToEnd, decode, encode, errorOf, pattern } from "../lib/sockets.ts";

lawInBothLanes("socketPair() carries bytes both ways, and the end of each way", {
  fast: () =>
    run(function* () {
      const [a, b] = socketPair();
      yield* a.sendAll(encode("there"));
      a.closeWrite();
      assertEquals(decode(yield* b.recvExactly(5)), "there");
      assertEquals((yield* b.recv()).length, 0);
      yield* b.sendAll(encode("back"));
      yield* b.close();
      assertEquals(decode(yield* a.recv()), "back");
      assertEquals((yield* a.recv()).length, 0);
    }),
  async: () =>
    run(async function* () {
      const [a, b] = socketPair();
      yield* a.sendAll(encode("there"));
      a.closeWrite();
      assertEquals(decode(yield* b.recvExactly(5)), "there");
      assertEquals((yield* b.recv()).length, 0);
      yield* b.sendAll(encode("back"));
      yield* b.close();
      assertEquals(decode(yield* a.recv()), "back");
      assertEquals((yield* a.recv()).length, 0);
    }),
});

law(
  "a pair of sockets carries much more than it holds, and no byte is wrong",
  () =>
    run(async function* () {
      for (const options of [{}, { capacity: 1000, chunk: 7 }, { chunk: 1, capacity: Infinity }]) {
        const [a, b] = socketPair(options);
        const length = "chunk" in options ? 20_000 : 1 << 20;
        yield* all([a.sendAll(pattern(length)), async function* () {
          checkPattern(yield* b.recvExactly(length), 0);
        }]);
        a.close();
        assertEquals(yield* countToEnd(b), 0);
      }
    }),
);

law("a chunk of 1 brings every message byte by byte", () =>
  run(function* () {
    const [a, b] = socketPair({ chunk: 1 });
    yield* a.sendAll(encode("abc"));
    for (const letter of "abc") assertEquals(decode(yield* b.recv()), letter);
    assertThrows(() => b.tryRecv(), WouldBlock);
  }));

law(
  "who closes with bytes unread resets the other end, as a unix socket does",
  () =>
    run(function* () {
      const [a, b] = socketPair();
      yield* a.sendAll(encode("never read"));
      b.close();
      assertInstanceOf(yield* errorOf(a.recv()), BrokenError);
      assertInstanceOf(yield* errorOf(a.sendAll(encode("x"))), BrokenError);
    }),
);

law(
  "a recv() that was cancelled, or timed out, leaves the bytes to the next",
  () =>
    run(function* () {
      const [a, b] = socketPair();
      assertEquals(yield* moveOnAfter(1, b.recv()), undefined);
      b.timeout = 1;
      assertInstanceOf(yield* errorOf(b.recv()), TimeoutError);
      yield* a.sendAll(encode("late"));
      b.timeout = undefined;
      assertEquals(decode(yield* b.recv()), "late");
    }),
);

law("a pair of sockets works in virtual time", async () => {
  const clock = new VirtualClock();
  await run(function* () {
    const [a, b] = socketPair();
    spawn(function* () {
      yield* sleep(3_600_000);
      yield* a.sendAll(encode("an hour later"));
    });
    assertEquals(decode(yield* b.recv()), "an hour later");
  }, { clock });
  assertEquals(clock.now(), 3_600_000);
});

law("poll() and select() tell of a pair of sockets as of unix sockets", () =>
  run(function* () {
    const [a, b] = socketPair();
    using registry = poll();
    registry.register(b, POLLIN);
    assertEquals(yield* registry.poll(0), []);
    yield* a.sendAll(encode("x"));
    assertEquals((yield* registry.poll(1000)).map(([, mask]) => describeMask(mask)), ["POLLIN"]);
    const [readable, writable] = yield* select([b], [a], [], 1000);
    assertEquals([readable.length, writable.length], [1, 1]);
    b.tryRecv();
    a.close();
    let mask = "";
    while (!mask.includes("POLLHUP")) mask = describeMask((yield* registry.poll(1000))[0]![1]);
    assertEquals(mask, "POLLIN|POLLHUP");
  }));

law("a pair of sockets belongs to its run, which closes it", async () => {
  const [a] = await run(function* () {
    yield;
    return socketPair();
  });
  assert(a.closed);
});

law("memoryStreamPair() checks its options, and its ends what is closed", async () => {
  assertThrows(() => memoryStreamPair({ capacity: 0 }), RangeError);
  assertThrows(() => memoryStreamPair({ chunk: 1.5 }), RangeError);
  const [a, b] = memoryStreamPair();
  const pending = assertRejects(() => a.read(new Uint8Array(1)), Deno.errors.Interrupted);
  a.close();
  await pending;
  await assertRejects(() => a.write(new Uint8Array(1)), Deno.errors.BadResource);
  assertThrows(() => a.close(), Deno.errors.BadResource);
  assertEquals(await b.read(new Uint8Array(1)), null);
  await assertRejects(() => b.write(new Uint8Array(1)), Deno.errors.BrokenPipe);
  b.close();
});

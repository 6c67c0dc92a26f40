/** Streams over a native connection that does just what the test tells it. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { BrokenError, ClosedError, run, sleep, spawn, WouldBlock } from "@weft/weft";
import type { NativeStream } from "../../src/io/native.ts";
import { ERR, HUP, IN, OUT, type Pollable } from "../../src/io/pollable.ts";
import { StreamHandle } from "../../src/io/stream.ts";
import { Socket } from "../../src/net/socket.ts";
import { law } from "../lib/law.ts";
import { checkPattern, decode, encode, errorOf, pattern, start } from "../lib/sockets.ts";

/** A native operation that the test settles. */
interface Call<T> {
  readonly bytes: Uint8Array;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** A connection whose operations wait for the test. */
class Puppet implements NativeStream {
  readonly reads: Call<number | null>[] = [];
  readonly writes: Call<number>[] = [];
  closes = 0;
  halfCloses = 0;
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;

  constructor(transport: "tcp" | "unix" = "tcp") {
    this.localAddr = this.remoteAddr = transport === "tcp"
      ? { transport, hostname: "127.0.0.1", port: 1 }
      : { transport, path: "/puppet" };
  }

  read(bytes: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => this.reads.push({ bytes, resolve, reject }));
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => this.writes.push({ bytes, resolve, reject }));
  }

  close(): void {
    this.closes++;
    const error = new Deno.errors.Interrupted("operation canceled");
    for (const call of [...this.reads, ...this.writes]) call.reject(error);
  }

  closeWrite(): Promise<void> {
    this.halfCloses++;
    return Promise.resolve();
  }

  /** Answers the oldest read with some bytes. */
  bring(text: string): void {
    const call = this.reads.shift()!;
    call.bytes.set(encode(text));
    call.resolve(text.length);
  }
}

/** A socket on a puppet. */
function puppetSocket(transport: "tcp" | "unix" = "tcp"): [Socket, Puppet] {
  const puppet = new Puppet(transport);
  return [new Socket(new StreamHandle(puppet, "Puppet")), puppet];
}

/** Writes down what a watcher is told. */
function record(handle: Pollable): [bits: number, fresh: number][] {
  const changes: [number, number][] = [];
  handle.watch({
    readinessChanged: (source, fresh) => changes.push([source.ready, fresh]),
  });
  return changes;
}

law(
  "A stream has one native read in flight, and that only when somebody asked",
  () =>
    run(function* () {
      const [socket, puppet] = puppetSocket();
      yield;
      assertEquals(puppet.reads.length, 0);
      assertThrows(() => socket.tryRecv(), WouldBlock);
      const reader = start(socket.recvExactly(4));
      yield;
      assertEquals(puppet.reads.length, 1);
      puppet.bring("abcdef");
      assertEquals(decode(yield* reader.get()), "abcd");
      assertEquals(puppet.reads.length, 0);
      assertEquals(decode(socket.tryRecv()), "ef");
      assertEquals(puppet.reads.length, 0);
    }),
);

law("A stream gives each byte a place of its own", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    const got: Uint8Array[] = [];
    for (let i = 0; i < 500; i++) {
      const reader = start(socket.recv());
      yield;
      puppet.bring(String(i).padStart(1 + (i % 90), "."));
      got.push(yield* reader.get());
    }
    got.forEach((bytes, i) => assertEquals(decode(bytes), String(i).padStart(1 + (i % 90), ".")));
  }));

law("A stream writes a short write's rest before anything else", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    yield* socket.sendAll(pattern(1000));
    yield* socket.sendAll(pattern(500, 1000));
    let at = 0;
    while (at < 1500) {
      assertEquals(puppet.writes.length, 1); // never two in flight
      const { bytes, resolve } = puppet.writes.shift()!;
      const count = Math.min(bytes.length, 333);
      checkPattern(bytes.subarray(0, count), at);
      at += count;
      resolve(count);
      yield* sleep(0);
    }
    assertEquals(puppet.writes.length, 0);
  }));

law(
  "A stream buffers what is sent behind a stalled write, up to its bound",
  () =>
    run(function* () {
      const [socket, puppet] = puppetSocket();
      let taken = 0;
      assertThrows(() => {
        for (;;) taken += socket.trySend(new Uint8Array(10_000));
      }, WouldBlock);
      assertEquals(taken, 64 << 10);
      const sender = start(socket.sendAll(new Uint8Array(5)));
      yield;
      assertEquals(puppet.writes.length, 1);
      puppet.writes.shift()!.resolve(32 << 10);
      yield* sender.get();
    }),
);

law("A failed write shows at the next operation, and once as ERR", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    yield* socket.sendAll(encode("lost"));
    puppet.writes.shift()!.reject(new Deno.errors.BrokenPipe("gone"));
    yield* sleep(0);
    assertEquals(socket.handle.ready, IN | OUT | ERR | HUP);
    const error = yield* errorOf(socket.sendAll(encode("more")));
    assertInstanceOf(error, BrokenError);
    assertInstanceOf(error.cause, Deno.errors.BrokenPipe);
    assertEquals(socket.handle.ready, IN | OUT | HUP);
    const reader = start(socket.recv());
    yield;
    puppet.bring("what had arrived");
    assertEquals(decode(yield* reader.get()), "what had arrived");
  }));

law(
  "A stream that is closed with something to write writes it, then closes",
  () =>
    run(function* () {
      const [socket, puppet] = puppetSocket();
      yield* socket.sendAll(encode("last words"));
      const reader = start(errorOf(socket.recv()));
      yield;
      const closed = start(socket.close());
      assertInstanceOf(yield* reader.get(), ClosedError);
      yield;
      assertEquals(puppet.closes, 0);
      puppet.writes[0]!.resolve(4);
      yield* sleep(0);
      assertEquals(decode(puppet.writes[1]!.bytes), " words");
      puppet.writes[1]!.resolve(6);
      yield* closed.get();
      assertEquals(puppet.closes, 1);
    }),
);

law("closeWrite() comes after everything that was handed over", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    yield* socket.sendAll(encode("abc"));
    socket.closeWrite();
    assertEquals(puppet.halfCloses, 0);
    puppet.writes.shift()!.resolve(3);
    yield* sleep(0);
    assertEquals(puppet.halfCloses, 1);
    assertEquals(socket.handle.ready & OUT, OUT); // a send would not wait: it would fail
  }));

law("A stream's readiness follows what it holds", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    const { handle } = socket;
    const changes = record(handle);
    assertEquals(handle.ready, 0);
    handle.arm(IN | OUT);
    handle.arm(IN | OUT);
    assertEquals([puppet.reads.length, puppet.writes.length], [1, 1]);
    assertEquals(puppet.writes[0]!.bytes.length, 0); // the probe
    puppet.writes.shift()!.resolve(0);
    yield* sleep(0);
    puppet.bring("ab");
    yield* sleep(0);
    assertEquals(changes.splice(0), [[OUT, OUT], [IN | OUT, IN]]);
    handle.arm(IN); // reads on behind what is held: an edge, or the end, may follow
    puppet.bring("c");
    yield* sleep(0);
    assertEquals(changes.splice(0), [[IN | OUT, IN]]);
    assertEquals(decode(socket.tryRecv(2)), "ab");
    assertEquals(changes.length, 0);
    assertEquals(decode(socket.tryRecv(2)), "c");
    assertEquals(changes.splice(0), [[OUT, 0]]);
    handle.arm(IN);
    puppet.reads.shift()!.resolve(null);
    yield* sleep(0);
    assertEquals(changes.splice(0), [[IN | OUT, IN]]);
    socket.closeWrite();
    assertEquals(changes.splice(0), [[IN | OUT | HUP, HUP]]);
    socket.close();
    assertEquals([handle.ready, handle.closed], [0, true]);
    assertEquals(changes.length, 1);
  }));

law("A stream that nobody armed starts nothing when somebody watches", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    record(socket.handle);
    yield* sleep(1);
    assertEquals([puppet.reads.length, puppet.writes.length], [0, 0]);
  }));

law("A reset shows as ERR and HUP until a call has reported it", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    socket.handle.arm(IN);
    puppet.reads.shift()!.reject(new Deno.errors.ConnectionReset("reset"));
    yield* sleep(0);
    assertEquals(socket.handle.ready, IN | OUT | ERR | HUP);
    assertThrows(() => socket.tryRecv(), BrokenError);
    assertEquals(socket.handle.ready, IN | OUT | HUP);
    assertThrows(() => socket.trySend(encode("x")), BrokenError);
  }));

law("On a unix socket a probe tells the peer's close from its half-close", () =>
  run(function* () {
    for (const [answer, bits] of [["taken", IN | OUT], ["refused", IN | OUT | HUP]] as const) {
      const [socket, puppet] = puppetSocket("unix");
      record(socket.handle);
      socket.handle.arm(IN);
      puppet.reads.shift()!.resolve(null);
      yield* sleep(0);
      const probe = puppet.writes.shift()!;
      assertEquals(probe.bytes.length, 0);
      if (answer === "taken") probe.resolve(0);
      else probe.reject(new Deno.errors.BrokenPipe("gone"));
      yield* sleep(0);
      assertEquals(socket.handle.ready, bits, answer);
    }
  }));

law("Watchers that leave are told no more, and several may watch", () =>
  run(function* () {
    const [socket, puppet] = puppetSocket();
    const told: string[] = [];
    const watchers = ["a", "b", "c"].map((name) => ({
      readinessChanged: () => void told.push(name),
    }));
    for (const watcher of watchers) socket.handle.watch(watcher);
    socket.handle.unwatch(watchers[1]!);
    socket.handle.arm(IN);
    puppet.bring("x");
    yield* sleep(0);
    assertEquals(told, ["a", "c"]);
    socket.handle.unwatch(watchers[0]!);
    socket.handle.unwatch(watchers[2]!);
    socket.tryRecv();
    assertEquals(told, ["a", "c"]);
  }));

law(
  "A stream whose native connection was closed behind its back breaks, and can be closed",
  () =>
    run(function* () {
      const [socket, puppet] = puppetSocket();
      puppet.close = () => {
        throw new Deno.errors.BadResource("Bad resource ID");
      };
      const reader = spawn(function* () {
        return yield* errorOf(socket.recv());
      });
      yield;
      puppet.reads.shift()!.reject(new Deno.errors.BadResource("Bad resource ID"));
      assertInstanceOf(yield* reader.get(), BrokenError);
      yield* socket.close();
      assert(socket.closed);
    }),
);

/** A connection that takes its time to end what is pending when it is closed, and still writes then. */
class LatePuppet extends Puppet {
  override close(): void {
    this.closes++;
  }
}

law(
  "A reader's buffer goes to another reader only when its native read has settled",
  () =>
    run(function* () {
      const late = new LatePuppet();
      const closed = new Socket(new StreamHandle(late, "Late"));
      const waiting = start(closed.recv());
      yield* sleep(0);
      closed.close();
      assertInstanceOf(yield* errorOf(waiting), ClosedError);
      const others = Array.from({ length: 20 }, () => puppetSocket());
      const reads = others.map(([socket]) => start(socket.recv()));
      yield* sleep(0);
      for (const [i, [, puppet]] of others.entries()) puppet.bring(`bytes of ${i}`);
      late.bring("the last that the closed one got");
      for (const [i, read] of reads.entries()) {
        assertEquals(decode(yield* read.get()), `bytes of ${i}`);
      }
      for (const [socket] of others) socket.close();
    }),
);

law(
  "A reader that got little at first waits with a small buffer, and with a large one once that is filled",
  () =>
    run(function* () {
      const [socket, puppet] = puppetSocket();
      const rooms: number[] = [];
      for (const length of [10, 10, 512, 2000]) {
        const read = start(socket.recv());
        yield* sleep(0);
        rooms.push(puppet.reads[0]!.bytes.length);
        puppet.bring("x".repeat(length));
        assertEquals((yield* read.get()).length, length);
      }
      assertEquals(rooms, [2048, 512, 512, 2048]);
      socket.close();
    }),
);

law(
  "What a socket has given out stays as it is while other sockets come and go",
  () =>
    run(function* () {
      const [first, native] = puppetSocket();
      const given: Uint8Array[] = [];
      for (let i = 0; i < 5; i++) {
        const read = start(first.recv());
        yield* sleep(0);
        native.bring(`message ${i}`);
        given.push(yield* read.get());
      }
      first.close();
      for (let i = 0; i < 50; i++) {
        const [socket, puppet] = puppetSocket();
        const read = start(socket.recv());
        yield* sleep(0);
        puppet.bring("x".repeat(2000));
        yield* read.get();
        socket.close();
      }
      assertEquals(given.map(decode), [0, 1, 2, 3, 4].map((i) => `message ${i}`));
    }),
);

law(
  "A call on a closed socket throws an error whose stack shows that call",
  () =>
    run(function* () {
      const [socket] = puppetSocket();
      socket.close();
      const lateCall = (): unknown => socket.trySend(encode("late"));
      const error = assertThrows(lateCall, ClosedError, "Cannot send to Puppet: it is closed");
      assert(error.stack!.includes("lateCall"), error.stack);
    }),
);

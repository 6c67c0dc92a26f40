import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  BrokenError,
  BusyError,
  Cancelled,
  ClosedError,
  connect,
  IncompleteError,
  listen,
  moveOnAfter,
  run,
  sleep,
  spawn,
  TimeoutError,
  WouldBlock,
} from "@weft/weft";
import { law, lawInBothLanes } from "../lib/law.ts";
import {
  checkPattern,
  countToEnd,
  decode,
  encode,
  errorOf,
  pattern,
  resettable,
  start,
  tcpPair,
  tcpToRaw,
} from "../lib/sockets.ts";

lawInBothLanes("Socket echoes what it receives", {
  fast: () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      spawn(function* () {
        for (;;) {
          const bytes = yield* server.recv();
          if (bytes.length === 0) return server.close();
          yield* server.sendAll(bytes);
        }
      });
      for (const text of ["one", "two"]) {
        yield* client.sendAll(encode(text));
        assertEquals(decode(yield* client.recvExactly(3)), text);
      }
      client.close();
    }),
  async: () =>
    run(async function* () {
      const [server, client] = yield* tcpPair();
      spawn(async function* () {
        for (;;) {
          const bytes = yield* server.recv();
          if (bytes.length === 0) return server.close();
          await server.sendAll(bytes);
        }
      });
      for (const text of ["one", "two"]) {
        await client.sendAll(encode(text));
        assertEquals(decode(yield* client.recvExactly(3)), text);
      }
      client.close();
    }),
});

law("Socket.recv() gives at most n bytes and leaves the rest to the next", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(encode("abcdef"));
    yield* sleep(5);
    assertEquals(decode(yield* server.recv(2)), "ab");
    assertEquals(decode(yield* server.recv(1)), "c");
    assertEquals(decode(yield* server.recv()), "def");
  }));

law(
  "Socket.recv() gives an empty array at the end, as often as it is called",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      client.close();
      assertEquals((yield* server.recv()).length, 0);
      assertEquals((yield* server.recv()).length, 0);
    }),
);

law("Socket.recvExactly() takes nothing when it is cancelled half way", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(encode("abc"));
    assertEquals(yield* moveOnAfter(10, server.recvExactly(5)), undefined);
    yield* client.sendAll(encode("de"));
    assertEquals(decode(yield* server.recvExactly(5)), "abcde");
  }));

law("Socket.recvExactly() says how many bytes came before the end", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(encode("abc"));
    client.close();
    const error = yield* errorOf(server.recvExactly(10));
    assertInstanceOf(error, IncompleteError);
    assertEquals([decode(error.partial), error.expected], ["abc", 10]);
    assertEquals((yield* server.recvExactly(0)).length, 0);
  }));

law("Socket.sendAll() delivers 5 MiB in order, through many short writes", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    const length = 5 << 20;
    spawn(function* () {
      for (let at = 0; at < length;) {
        const part = pattern(Math.min(1_000_003, length - at), at);
        yield* server.sendAll(part);
        part.fill(0); // handed over is handed over: what becomes of the array does not matter
        at += part.length;
      }
      server.close();
    });
    let at = 0;
    for (;;) {
      const bytes = yield* client.recv();
      if (bytes.length === 0) break;
      checkPattern(bytes, at);
      at += bytes.length;
    }
    assertEquals(at, length);
  }));

law(
  "Socket.sendAll() of several tasks goes out whole, in the order of the calls",
  () =>
    run(function* () {
      const [server, client] = yield* tcpPair();
      const length = 400_000;
      for (const letter of ["a", "b", "c"]) {
        start(server.sendAll(new Uint8Array(length).fill(letter.charCodeAt(0))));
      }
      for (const letter of ["a", "b", "c"]) {
        const bytes = yield* client.recvExactly(length);
        assert(bytes.every((byte) => byte === letter.charCodeAt(0)), letter);
      }
    }),
);

law("Socket.close() lets go out what was handed over", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    let sent = 0;
    try {
      for (;;) sent += server.trySend(new Uint8Array(100_000)); // the host's buffer, then ours
    } catch (error) {
      assertInstanceOf(error, WouldBlock);
    }
    server.close();
    assertEquals(yield* countToEnd(client), sent);
  }));

law("Socket.closeWrite() ends one direction after what was handed over", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    yield* client.sendAll(new Uint8Array(3_000_000));
    client.closeWrite();
    client.closeWrite();
    assertInstanceOf(yield* errorOf(client.send(encode("more"))), ClosedError);
    assertEquals(yield* countToEnd(server), 3_000_000);
    yield* server.sendAll(encode("still there"));
    assertEquals(decode(yield* client.recv()), "still there");
  }));

law("Socket.recv() by two tasks at once is a BusyError for the second", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    const first = spawn(function* reader() {
      return yield* server.recv();
    });
    yield;
    const error = yield* errorOf(server.recv());
    assertInstanceOf(error, BusyError);
    assert(error.message.includes("reader"), error.message);
    assertThrows(() => server.tryRecv(), BusyError);
    yield* client.sendAll(encode("x"));
    assertEquals(decode(yield* first.get()), "x");
  }));

law("Socket.close() wakes whoever waits with ClosedError", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    const receiver = start(errorOf(server.recv()));
    const sender = start(errorOf(server.sendAll(new Uint8Array(50_000_000))));
    yield* sleep(5);
    server.close();
    assertInstanceOf(yield* receiver.get(), ClosedError);
    assertInstanceOf(yield* sender.get(), ClosedError);
    for (const late of [server.recv(), server.recvExactly(0), server.sendAll(encode("x"))]) {
      assertInstanceOf(yield* errorOf(late), ClosedError);
    }
    assertThrows(() => server.tryRecv(), ClosedError);
    assertThrows(() => server.trySend(encode("x")), ClosedError);
    assertThrows(() => server.closeWrite(), ClosedError);
    server.close();
    client.close();
  }));

law(
  "Socket throws BrokenError with Deno's error as cause when it is reset, after what had arrived",
  () =>
    run(async function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0 });
      const peer = await resettable(listener.localAddr.port);
      const socket = yield* listener.accept();
      peer.write("hello");
      assertEquals(decode(yield* socket.recvExactly(2)), "he");
      peer.resetAndDestroy();
      assertEquals(decode(yield* socket.recv()), "llo");
      const error = yield* errorOf(socket.recv());
      assertInstanceOf(error, BrokenError);
      assertInstanceOf(error.cause, Deno.errors.ConnectionReset);
      assertInstanceOf(yield* errorOf(socket.sendAll(encode("x"))), BrokenError);
    }),
);

law("Socket.send() to a peer that is gone fails with BrokenError soon", () =>
  run(function* () {
    const [socket, raw] = yield* tcpToRaw();
    raw.close();
    let error: unknown;
    for (let i = 0; i < 100 && error === undefined; i++) {
      error = yield* errorOf(socket.sendAll(encode("anybody there?")));
      yield* sleep(1);
    }
    assertInstanceOf(error, BrokenError);
    assertInstanceOf(error.cause, Deno.errors.BrokenPipe);
  }));

law("Socket.tryRecv() and trySend() never wait", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    assertThrows(() => server.tryRecv(10), WouldBlock);
    assertEquals(client.trySend(encode("abc")), 3);
    for (let got: Uint8Array | undefined; got === undefined; yield* sleep(1)) {
      try {
        got = server.tryRecv(2);
        assertEquals(decode(got), "ab");
      } catch (error) {
        assertInstanceOf(error, WouldBlock);
      }
    }
    assertEquals(decode(server.tryRecv()), "c");
    assertEquals(server.trySend(new Uint8Array(0)), 0);
  }));

law(
  "run() that leaves sockets open, reading, accepting and half sent, ends with nothing left",
  async () => {
    const error = await assertRejects(() =>
      run(function* () {
        const listener = listen({ hostname: "127.0.0.1", port: 0 });
        const [server, client] = yield* tcpPair();
        for (const wait of [() => listener.accept(), () => server.recv(), () => client.recv()]) {
          spawn(function* () {
            yield* wait();
          });
        }
        yield* server.sendAll(encode("x"));
        yield* sleep(1);
        throw new Error("main is through");
      })
    );
    assertEquals((error as Error).message, "main is through");
  },
);

law("Socket.timeout ends an operation with TimeoutError and loses nothing", () =>
  run(function* () {
    const [server, client] = yield* tcpPair();
    server.timeout = 5;
    assertEquals(server.timeout, 5);
    const error = yield* errorOf(server.recv());
    assertInstanceOf(error, TimeoutError);
    assertEquals(error.ms, 5);
    yield* client.sendAll(encode("abc"));
    assertInstanceOf(yield* errorOf(server.recvExactly(4)), TimeoutError);
    assertEquals(decode(yield* server.recv()), "abc");
    assertInstanceOf(yield* errorOf(server.sendAll(new Uint8Array(50_000_000))), TimeoutError);
    server.timeout = undefined;
    const late = start(server.recv());
    yield* sleep(10);
    yield* client.sendAll(encode("late"));
    assertEquals(decode(yield* late.get()), "late");
  }));

law("Cancelled passes through recv, accept and connect unchanged, at once", () =>
  run(function* () {
    const [server] = yield* tcpPair();
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.localAddr;
    const begins = [
      () => server.recv(),
      () => listener.accept(),
      () => connect({ hostname: "127.0.0.1", port }),
    ];
    for (const begin of begins) {
      let thrown: unknown;
      const task = spawn(function* () {
        try {
          yield* begin();
        } catch (error) {
          thrown = error;
          throw error;
        }
      });
      yield;
      task.cancel("enough");
      yield* task.join();
      assertInstanceOf(thrown, Cancelled);
      assertEquals(task.error, thrown);
    }
  }));

law("connect() throws Deno's error when nobody listens", async () => {
  const { port } = await run(function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    return listener.localAddr;
  });
  await assertRejects(
    () =>
      run(function* () {
        yield* connect({ hostname: "127.0.0.1", port });
      }),
    Deno.errors.ConnectionRefused,
  );
  await assertRejects(
    async () => await connect({ hostname: "127.0.0.1", port }),
    Deno.errors.ConnectionRefused,
  );
});

law("connect() that a timeout stops leaves nothing", () =>
  run(function* () {
    // One connection fills a backlog of one, roughly; then a connect waits.
    using listener = listen({ hostname: "127.0.0.1", port: 0, backlog: 1 });
    const { port } = listener.localAddr;
    const attempts: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      attempts.push(yield* errorOf(connect({ hostname: "127.0.0.1", port, timeout: 30 })));
    }
    const last = attempts.at(-1);
    assertInstanceOf(last, TimeoutError);
    assertEquals(last.ms, 30);
  }));

law("A socket that waits is no deadlock", () =>
  run(function* () {
    const [server, raw] = yield* tcpToRaw();
    setTimeout(() => raw.write(encode("from outside")), 20);
    assertEquals(decode(yield* server.recv()), "from outside");
    raw.close();
  }));

law("Sockets opened outside of a run work in several, and outside", async () => {
  const listener = listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.localAddr;
  const client = await connect({ hostname: "127.0.0.1", port });
  const server = await listener.accept();
  await run(function* () {
    yield* client.sendAll(encode("a"));
    assertEquals(yield* moveOnAfter(2, client.recv()), undefined);
  });
  assertEquals(decode(await server.recv()), "a");
  await server.sendAll(encode("b"));
  assertEquals(decode(await client.recv()), "b");
  await Promise.all([client.close(), server.close(), listener.close()]);
});

law(
  "Socket.setNoDelay() and setKeepAlive() work also while a write is under way",
  () =>
    run(function* () {
      using listener = listen({ hostname: "127.0.0.1", port: 0, noDelay: true, keepAlive: true });
      const { port } = listener.localAddr;
      const client = yield* connect({
        hostname: "127.0.0.1",
        port,
        noDelay: true,
        keepAlive: true,
      });
      const server = yield* listener.accept();
      yield* client.sendAll(encode("x"));
      client.setNoDelay();
      client.setNoDelay(false);
      client.setKeepAlive();
      assertEquals(decode(yield* server.recv()), "x");
      assertThrows(() => client.handshake(), TypeError, "TLS");
    }),
);

law("512 connections echo at once, each in its task", () =>
  run(async function* () {
    using listener = listen({ hostname: "127.0.0.1", port: 0 });
    const acceptor = spawn(async function* () {
      for (;;) {
        const socket = yield* listener.accept();
        spawn(async function* () {
          using _closing = socket;
          for (;;) {
            const bytes = yield* socket.recv();
            if (bytes.length === 0) return;
            yield* socket.sendAll(bytes);
          }
        });
      }
    });
    const { port } = listener.localAddr;
    const clients = Array.from({ length: 512 }, (_, i) =>
      spawn(async function* () {
        using socket = yield* connect({ hostname: "127.0.0.1", port });
        for (let round = 0; round < 5; round++) {
          const message = encode(`${i} ${round}`);
          yield* socket.sendAll(message);
          assertEquals(yield* socket.recvExactly(message.length), message);
        }
      }));
    for (const client of clients) yield* client.get();
    yield* acceptor.cancel();
  }), 60_000);

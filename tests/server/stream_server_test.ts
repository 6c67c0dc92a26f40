/** What holds for a StreamServer in each of its four engines. */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  ClosedError,
  connect,
  listen,
  readLine,
  run,
  sleep,
  type Socket,
  StreamServer,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { decode, encode, errorOf, resettable, start } from "../lib/sockets.ts";
import { answer, ENGINES, serverOf, shout, Steps } from "./fixtures/stream_handlers.ts";

type Engine = (typeof ENGINES)[number];

/** Runs `body` while a server serves, and checks that the server ends well. */
async function* during(
  server: StreamServer,
  body: (port: number) => AsyncGenerator<unknown, void, unknown>,
): AsyncGenerator<unknown, void, unknown> {
  const serving = start(server.serveForever());
  const { port } = (yield* server.ready()) as Deno.NetAddr;
  yield* body(port);
  yield* server.shutdown({ grace: 1000 });
  yield* serving.get();
}

/** Registers a law for each engine. */
function lawInEachEngine(
  name: string,
  body: (engine: Engine) => AsyncGenerator<unknown, void, unknown>,
) {
  for (const engine of ENGINES) {
    law(`${name} (${engine})`, () =>
      run(async function* () {
        yield* body(engine);
      }));
  }
}

const dial = (port: number) => connect({ hostname: "127.0.0.1", port, timeout: 10_000 });

async function* ask(socket: Socket, line: string) {
  yield* socket.sendAll(encode(`${line}\n`));
  return yield* readLine(socket);
}

lawInEachEngine(
  "A server answers its clients, also one that has closed its sending side",
  async function* (engine) {
    const server = serverOf(shout, { engine });
    yield* during(server, async function* (port) {
      for (let i = 0; i < 5; i++) {
        using socket = yield* dial(port);
        yield* socket.sendAll(encode("hello"));
        socket.closeWrite();
        assertEquals(decode(yield* socket.recvExactly(5)), "HELLO");
        assertEquals((yield* socket.recv()).length, 0);
      }
    });
    const { accepted, active, completed, failed } = server.statistics();
    assertEquals([accepted, active, completed, failed], [5, 0, 5, 0]);
  },
);

lawInEachEngine(
  "A handler's failure is reported with the peer, and the server goes on",
  async function* (engine) {
    const heard: string[] = [];
    const server = serverOf(answer, {
      engine,
      onError: (error, peer) => {
        assertInstanceOf(error, RangeError);
        heard.push(`${error.message} from ${(peer as Deno.NetAddr).port}`);
        throw new Error("onError itself fails");
      },
    });
    const expected: string[] = [];
    yield* during(server, async function* (port) {
      for (const word of ["a", "b"]) {
        using socket = yield* dial(port);
        expected.push(`told to fail: ${word} from ${socket.localAddr.port}`);
        assertEquals(yield* ask(socket, `fail ${word}`), null);
      }
      using socket = yield* dial(port);
      assertEquals(yield* ask(socket, "still there"), "still there!");
    });
    assertEquals(heard, expected);
    assertEquals(server.statistics().failed, 2);
  },
);

lawInEachEngine(
  "A handler may be a class, whose finish() comes also after a failure",
  async function* (engine) {
    const server = serverOf(Steps, { engine, onError: () => {} });
    yield* during(server, async function* (port) {
      for (
        const [word, expected] of [["x", "setup,handle x,finish"], [
          "fail",
          "setup,finish",
        ]] as const
      ) {
        using socket = yield* dial(port);
        yield* socket.sendAll(encode(`${word}\n`));
        const lines: string[] = [];
        for await (const line of socket.lines()) lines.push(line);
        assertEquals(lines.join(), expected);
      }
    });
  },
);

lawInEachEngine(
  "A client that resets its connection harms nobody and is no failure",
  async function* (engine) {
    const failures: unknown[] = [];
    const server = serverOf(answer, { engine, onError: (error) => failures.push(error) });
    yield* during(server, async function* (port) {
      const rude = await resettable(port);
      rude.write("wait 50\n");
      while (server.statistics().accepted < 1) yield* sleep(1);
      rude.resetAndDestroy();
      using socket = yield* dial(port);
      assertEquals(yield* ask(socket, "hello"), "hello!");
      socket.close();
      while (server.statistics().active > 0) yield* sleep(5);
    });
    assertEquals(failures, []);
    assertEquals(server.statistics().accepted, 2);
  },
);

lawInEachEngine(
  "shutdown() lets in who is in line, answers what was asked, and closes who is idle",
  async function* (engine) {
    const server = serverOf(answer, { engine });
    const serving = start(server.serveForever());
    const { port } = (yield* server.ready()) as Deno.NetAddr;
    using busy = yield* dial(port);
    using gate = listen({ hostname: "127.0.0.1", port: 0 });
    yield* busy.sendAll(encode(`hold ${gate.localAddr.port}\nand one more\n`));
    using held = yield* gate.accept();
    using idle = engine === "sequential" ? busy : yield* dial(port);
    if (idle !== busy) assertEquals(yield* ask(idle, "hello"), "hello!");
    using late = yield* dial(port);
    yield* late.sendAll(encode("late\n"));
    const ended = server.shutdown({ grace: 10_000 });
    if (idle !== busy) assertEquals(yield* readLine(idle), null); // while the other is held
    held.close();
    assertEquals(yield* readLine(busy), `hold ${gate.localAddr.port}!`);
    assertEquals(yield* readLine(busy), "and one more!");
    assertEquals(yield* readLine(busy), null);
    assertEquals(yield* readLine(late), "late!");
    yield* ended;
    yield* serving.join();
    assertInstanceOf(yield* errorOf(dial(port)), Deno.errors.ConnectionRefused);
  },
);

lawInEachEngine("shutdown() cuts off what does not end within its grace", async function* (engine) {
  const server = serverOf(answer, { engine });
  const serving = start(server.serveForever());
  const { port } = (yield* server.ready()) as Deno.NetAddr;
  using socket = yield* dial(port);
  yield* socket.sendAll(encode("wait 60000\n"));
  while (server.statistics().active === 0) yield* sleep(2);
  yield* all([server.shutdown({ grace: 50 }), server.shutdown()]);
  yield* serving.join();
  assertEquals((yield* socket.recv()).length, 0);
  assertEquals(server.statistics().cancelled, 1);
});

lawInEachEngine(
  "maxConnections leaves who is too many in the host's line",
  async function* (engine) {
    const server = serverOf(answer, { engine, maxConnections: 1 });
    yield* during(server, async function* (port) {
      using first = yield* dial(port);
      assertEquals(yield* ask(first, "first"), "first!");
      using second = yield* dial(port);
      yield* second.sendAll(encode("second\n"));
      yield* sleep(50);
      assertEquals(server.statistics().active, 1);
      first.close();
      assertEquals(yield* readLine(second), "second!");
    });
  },
);

lawInEachEngine(
  "idleTimeout ends a connection that says nothing; handlerTimeout one that takes too long",
  async function* (engine) {
    const heard: unknown[] = [];
    const options = { engine, onError: (error: unknown) => heard.push(error) };
    const idle = serverOf(answer, { ...options, idleTimeout: 30 });
    yield* during(idle, async function* (port) {
      using socket = yield* dial(port);
      assertEquals(yield* readLine(socket), null);
    });
    const slow = serverOf(answer, { ...options, handlerTimeout: 30 });
    yield* during(slow, async function* (port) {
      using socket = yield* dial(port);
      assertEquals(yield* ask(socket, "wait 60000"), null);
    });
    assertEquals([idle.statistics().timedOut, slow.statistics().timedOut], [1, 1]);
    assertEquals(heard, []);
  },
);

lawInEachEngine(
  "A server serves once, and its port is free when it has ended",
  async function* (engine) {
    const server = serverOf(shout, { engine });
    const { port } = server.address as Deno.NetAddr;
    yield* during(server, async function* () {
      assertInstanceOf(yield* errorOf(server.serveForever()), ClosedError);
    });
    assertInstanceOf(yield* errorOf(server.serveForever()), ClosedError);
    assertInstanceOf(yield* errorOf(server.ready()), ClosedError);
    yield* server.shutdown();
    const next = new StreamServer(shout, { hostname: "127.0.0.1", port, engine, workers: 1 });
    assertThrows(
      () => new StreamServer(shout, { hostname: "127.0.0.1", port }),
      Deno.errors.AddrInUse,
    );
    yield* next.shutdown();
  },
);

lawInEachEngine("Cancelled, a server ends in the same order", async function* (engine) {
  const server = serverOf(answer, { engine, grace: 2000 });
  const serving = start(server.serveForever());
  const { port } = (yield* server.ready()) as Deno.NetAddr;
  using socket = yield* dial(port);
  yield* socket.sendAll(encode("wait 50\n"));
  while (server.statistics().active === 0) yield* sleep(2);
  serving.cancel();
  assertEquals(yield* readLine(socket), "wait 50!");
  yield* serving.join();
  assert(serving.cancelled);
});

law(
  "sequential serves one after the other; the others serve side by side",
  () =>
    run(async function* () {
      for (const engine of ENGINES) {
        const server = serverOf(answer, { engine });
        yield* during(server, async function* (port) {
          using slow = yield* dial(port);
          yield* slow.sendAll(encode("wait 300\n"));
          while (server.statistics().active === 0) yield* sleep(2);
          const order: string[] = [];
          yield* all([async function* () {
            yield* readLine(slow);
            slow.close();
            order.push("slow");
          }, async function* () {
            // Two clients, since the host may give one of them to the worker that is busy; it is not busy enough.
            using quick = yield* dial(port);
            yield* ask(quick, "quick");
            order.push("quick");
          }]);
          assertEquals(order, engine === "sequential" ? ["slow", "quick"] : ["quick", "slow"]);
        });
      }
    }),
);

law(
  "shutdown() may come from outside of every task, before it serves, and from a handler",
  async () => {
    const outside = serverOf(shout, {});
    const running = run(function* () {
      yield* outside.serveForever();
    });
    await outside.ready();
    await outside.shutdown();
    await running;
    const early = serverOf(shout, {});
    await early.shutdown();
    await assertRejects(
      () =>
        run(function* () {
          yield* early.serveForever();
        }),
      ClosedError,
    );
    await run(async function* () {
      const own: StreamServer = new StreamServer(async function* (socket) {
        own.shutdown();
        yield* socket.sendAll(encode("bye"));
      }, { hostname: "127.0.0.1" });
      start(own.serveForever());
      using socket = yield* connect({ port: (own.address as Deno.NetAddr).port });
      assertEquals(decode(yield* socket.recvExactly(3)), "bye");
    });
  },
);

law(
  "A server on a unix path serves by tasks and by polling, and says why not by workers",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await run(async function* () {
        for (const engine of ["sequential", "coroutine", "poll"] as const) {
          const path = `${folder}/${engine}`;
          const server = new StreamServer(shout, { transport: "unix", path, engine });
          start(server.serveForever());
          using socket = yield* connect({ transport: "unix", path });
          yield* socket.sendAll(encode("hello"));
          assertEquals(decode(yield* socket.recvExactly(5)), "HELLO");
          socket.close();
          yield* server.shutdown();
        }
        assertThrows(
          () =>
            new StreamServer(shout, { transport: "unix", path: `${folder}/w`, engine: "worker" }),
          TypeError,
          "cannot be shared by threads",
        );
      });
      assertEquals([...Deno.readDirSync(folder)], []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

law("What a server is made with is checked in the call", () => {
  const any = (value: unknown) => value as typeof shout;
  assertThrows(() => new StreamServer(any(() => {}), {}), TypeError, "handler");
  assertThrows(() => new StreamServer(any(undefined)), TypeError);
  assertThrows(() => new StreamServer(shout, { engine: "thread" as "poll" }), TypeError);
  assertThrows(() => new StreamServer(shout, { maxConnections: 0 }), RangeError);
  assertThrows(() => new StreamServer(shout, { idleTimeout: -1 }), RangeError);
  assertThrows(() => new StreamServer(shout, { grace: NaN }), RangeError);
  assertThrows(
    () => new StreamServer(any(function* () {}), { engine: "worker" }),
    TypeError,
    "handlers(import.meta",
  );
  const listener = listen({ hostname: "127.0.0.1" });
  const { port } = listener.localAddr;
  assertThrows(
    () => new StreamServer(shout, { hostname: "127.0.0.1", port }),
    Deno.errors.AddrInUse,
  );
  return listener.close();
});

law(
  "A handler that ends its worker cuts off its clients; another worker takes the place",
  () =>
    run(async function* () {
      const heard: unknown[] = [];
      const onError = (error: unknown, peer: unknown) => heard.push([(error as Error).name, peer]);
      const server = serverOf(answer, { engine: "worker", workers: 1, onError });
      yield* during(server, async function* (port) {
        for (let i = 0; i < 5; i++) {
          using socket = yield* dial(port);
          assertEquals(yield* ask(socket, "hello"), "hello!");
          yield* socket.sendAll(encode("die\n"));
          assert(!(yield* readLine(socket)));
          while (heard.length <= i) yield* sleep(5);
          for (;;) { // until the new one listens
            try {
              using next = yield* dial(port);
              if ((yield* ask(next, "again")) === "again!") break;
            } catch {
              yield* sleep(20);
            }
          }
        }
      });
      assertEquals(heard, Array(5).fill(["WorkerCrashedError", undefined]));
      const { active, cancelled } = server.statistics();
      assertEquals([active, cancelled], [0, 5]);
    }),
);

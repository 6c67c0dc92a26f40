/** The end of a server: nobody in line is cut off, nothing is left. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  all,
  BrokenError,
  BusyError,
  connect,
  listen,
  type Listener,
  run,
  serve,
  sleep,
  type Socket,
  spawn,
  wait,
} from "@weft/weft";
import { collectGarbage } from "../lib/heap.ts";
import { law } from "../lib/law.ts";
import { errorOf, resettable, start } from "../lib/sockets.ts";

const text = new TextEncoder();

const open = (): Listener<Deno.NetAddr> =>
  listen({ hostname: "127.0.0.1", port: 0 }) as Listener<Deno.NetAddr>;

const echo = function* (socket: Socket<Deno.NetAddr>) {
  for (let data; (data = yield* socket.recv(1024)).length > 0;) yield* socket.sendAll(data);
};

const ask = async function* (port: number, word: string) {
  using socket = yield* connect({ hostname: "127.0.0.1", port });
  yield* socket.sendAll(text.encode(word));
  socket.closeWrite();
  return new TextDecoder().decode(yield* socket.recvExactly(word.length));
};

law("serve() runs a task for each connection", async () => {
  await run(async function* () {
    const listener = open();
    const server = spawn(async function* () {
      yield* serve(listener, echo);
    });
    const words = Array.from({ length: 20 }, (_, i) => `word ${i}`);
    assertEquals(yield* all(words.map((word) => ask(listener.localAddr.port, word))), words);
    yield* server.cancel();
    assert(server.cancelled && listener.closed);
  });
});

law("serve() answers everyone who was in line when it was cancelled", async () => {
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    const waiting: Socket[] = [];
    for (let i = 0; i < 50; i++) waiting.push(yield* connect({ hostname: "127.0.0.1", port }));
    const server = spawn(async function* () {
      yield* serve(listener, echo, { grace: 5000 });
    });
    yield;
    server.cancel();
    for (const socket of waiting) {
      yield* socket.sendAll(text.encode("hello"));
      assertEquals((yield* socket.recvExactly(5)).length, 5);
      socket.close();
    }
    yield* server.join();
    assert(server.cancelled);
    await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }));
  });
});

law("serve() cancels what has not finished within its grace", async () => {
  await run(async function* () {
    const listener = open();
    let cut = 0;
    const server = spawn(async function* () {
      yield* serve(listener, async function* () {
        try {
          yield* sleep(60_000);
        } finally {
          cut++;
        }
      }, { grace: 10 });
    });
    using _a = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
    using _b = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
    while (listener.localAddr && cut === 0) {
      yield* sleep(5);
      server.cancel();
    }
    yield* server.join();
    assertEquals(cut, 2);
  });
});

/** A server with a handler that fails for clients who say so, and what was reported of it. */
function* failingServer(
  listener: Listener<Deno.NetAddr>,
  reports: [unknown, Deno.NetAddr | undefined][],
): Generator<unknown, void, never> {
  yield* serve(listener, function* (socket) {
    const data = yield* socket.recv();
    if (data[0] === 0) throw new Error("handler");
    yield* socket.sendAll(data);
  }, { onError: (...report) => reports.push(report) });
}

law("a handler that fails is reported with its peer, and the server goes on", async () => {
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    const reports: [unknown, Deno.NetAddr | undefined][] = [];
    const server = spawn(failingServer, listener, reports);
    using bystander = yield* connect({ hostname: "127.0.0.1", port });
    for (let i = 0; i < 3; i++) {
      using socket = yield* connect({ hostname: "127.0.0.1", port });
      yield* socket.sendAll(new Uint8Array(1));
      assertEquals((yield* socket.recv()).length, 0);
      assertEquals(String(reports[i]![0]), "Error: handler");
      assertEquals(reports[i]![1], socket.localAddr);
    }
    yield* bystander.sendAll(text.encode("hello"));
    assertEquals((yield* bystander.recvExactly(5)).length, 5);
    yield* server.cancel();
    assert(server.cancelled);
  });
});

law("by default a handler's failure is a warning that names the peer", async () => {
  const warnings: string[] = [];
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    const server = spawn(function* () {
      yield* serve(listener, function* (): Generator<unknown, void, never> {
        throw new RangeError("too much");
      });
    });
    using socket = yield* connect({ hostname: "127.0.0.1", port });
    assertEquals((yield* socket.recv()).length, 0);
    assertEquals(warnings, [
      `serve(${listener}): the connection from 127.0.0.1:${
        (socket.localAddr as Deno.NetAddr).port
      } failed: RangeError: too much`,
    ]);
    yield* server.cancel();
  }, { warn: (warning) => warnings.push(warning) });
});

law("an onError that throws, or rejects, is a warning, and the server goes on", async () => {
  for (const kind of ["throws", "rejects"]) {
    const warnings: string[] = [];
    await run(async function* () {
      const listener = open();
      const { port } = listener.localAddr;
      const server = spawn(function* () {
        yield* serve(listener, function* (socket) {
          if ((yield* socket.recv())[0] === 0) throw new Error("handler");
          yield* socket.sendAll(text.encode("ok"));
        }, {
          onError: () => {
            if (kind === "throws") throw new Error("reporter");
            return Promise.reject(new Error("reporter"));
          },
        });
      });
      for (const byte of [0, 0, 1]) {
        using socket = yield* connect({ hostname: "127.0.0.1", port });
        yield* socket.sendAll(Uint8Array.of(byte));
        assertEquals((yield* socket.recv()).length, 2 * byte);
      }
      yield* server.cancel();
      assert(server.cancelled);
    }, { warn: (warning) => warnings.push(warning) });
    assertEquals(warnings.length, 1);
    assert(warnings[0]!.includes("threw: Error: reporter"), warnings[0]);
  }
});

law("a client that resets its connection cuts off nobody else", async () => {
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    const reports: unknown[] = [];
    const server = spawn(function* () {
      yield* serve(listener, echo, { onError: (error) => reports.push(error) });
    });
    using bystander = yield* connect({ hostname: "127.0.0.1", port });
    for (let i = 0; i < 5; i++) {
      const socket = yield* wait(resettable(port));
      socket.write("hello");
      yield* wait(new Promise((resolve) => socket.once("data", resolve)));
      socket.resetAndDestroy();
    }
    while (reports.length < 5) yield* sleep(1);
    assert(reports.every((error) => error instanceof BrokenError));
    yield* bystander.sendAll(text.encode("hello"));
    assertEquals((yield* bystander.recvExactly(5)).length, 5);
    yield* server.cancel();
  });
});

law(
  "a second serve(), or accept(), on a busy listener gets BusyError and disturbs nobody",
  async () => {
    await run(async function* () {
      const listener = open();
      const { port } = listener.localAddr;
      const server = spawn(function* () {
        yield* serve(listener, echo);
      });
      assertEquals(yield* ask(port, "one"), "one");
      assert((yield* errorOf(serve(listener, echo))) instanceof BusyError);
      assert((yield* errorOf(listener.accept())) instanceof BusyError);
      assert(!listener.closed);
      assertEquals(yield* ask(port, "two"), "two");
      yield* server.cancel();
      assert(server.cancelled);
    });
  },
);

law(
  "serve() on a listener on which a task accepts gets BusyError, and leaves it open",
  async () => {
    await run(async function* () {
      const listener = open();
      const { port } = listener.localAddr;
      const accepted = start(listener.accept());
      yield;
      assert((yield* errorOf(serve(listener, echo))) instanceof BusyError);
      using _client = yield* connect({ hostname: "127.0.0.1", port });
      using _socket = yield* accepted.get();
      assert(!listener.closed);
      listener.close();
    });
  },
);

law("failures of handlers are not kept", async () => {
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    const errors: WeakRef<Error>[] = [];
    const server = spawn(function* () {
      yield* serve(listener, function* (): Generator<unknown, void, never> {
        throw new Error("handler");
      }, { onError: (error) => errors.push(new WeakRef(error as Error)) });
    });
    for (let i = 0; i < 20; i++) {
      using socket = yield* connect({ hostname: "127.0.0.1", port });
      assertEquals((yield* socket.recv()).length, 0);
    }
    yield* wait(collectGarbage());
    const kept = errors.filter((error) => error.deref() !== undefined).length;
    assert(kept <= 2, `${kept} of ${errors.length} are kept`);
    yield* server.cancel();
  });
});

law("Listener.drain() gives who is in line, in their order, and closes", async () => {
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    const clients: Socket[] = [];
    for (let i = 0; i < 5; i++) clients.push(yield* connect({ hostname: "127.0.0.1", port }));
    const sockets = yield* listener.drain();
    assert(listener.closed);
    const ports = (list: readonly Socket[], side: "localAddr" | "remoteAddr"): number[] =>
      list.map((socket) => (socket[side] as Deno.NetAddr).port);
    assertEquals(ports(sockets, "remoteAddr"), ports(clients, "localAddr"));
    for (const socket of [...sockets, ...clients]) socket.close();
  });
});

Deno.test({
  name: "serve() lets newcomers wait in line while the host has no descriptor for them",
  ignore: Deno.build.os === "windows",
  timeout: 20_000,
  async fn() {
    const fixture = new URL("./fixtures/no_descriptors.ts", import.meta.url).pathname;
    const deno = [Deno.execPath(), "run", "--quiet", "--no-check", "-A", fixture];
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'ulimit -n 256 && exec "$@"', "sh", ...deno],
      env: { NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals(out, "waiting\nwelcome\n");
    assertMatch(
      err!,
      /^serve\(Listener#1\): accepting failed, and is tried again: Error: .*\(os error 24\)\n$/,
    );
  },
});

law("serve() with a limit leaves who is too many in line, also at its end", async () => {
  await run(async function* () {
    const listener = open();
    const { port } = listener.localAddr;
    let now = 0;
    let most = 0;
    const server = spawn(async function* () {
      yield* serve(listener, async function* (socket) {
        most = Math.max(most, ++now);
        try {
          yield* echo(socket);
        } finally {
          now--;
        }
      }, { grace: 5000, limit: 2 });
    });
    const words = Array.from({ length: 12 }, (_, i) => `word ${i}`);
    const asked = words.map((word) => ask(port, word));
    const answers = spawn(async function* () {
      return yield* all(asked);
    });
    yield* sleep(5);
    server.cancel();
    assertEquals(yield* answers.get(), words);
    yield* server.join();
    assertEquals(most, 2);
  });
});

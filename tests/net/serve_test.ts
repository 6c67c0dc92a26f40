/** The end of a server: nobody in line is cut off, nothing is left. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  all,
  connect,
  GroupError,
  listen,
  type Listener,
  run,
  serve,
  sleep,
  type Socket,
  spawn,
} from "@weft/weft";
import { law } from "../lib/law.ts";

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

law("A handler that fails ends the server with a GroupError, and its connections", async () => {
  await run(async function* () {
    const listener = open();
    const server = spawn(async function* () {
      yield* serve(listener, function* (): Generator<unknown, void, never> {
        throw new Error("handler");
      }, { grace: 5000 });
    });
    using _socket = yield* connect({ hostname: "127.0.0.1", port: listener.localAddr.port });
    let error: unknown;
    try {
      yield* server.join();
    } catch (caught) {
      error = caught;
    }
    assert(error instanceof GroupError);
    assertEquals(error.errors.map(String), ["Error: handler"]);
    assert(listener.closed);
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
      args: ["-c", 'ulimit -n 64 && exec "$@"', "sh", ...deno],
      env: { NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals({ out, err }, { out: "waiting\nwelcome\n", err: "" });
  },
});

law("serve() with maxConnections leaves who is too many in line, also at its end", async () => {
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
      }, { grace: 5000, maxConnections: 2 });
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

/** What holds for a DatagramServer in each of its four engines. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  bindDatagram,
  ClosedError,
  DatagramServer,
  type DatagramServerOptions,
  type DatagramSocket,
  moveOnAfter,
  type Operation,
  run,
  sleep,
  type UdpAddress,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { decode, encode, errorOf, start } from "../lib/sockets.ts";
import { answer, datagramServerOf, same, Steps } from "./fixtures/datagram_handlers.ts";
import { ENGINES } from "./fixtures/stream_handlers.ts";

type Engine = (typeof ENGINES)[number];

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

interface Talk {
  readonly server: DatagramServer;
  readonly socket: DatagramSocket<UdpAddress>;
  readonly say: (word: string) => Operation<number>;
  readonly hear: () => AsyncGenerator<unknown, string, unknown>;
}

/** Runs `body` with a client of a server that serves. */
async function* during(
  handler: Parameters<typeof datagramServerOf>[0],
  options: DatagramServerOptions,
  body: (talk: Talk) => AsyncGenerator<unknown, void, unknown>,
) {
  const server = datagramServerOf(handler, options);
  const serving = start(server.serveForever());
  const to = (yield* server.ready()) as UdpAddress;
  using socket = bindDatagram({ hostname: "127.0.0.1", timeout: 10_000 });
  yield* body({
    server,
    socket,
    say: (word) => socket.sendTo(encode(word), to),
    async *hear() {
      const [data] = yield* socket.recvFrom();
      return decode(data);
    },
  });
  yield* server.shutdown({ grace: 1000 });
  yield* serving.get();
}

lawInEachEngine(
  "Each datagram is answered, the empty one too, and knows its sender",
  async function* (engine) {
    yield* during(answer, { engine }, async function* ({ server, socket, say, hear }) {
      for (const word of ["hello", "", "x".repeat(60_000)]) {
        yield* say(word);
        assertEquals(yield* hear(), word.toUpperCase());
      }
      yield* say("port");
      assertEquals(yield* hear(), String(socket.localAddr.port));
      yield* say("twice");
      assertEquals([yield* hear(), yield* hear()], ["one", "two"]);
      yield* say("never");
      assertEquals(yield* moveOnAfter(30, socket.recvFrom()), undefined);
      assertEquals(server.statistics().completed, 6);
    });
  },
);

lawInEachEngine(
  "A failure is reported with the sender, and the server goes on",
  async function* (engine) {
    const heard: string[] = [];
    const onError = (error: unknown, peer: Deno.Addr | undefined) => {
      assertInstanceOf(error, Error);
      heard.push(`${error.message.slice(0, 18)} ${(peer as Deno.NetAddr).port}`);
    };
    yield* during(answer, { engine, onError }, async function* ({ server, socket, say, hear }) {
      for (const word of ["fail now", "wrong", "long"]) yield* say(word);
      yield* say("still there");
      assertEquals(yield* hear(), "STILL THERE");
      while (server.statistics().active > 0) yield* sleep(2);
      const { port } = socket.localAddr;
      assertEquals(heard[0], `told to fail: now ${port}`);
      assertEquals([heard.length, server.statistics().failed], [3, 3]);
    });
  },
);

lawInEachEngine("A handler may be a plain function or a class", async function* (engine) {
  yield* during(same, { engine }, async function* ({ say, hear }) {
    yield* say("as it is");
    assertEquals(yield* hear(), "as it is");
  });
  yield* during(Steps, { engine }, async function* ({ say, hear }) {
    yield* say("x");
    assertEquals(yield* hear(), "setup handle x");
  });
});

lawInEachEngine(
  "shutdown() answers what has arrived, and cuts off what takes too long",
  async function* (engine) {
    const server = datagramServerOf(answer, { engine });
    const serving = start(server.serveForever());
    const to = (yield* server.ready()) as UdpAddress;
    using socket = bindDatagram({ hostname: "127.0.0.1", timeout: 10_000 });
    const words = Array.from({ length: 20 }, (_, i) => `WORD ${i}`);
    for (const word of words) yield* socket.sendTo(encode(word), to);
    server.shutdown({ grace: 5000 });
    const got = new Set<string>();
    while (got.size < words.length) got.add(decode((yield* socket.recvFrom())[0]));
    assertEquals([...got].sort(), words.toSorted());
    yield* serving.get();
    assertInstanceOf(yield* errorOf(server.serveForever()), ClosedError);

    yield* during(answer, { engine }, async function* ({ server, say }) {
      yield* say("wait 60000");
      while (server.statistics().active === 0) yield* sleep(2);
      yield* server.shutdown({ grace: 50 });
      assertEquals(server.statistics().cancelled, 1);
    });
  },
);

lawInEachEngine(
  "handlerTimeout ends what takes too long; maxRequests bounds what goes on at a time",
  async function* (engine) {
    const options = { engine, handlerTimeout: 500, maxRequests: 1 };
    yield* during(answer, options, async function* ({ server, say, hear }) {
      yield* say("wait 60000");
      // On a busy machine the next one may take too long as well.
      let heard: string | undefined;
      while (heard === undefined) {
        yield* say("next");
        heard = yield* moveOnAfter(2000, hear());
      }
      assertEquals(heard, "NEXT");
      assert(server.statistics().timedOut >= 1);
    });
  },
);

law("A datagram server on a unix path answers those who have a path", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await run(async function* () {
      const path = `${folder}/server`;
      const server = new DatagramServer((data) => data, { transport: "unixpacket", path });
      const serving = start(server.serveForever());
      using nobody = bindDatagram({ transport: "unixpacket" });
      using socket = bindDatagram({ transport: "unixpacket", path: `${folder}/client` });
      yield* nobody.sendTo(encode("whoever"), { path });
      yield* socket.sendTo(encode("hello"), { path });
      assertEquals(decode((yield* socket.recvFrom())[0]), "hello");
      yield* server.shutdown();
      yield* serving.get();
      assertEquals(server.statistics().completed, 2);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

law("What a datagram server is made with is checked in the call", () => {
  assertThrows(() => new DatagramServer(undefined as unknown as typeof same), TypeError);
  assertThrows(() => new DatagramServer(same, { maxRequests: 0 }), RangeError);
  assertThrows(() => new DatagramServer(same, { engine: "thread" as "poll" }), TypeError);
  assertThrows(
    () => new DatagramServer((data) => data, { engine: "worker" }),
    TypeError,
    "handlers(import.meta",
  );
});

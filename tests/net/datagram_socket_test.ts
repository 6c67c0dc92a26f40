import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  bindDatagram,
  BrokenError,
  BusyError,
  bytesSent,
  ClosedError,
  type DatagramSocket,
  moveOnAfter,
  type Operation,
  run,
  sleep,
  spawn,
  TimeoutError,
  type UdpAddress,
  type UnixAddress,
  withTimeout,
  WouldBlock,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { decode, encode, errorOf, pattern, start } from "../lib/sockets.ts";

const udp = (): DatagramSocket<UdpAddress> => bindDatagram({ hostname: "127.0.0.1", port: 0 });

/** Runs a test with a folder for unix sockets. */
async function inFolder(body: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const unix = (path?: string): DatagramSocket<UnixAddress> =>
  bindDatagram({ transport: "unixpacket", ...(path === undefined ? {} : { path }) });

law(
  "DatagramSocket.recvFrom() keeps boundaries, cuts at n and drops the rest",
  () =>
    run(function* () {
      using a = udp();
      using b = udp();
      for (const text of ["hello", "world", "!"]) yield* a.sendTo(encode(text), b.localAddr);
      const [first, from] = yield* b.recvFrom(1);
      const [second] = yield* b.recvFrom(100);
      const [third] = yield* b.recvFrom(0);
      assertEquals([decode(first), decode(second), third.length], ["h", "world", 0]);
      assertEquals([from.hostname, from.port], ["127.0.0.1", a.localAddr.port]);
      assertEquals(yield* moveOnAfter(2, b.recvFrom()), undefined);
    }),
);

law("DatagramSocket carries empty datagrams and those of 65 507 bytes", () =>
  run(function* () {
    using a = udp();
    using b = udp();
    const lengths = [0, 65_507, 1, 0, 1472, 65_507];
    for (const length of lengths) {
      assertEquals(yield* a.sendTo(pattern(length), b.localAddr), length);
      const [data] = yield* b.recvFrom();
      assertEquals(data, pattern(length));
    }
  }));

law(
  "DatagramSocket.sendTo() throws Deno's error for a datagram that is too long",
  () =>
    run(function* () {
      using a = udp();
      const error = yield* errorOf(a.sendTo(new Uint8Array(65_508), a.localAddr));
      assertInstanceOf(error, Error);
      assertEquals((error as { code?: string }).code, "EMSGSIZE");
      assertEquals(yield* a.sendTo(encode("and goes on"), a.localAddr), 11);
    }),
);

law("DatagramSocket hands out datagrams that stay as they are", () =>
  run(function* () {
    using a = udp();
    using b = udp();
    const got: Uint8Array[] = [];
    for (let i = 0; i < 200; i++) {
      yield* a.sendTo(pattern(i * 7, i), b.localAddr);
      got.push((yield* b.recvFrom())[0]);
    }
    got.forEach((data, i) => assertEquals(data, pattern(i * 7, i)));
  }));

law(
  "DatagramSocket.recvFrom() that was cancelled leaves its datagram to the next",
  () =>
    run(function* () {
      using a = udp();
      using b = udp();
      assertEquals(yield* moveOnAfter(1, b.recvFrom()), undefined);
      yield* a.sendTo(encode("one"), b.localAddr);
      yield* a.sendTo(encode("two"), b.localAddr);
      yield* sleep(2);
      assertEquals(decode((yield* b.recvFrom())[0]), "one");
      assertEquals(decode((yield* b.recvFrom())[0]), "two");
    }),
);

law(
  "DatagramSocket.recvFrom() by two tasks at once is a BusyError for the second",
  () =>
    run(function* () {
      using a = udp();
      const first = start(errorOf(a.recvFrom()));
      yield;
      assertInstanceOf(yield* errorOf(a.recvFrom()), BusyError);
      assertThrows(() => a.tryRecvFrom(), BusyError);
      a.close();
      assertInstanceOf(yield* first.get(), ClosedError);
      assertInstanceOf(yield* errorOf(a.recvFrom()), ClosedError);
      assertInstanceOf(
        yield* errorOf(a.sendTo(encode("x"), { hostname: "::", port: 1 })),
        ClosedError,
      );
      assertThrows(() => a.tryRecvFrom(), ClosedError);
      assertThrows(() => a.trySendTo(encode("x"), a.localAddr), ClosedError);
    }),
);

law("DatagramSocket.tryRecvFrom() and trySendTo() never wait", () =>
  run(function* () {
    using a = udp();
    using b = udp();
    assertThrows(() => b.tryRecvFrom(10), WouldBlock);
    for (const text of ["one", "two"]) assertEquals(a.trySendTo(encode(text), b.localAddr), 3);
    const got: string[] = [];
    while (got.length < 2) {
      try {
        got.push(decode(b.tryRecvFrom()[0]));
      } catch (error) {
        assertInstanceOf(error, WouldBlock);
        yield* sleep(1);
      }
    }
    assertEquals(got, ["one", "two"]);
  }));

law("DatagramSocket.trySendTo() tells of a failure at the next send", () =>
  run(function* () {
    using a = udp();
    a.trySendTo(new Uint8Array(65_508), a.localAddr);
    yield* sleep(1);
    const error = yield* errorOf(a.sendTo(encode("x"), a.localAddr));
    assertInstanceOf(error, BrokenError);
    assertEquals((error.cause as { code?: string }).code, "EMSGSIZE");
    assertEquals(yield* a.sendTo(encode("x"), a.localAddr), 1);
  }));

law(
  "DatagramSocket.trySendTo() throws WouldBlock when too much waits to go out",
  () =>
    run(function* () {
      yield;
      using a = udp();
      using b = udp();
      const data = new Uint8Array(60_000);
      assertThrows(() => {
        for (let i = 0; i < 100; i++) a.trySendTo(data, b.localAddr);
      }, WouldBlock);
    }),
);

law("DatagramSocket.timeout ends a receive with TimeoutError", () =>
  run(function* () {
    using a = udp();
    a.timeout = 2;
    assertInstanceOf(yield* errorOf(a.recvFrom()), TimeoutError);
    yield* a.sendTo(encode("x"), a.localAddr);
    assertEquals(decode((yield* a.recvFrom())[0]), "x");
  }));

law(
  "DatagramSocket.close() frees its port at once, also with a receive under way",
  () =>
    run(function* () {
      let { port } = { port: 0 };
      for (let i = 0; i < 10; i++) {
        const socket = bindDatagram({ hostname: "127.0.0.1", port });
        port = socket.localAddr.port;
        yield* moveOnAfter(0, socket.recvFrom());
        yield* socket.close();
      }
    }),
);

law(
  "DatagramSocket receives what is sent to a multicast group, until it leaves",
  () =>
    run(function* () {
      using a = bindDatagram({ hostname: "0.0.0.0", port: 0, loopback: true, reuseAddress: true });
      const { port } = a.localAddr;
      const group = yield* a.joinMulticastV4("239.1.2.3", "127.0.0.1");
      yield* group.setLoopback(true);
      yield* group.setTTL(1);
      yield* a.sendTo(encode("to all"), { hostname: "239.1.2.3", port });
      const got = yield* moveOnAfter(500, a.recvFrom());
      if (got !== undefined) assertEquals(decode(got[0]), "to all"); // some machines route it nowhere
      yield* group.leave();
    }),
);

law("DatagramSocket may broadcast", () =>
  run(function* () {
    using a = bindDatagram({ port: 0 });
    yield* a.sendTo(encode("anybody?"), { hostname: "127.255.255.255", port: a.localAddr.port });
    assertEquals(decode((yield* a.recvFrom())[0]), "anybody?");
  }));

law(
  "Unix datagrams go both ways while each side waits to receive",
  () =>
    inFolder((folder) =>
      run(function* () {
        using a = unix(`${folder}/a`);
        using b = unix(`${folder}/b`);
        const heard: string[] = [];
        const listeners = [a, b].map((socket) =>
          spawn(function* () {
            for (let i = 0; i < 50; i++) heard.push(decode((yield* socket.recvFrom())[0]));
          })
        );
        yield;
        for (let i = 0; i < 50; i++) {
          yield* a.sendTo(encode(`a${i}`), b.localAddr);
          yield* b.sendTo(encode(`b${i}`), a.localAddr);
        }
        for (const listener of listeners) yield* listener.get();
        for (const who of ["a", "b"]) {
          const own = heard.filter((text) => text.startsWith(who));
          assertEquals(own, Array.from({ length: 50 }, (_, i) => `${who}${i}`));
        }
      })
    ),
);

law(
  "Unix datagrams are cut, may be empty, and name their sender",
  () =>
    inFolder((folder) =>
      run(function* () {
        using a = unix(`${folder}/a`);
        using nameless = unix();
        for (const text of ["hello", "", "world"]) {
          yield* nameless.sendTo(encode(text), a.localAddr);
        }
        const [first, from] = yield* a.recvFrom(2);
        const [second] = yield* a.recvFrom();
        assertEquals([decode(first), second.length, from.path], ["he", 0, null]);
        assertThrows(
          () => a.sendTo(encode("x"), from),
          TypeError,
          "path",
        );
        yield* a.sendTo(pattern(100_000), a.localAddr);
        assertEquals(decode((yield* a.recvFrom())[0]), "world");
        assertEquals((yield* a.recvFrom(200_000))[0], pattern(100_000));
      })
    ),
);

law("A unix datagram to nobody throws Deno's error", () =>
  inFolder((folder) =>
    run(function* () {
      using a = unix(`${folder}/a`);
      const error = yield* errorOf(a.sendTo(encode("x"), { path: `${folder}/nobody` }));
      assertInstanceOf(error, Deno.errors.NotFound);
      const gone = unix(`${folder}/gone`);
      const address = gone.localAddr;
      yield* gone.close();
      assertInstanceOf(yield* errorOf(a.sendTo(encode("x"), address)), Deno.errors.NotFound);
      using again = unix(`${folder}/gone`);
      assertEquals(yield* a.sendTo(encode("x"), again.localAddr), 1);
    })
  ));

law(
  "A unix datagram to a full receiver can be given up, and its error says that the host has it",
  () =>
    inFolder((folder) =>
      run(function* () {
        using a = unix(`${folder}/a`);
        using b = unix(`${folder}/b`);
        let sent = 0;
        const data = encode("fill");
        let error: unknown;
        while (error === undefined && sent < 10_000) {
          error = yield* errorOf(withTimeout(20, a.sendTo(data, b.localAddr)));
          if (error === undefined) sent++;
        }
        assertInstanceOf(error, TimeoutError);
        assertEquals(bytesSent(error), 4);
        const queued = start(errorOf(withTimeout(5, a.sendTo(data, b.localAddr))));
        assertEquals(bytesSent(yield* queued.get()), 0);
        for (let i = 0; i <= sent; i++) assertEquals(decode((yield* b.recvFrom())[0]), "fill");
        assertEquals(yield* moveOnAfter(5, b.recvFrom()), undefined);
        assertEquals(yield* a.sendTo(encode("free"), b.localAddr), 4);
      })
    ),
);

law("run() that leaves datagram sockets open ends with nothing left", async () => {
  await inFolder((folder) =>
    assertRejects(
      () =>
        run(function* () {
          const sockets = [udp(), unix(`${folder}/a`), unix(`${folder}/b`)];
          for (const socket of sockets) start(socket.recvFrom() as Operation<unknown>);
          yield* sleep(1);
          assert(!sockets[0]!.closed);
          throw new Error("through");
        }),
      Error,
      "through",
    )
  );
});

Deno.test({
  name: "a unix datagram socket can send again after it ran out of descriptors once",
  ignore: Deno.build.os === "windows",
  timeout: 20_000,
  async fn() {
    const fixture = new URL("./fixtures/unixpacket_emfile.ts", import.meta.url).pathname;
    const deno = [Deno.execPath(), "run", "--quiet", "--no-check", "-A", fixture];
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'ulimit -n 64 && exec "$@"', "sh", ...deno],
      env: { NO_COLOR: "1" },
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals({ out, err }, {
      out: "sendTo EMFILE\ntrySendTo EMFILE\nlater\nanswer\n",
      err: "",
    });
  },
});

law(
  "a unix datagram socket whose path is another's by now says so, and wakes nobody else",
  () =>
    inFolder((folder) =>
      run(function* () {
        using a = unix(`${folder}/a`);
        using to = unix(`${folder}/to`);
        const receiving = start(errorOf(a.recvFrom()));
        yield* sleep(1);
        Deno.removeSync(`${folder}/a`);
        using other = unix(`${folder}/a`);
        assertInstanceOf(yield* errorOf(a.sendTo(encode("x"), to.localAddr)), Error);
        assertThrows(() => other.tryRecvFrom(), WouldBlock);
        yield* sleep(2);
        assertThrows(() => other.tryRecvFrom(), WouldBlock);
        a.close();
        assertInstanceOf(yield* receiving.get(), ClosedError);
      })
    ),
);

law(
  "a unix datagram socket without a path sends while somebody waits for it to receive",
  () =>
    inFolder((folder) =>
      run(function* () {
        using a = unix();
        using to = unix(`${folder}/to`);
        const receiving = start(errorOf(a.recvFrom()));
        yield;
        yield* a.sendTo(encode("x"), to.localAddr);
        assertEquals(decode((yield* to.recvFrom())[0]), "x");
        a.close();
        assertInstanceOf(yield* receiving.get(), ClosedError);
      })
    ),
);

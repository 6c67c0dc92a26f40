import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Cancelled, connect, DeadlockError, run, sleep, type Socket, spawn } from "@weft/weft";
import { SystemClock } from "@weft/weft/lowlevel";
import { sweepCancel } from "@weft/weft/testing";
import { Event } from "../../src/sync/event.ts";
import { monitor } from "../../src/trace/monitor.ts";
import { law } from "../lib/law.ts";
import { lawWith } from "../lib/programs.ts";
import { decode, encode, resettable, seeded } from "../lib/sockets.ts";

/** Reads to the end of the stream. */
function* readAll(socket: Socket): Generator<unknown, string, unknown> {
  let text = "";
  for (;;) {
    const bytes = yield* socket.recv();
    if (bytes.length === 0) return text;
    text += decode(bytes);
  }
}

/** Reads up to the empty line that ends an answer. */
function* readAnswer(socket: Socket): Generator<unknown, string, unknown> {
  let text = "";
  while (!text.endsWith("\n\n")) text += decode(yield* socket.recv(1));
  return text;
}

law("monitor() answers over TCP, one answer a line, until quit", async () => {
  await run(function* () {
    using m = monitor({ port: 0 });
    const task = spawn(function* victim() {
      yield* sleep(Infinity);
    });
    using client = yield* connect({ port: m.localAddr.port });
    assertMatch(yield* readAnswer(client), /^weft monitor/);
    yield* client.sendAll(encode("ps\r\nnonsense\nca"));
    assertMatch(yield* readAnswer(client), /^ID .*\n1 .*main.*\n2 +waiting +1 +victim#2 .*\n\n$/);
    assertMatch(yield* readAnswer(client), /^Cannot do "nonsense"/);
    yield* client.sendAll(encode("ncel 2\nquit\nps\n"));
    assertEquals(yield* readAll(client), "cancelled victim#2 (id 2)\n\nbye\n\n");
    yield* task.join();
    assert(task.cancelled);
    assertEquals(m.statistics(), { clients: 0, served: 1, refused: 0 });
  });
});

law("monitor() answers over a unix socket, and removes its file", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/monitor`;
  await run(function* () {
    monitor({ path });
    using client = yield* connect({ transport: "unix", path });
    yield* client.sendAll(encode("tree\nquit\n"));
    assertMatch(yield* readAll(client), /\n\nmain \(waiting on .*\)\n.*\n?\nbye\n\n$/);
  });
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  await Deno.remove(folder);
});

law("monitor() serves a client that half-closes after its last command", async () => {
  await run(function* () {
    using m = monitor({ port: 0 });
    using client = yield* connect({ port: m.localAddr.port });
    yield* client.sendAll(encode("locks\n"));
    client.closeWrite();
    assertMatch(yield* readAll(client), /\n\nnothing is held\n\n$/);
  });
});

lawWith(["python3"], "monitor() serves a program in another process", async () => {
  await run(async function* () {
    using m = monitor({ port: 0 });
    const { stdout } = await new Deno.Command("python3", {
      args: [
        "-c",
        [
          "import socket, sys",
          "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))",
          "f = s.makefile('rw')",
          "f.write('where 1\\nquit\\n'); f.flush()",
          "print(f.read())",
        ].join("\n"),
        String(m.localAddr.port),
      ],
    }).output();
    assertMatch(decode(stdout), /\nmain \(id 1\) is away\n[^]*bye/);
  });
});

law("A monitor neither keeps its run alive nor is part of it", async () => {
  let during = 0;
  await run(function* () {
    const m = monitor({ port: 0 });
    using client = yield* connect({ port: m.localAddr.port });
    yield* client.sendAll(encode("ps\nquit\n"));
    during = (yield* readAll(client)).split("\n").filter((line) => /^\d/.test(line)).length;
  });
  assertEquals(during, 1);
});

law("A client that cancels the main task gets its answer before the run ends", async () => {
  let client: Deno.TcpConn | undefined;
  let text = "";
  const reader = (async () => {
    while (client === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
    for await (const bytes of client.readable) text += decode(bytes);
  })();
  await assertRejects(
    () =>
      run(async function* () {
        const { port } = monitor().localAddr;
        client = await Deno.connect({ port });
        await client.write(encode("cancel 1\n"));
        yield* sleep(1e6);
      }),
    Cancelled,
    "monitor",
  );
  await reader;
  assertMatch(text, /\n\ncancelled main \(id 1\)\n\n$/);
});

law("A monitor hides no deadlock, not even with clients connected", async () => {
  await assertRejects(
    () =>
      run(function* () {
        const m = monitor({ port: 0 });
        const client = yield* connect({ port: m.localAddr.port });
        yield* readAnswer(client);
        yield* new Event().wait();
      }),
    DeadlockError,
  );
});

law("A monitor ends the sessions of its clients with the run", async () => {
  let client: Deno.TcpConn | undefined;
  await run(async function* () {
    const m = monitor({ port: 0 });
    client = await Deno.connect({ port: m.localAddr.port });
    await client.read(new Uint8Array(100));
  });
  assertEquals(await client!.read(new Uint8Array(100)), null);
  client!.close();
});

law("monitor() serves several clients at once, and turns away the ninth", async () => {
  await run(function* () {
    using m = monitor({ port: 0 });
    const clients: Socket[] = [];
    for (let i = 0; i < 8; i++) {
      const client = yield* connect({ port: m.localAddr.port });
      yield* readAnswer(client);
      clients.push(client);
    }
    using ninth = yield* connect({ port: m.localAddr.port });
    assertMatch(yield* readAll(ninth), /^Cannot serve: 8 others are here\n$/);
    for (const client of clients.toReversed()) {
      yield* client.sendAll(encode("quit\n"));
      assertEquals(yield* readAll(client), "bye\n\n");
    }
    assertEquals(m.statistics(), { clients: 0, served: 8, refused: 1 });
    using again = yield* connect({ port: m.localAddr.port });
    assertMatch(yield* readAnswer(again), /^weft/);
  });
});

law("A client of the monitor that never reads hurts neither the others nor the run", async () => {
  await run(async function* () {
    await using m = monitor({ port: 0 });
    for (let i = 0; i < 500; i++) {
      spawn(function* () {
        yield* sleep(Infinity);
      }).daemon = true;
    }
    using deaf = yield* connect({ port: m.localAddr.port });
    deaf.timeout = 200;
    try {
      for (;;) yield* deaf.sendAll(encode("ps\n".repeat(1000)));
    } catch {
      // Its commands are not read any more, since its answers are not.
    }
    using other = yield* connect({ port: m.localAddr.port });
    yield* other.sendAll(encode("where 1\nquit\n"));
    assertMatch(yield* readAll(other), /main \(id 1\) is/);
  });
});

law("A line that is too long ends the session with a word on why", async () => {
  await run(function* () {
    using m = monitor({ port: 0 });
    for (const text of ["x".repeat(300), `${"x".repeat(257)}\nps\n`]) {
      using client = yield* connect({ port: m.localAddr.port });
      yield* client.sendAll(encode(text));
      assertMatch(yield* readAll(client), /\n\nCannot read on: a line has at most 256 bytes\n$/);
    }
  });
});

law("A web page cannot post commands to a monitor", async () => {
  await run(function* () {
    using m = monitor({ port: 0 });
    const task = spawn(function* () {
      yield* sleep(20);
    });
    using client = yield* connect({ port: m.localAddr.port });
    yield* client.sendAll(
      encode("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\ncancel 2\n"),
    );
    assertMatch(yield* readAll(client), /Cannot speak HTTP\n$/);
    yield* task.join();
    assert(task.successful);
  });
});

law("A monitor survives garbage, resets and early goodbyes", async () => {
  await run(async function* () {
    using m = monitor({ port: 0 });
    const { port } = m.localAddr;
    const below = seeded(11);
    for (let i = 0; i < 60; i++) {
      const socket = await resettable(port);
      socket.on("error", () => {});
      const bytes = Uint8Array.from({ length: below(400) }, () => below(4) === 0 ? 10 : below(256));
      // Not by chance: these bytes are no command that would cancel anybody.
      socket.write(bytes);
      if (below(2) === 0) await new Promise((resolve) => setTimeout(resolve, below(3)));
      if (below(2) === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    // The sessions of those who have gone end when they are read.
    while (m.statistics().clients > 0) yield* sleep(1);
    using client = yield* connect({ port: m.localAddr.port });
    yield* client.sendAll(encode("locks\nquit\n"));
    assertMatch(yield* readAll(client), /nothing is held\n\nbye\n\n$/);
  });
});

law(
  "10 000 garbled messages to the monitor leave the run and the other clients alone",
  () =>
    run(function* () {
      using m = monitor();
      const below = seeded(12);
      const words = [
        "ps",
        "where",
        "cancel",
        "tree",
        "locks",
        "99",
        "1e9",
        "-1",
        " ",
        "\0",
        "\xff",
      ];
      for (let round = 0; round < 20; round++) {
        using client = yield* connect({ port: m.localAddr.port });
        const drain = spawn(function* () {
          while ((yield* client.recv()).length > 0);
        });
        for (let i = 0; i < 500; i++) {
          let line = "";
          for (let n = below(5); n > 0; n--) line += words[below(words.length)]!;
          if (/cancel\s*1\b/.test(line)) continue;
          yield* client.sendAll(encode(`${line}${String.fromCharCode(below(0xffff))}\n`));
        }
        yield* client.sendAll(encode("quit\n"));
        yield* drain.join();
      }
      using client = yield* connect({ port: m.localAddr.port });
      yield* client.sendAll(encode("locks\nquit\n"));
      assertMatch(yield* readAll(client), /nothing is held\n\nbye\n\n$/);
    }, { warn: () => {} }),
);

law("A task that is cancelled with its monitor open leaves nothing behind", async () => {
  await sweepCancel(function* () {
    using m = monitor();
    using client = yield* connect({ port: m.localAddr.port });
    yield* readAnswer(client);
    yield* sleep(1);
  }, { clock: () => new SystemClock() });
});

law("monitor() listens on the loopback interface and nowhere else", async () => {
  await run(function* () {
    for (
      const hostname of [
        "0.0.0.0",
        "::",
        "example.org",
        "10.0.0.1",
        "127.0.0.1.example.org",
        "",
        "127.0.0.999",
        "127.0.0.256",
        "127.0.0.010",
        "127.0.0.00",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.1",
        "127.0.0.1.",
        "127.0.0.1 ",
        " 127.0.0.1",
        "127.0.0.1\n",
        "127.0.0.1%0",
        "2130706433",
        "LOCALHOST",
        "localhost.",
        "::2",
        "::1%lo",
        "[::1]",
        "::1]/x[",
        "::ffff:10.0.0.1",
        "1:::1",
        null,
        5,
        ["127.0.0.1"],
      ] as string[]
    ) {
      assertThrows(() => monitor({ port: 0, hostname }), TypeError, "Cannot open a monitor on");
    }
    for (const hostname of ["127.0.0.1", "127.255.0.99", "::1", "0:0:0:0:0:0:0:1", "::0001"]) {
      using m = monitor({ hostname });
      assert(m.localAddr.port > 0);
    }
    using m = monitor({ port: 0, hostname: "localhost" });
    assertEquals(m.localAddr.hostname, "127.0.0.1");
    assertThrows(() => monitor({ port: 99_999 }), RangeError);
    yield* m.close();
    yield* m.close();
  });
  assertThrows(() => monitor({ port: 0 }), Error, "Cannot open a monitor: no task is running");
});

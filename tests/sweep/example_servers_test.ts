/** The echo servers as processes: how they start, how they stop, what they refuse; and the client. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { law } from "../lib/law.ts";
import { runExample, Server } from "../examples/example.ts";
import { lawsOfStopping, refusesAll } from "../examples/server_laws.ts";

// Each engine with one of the signals here, with each in the sweep.
lawsOfStopping([
  ["sequential", "SIGINT"],
  ["coroutine", "SIGTERM"],
  ["poll", "SIGINT"],
  ["worker", "SIGTERM"],
]);

law(
  "Echo servers and the client refuse bad arguments with one line and exit code 2",
  () =>
    refusesAll([
      ["echo_tcp", "--engine", "steam"],
      ["echo_tcp", "--port", "65536"],
      ["echo_tcp", "--port", "0", "--hostname", "no.such.host.invalid"],
      ["echo_tcp", "--engine", "worker", "--workers", "0"],
      ["echo_unix", "--path", "/no/such/folder/echo"],
      ["client", "--transport", "pigeon"],
    ]),
  60_000,
);

law("An echo server frees its port when it has stopped", async () => {
  const first = await Server.start("echo_tcp", "--port", "0");
  const port = String(first.port);
  const second = await runExample("echo_tcp", ["--port", port]);
  assertEquals({ code: second.code, out: second.out }, { code: 2, out: "" });
  assertMatch(second.err, /^Cannot listen on 127\.0\.0\.1:\d+: .*\n$/);
  await first.stop();
  await using third = await Server.start("echo_tcp", "--port", port);
  assertEquals(String(third.port), port);
});

law("An echo server binds to --hostname", async () => {
  await using server = await Server.start("echo_tcp", "--port", "0", "--hostname", "127.0.0.2");
  assertMatch(server.where, /^127\.0\.0\.2:\d+$/);
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port: server.port }),
    Deno.errors.ConnectionRefused,
  );
  using conn = await Deno.connect({ hostname: "127.0.0.2", port: server.port });
  await conn.write(new TextEncoder().encode("x"));
});

law(
  "The client sends a last line without a newline, empty lines, and a line of 3 MiB",
  async () => {
    await using server = await Server.start("echo_tcp", "--port", "0");
    const long = "x".repeat(3 << 20);
    const input = `a\n\n${long}\nlast`;
    const { code, out, err } = await runExample("client", ["--port", String(server.port)], {
      input,
    });
    assertEquals({ code, err }, { code: 0, err: "" });
    assertEquals(out === `${input.toUpperCase()}\n`, true);
  },
);

law("The client says in one line that nobody is there", async () => {
  const server = await Server.start("echo_tcp", "--port", "0");
  await server.stop();
  const gone = await runExample("client", ["--port", String(server.port)], { input: "a\n" });
  assertEquals({ code: gone.code, out: gone.out }, { code: 1, out: "" });
  assertMatch(gone.err, /^Cannot connect to 127\.0\.0\.1:\d+: .*\n$/);
});

law("The client gives a lost datagram up, and goes on with the next line", async () => {
  const deaf = Deno.listenDatagram({ hostname: "127.0.0.1", port: 0, transport: "udp" });
  const { port } = deaf.addr as Deno.NetAddr;
  const talking = runExample("client", ["--transport", "udp", "--port", String(port)], {
    input: "one\ntwo\n",
  });
  await deaf.receive();
  const [data, from] = await deaf.receive();
  await deaf.send(data, from);
  deaf.close();
  const { code, out, err } = await talking;
  assertEquals({ code, out, err }, { code: 1, out: "two\n", err: "No reply within 2000 ms\n" });
});

for (const engine of ["coroutine", "worker"]) {
  law(
    `fib_server --engine ${engine} answers numbers, refuses the rest, and stops on SIGTERM`,
    async () => {
      await using server = await Server.start("fib_server", "--port", "0", "--engine", engine);
      const address = ["--transport", "tcp", "--port", String(server.port)];
      const said = await runExample("client", address, { input: "10\nfoo\n99999999999\n20\n" });
      assertEquals({ code: said.code, err: said.err }, { code: 0, err: "" });
      assertMatch(said.out, /^55\nerror: "foo" .*\nerror: "99999999999" .*\n6765\n$/);
      const { code, out, err } = await server.stop();
      assertEquals({ code, out, err }, { code: 0, out: `listening on ${server.where}\n`, err: "" });
    },
  );
}

law("fib_server answers a line without an end, and goes on with other clients", async () => {
  await using server = await Server.start("fib_server", "--port", "0");
  const dial = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
  using rude = await dial();
  await rude.write(new Uint8Array(2000).fill(0x31));
  using polite = await dial();
  await polite.write(new TextEncoder().encode("10\n"));
  const said = async (conn: Deno.Conn) => {
    const buffer = new Uint8Array(100);
    return new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer)) ?? 0));
  };
  assertMatch(await said(rude), /^error: "1{20}" .*\n$/);
  assertEquals(await said(rude), "");
  assertEquals(await said(polite), "55\n");
});

law("fib_server on workers stops while it computes", async () => {
  await using server = await Server.start("fib_server", "--port", "0", "--engine", "worker");
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(new TextEncoder().encode("10\n42\n"));
  await conn.read(new Uint8Array(10));
  const { code, err } = await server.stop();
  assertEquals({ code, err }, { code: 0, err: "" });
});

law("fib_server tests itself on both engines: the scheduler stalls the quick one", async () => {
  const { out } = await runExample("fib_server");
  const took = (engine: string, n: number): number =>
    Number(new RegExp(`^${engine}: fib\\(${n}\\) = \\d+ after (\\d+) ms$`, "m").exec(out)![1]);
  assert(took("coroutine", 10) > took("coroutine", 37) / 2, out);
  assert(took("worker", 10) < took("worker", 37), out);
});

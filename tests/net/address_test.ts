/** Names of hosts and services, and connecting to a name with several addresses. */
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { connect, hostName, listen, lookup, run, serviceByName, TimeoutError } from "@weft/weft";
import { law } from "../lib/law.ts";
import { errorOf } from "../lib/sockets.ts";
import { runProgram } from "../lib/child.ts";

law(
  "lookup() gives localhost an address of each family, and an address itself",
  () =>
    run(function* () {
      assertEquals(yield* lookup("localhost"), ["127.0.0.1", "::1"]);
      assertEquals(yield* lookup("LOCALHOST"), ["127.0.0.1", "::1"]);
      assertEquals(yield* lookup("127.0.0.2"), ["127.0.0.2"]);
      assertEquals(yield* lookup("::1"), ["::1"]);
      assertThrows(() => lookup(""), TypeError);
      assertThrows(() => lookup(7 as never), TypeError);
    }),
);

law("lookup() gives each caller an array of its own", () =>
  run(async function* () {
    (yield* lookup("localhost")).length = 0;
    assertEquals((yield* lookup("localhost")).length, 2);
  }));

law("hostName() is the system's", () => assertEquals(hostName(), Deno.hostname()));

law("serviceByName() knows ports by protocol, and says what there is not", () => {
  assertEquals(serviceByName("http"), 80);
  assertEquals(serviceByName("https", "tcp"), 443);
  assertEquals(serviceByName("domain", "udp"), 53);
  assertThrows(() => serviceByName("no such service"), Deno.errors.NotFound, `"no such service"`);
  assertThrows(() => serviceByName("toString"), Deno.errors.NotFound);
  assertThrows(() => serviceByName("http", "sctp" as never), TypeError);
});

law("serviceByName() works without any permission", async () => {
  const ended = await runProgram(
    `import { serviceByName } from "@weft/weft";
    console.log(serviceByName("ssh"), serviceByName("ntp", "udp"));`,
    15_000,
    ["--no-prompt"],
  );
  assertEquals(ended, { code: 0, stdout: "22 123", stderr: "" });
});

for (const hostname of ["127.0.0.1", "::1"]) {
  law(`connect() to localhost finds a listener on ${hostname} only`, () =>
    run(function* () {
      using listener = listen({ hostname, port: 0 });
      const { port } = listener.localAddr;
      using socket = yield* connect({ hostname: "localhost", port });
      assertEquals(socket.remoteAddr.hostname, hostname);
      (yield* listener.accept()).close();
    }));
}

law(
  "connect() to localhost where nobody listens throws Deno's error, once all have failed",
  () =>
    run(function* () {
      const listener = listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = listener.localAddr;
      yield* listener.close();
      const error = yield* errorOf(connect({ hostname: "localhost", port }));
      assertInstanceOf(error, Deno.errors.ConnectionRefused);
    }),
);

law("connect() to localhost works for who may connect to that name only", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ended = await runProgram(
    `import { connect, run } from "@weft/weft";
    await run(function* () {
      using socket = yield* connect({ hostname: "localhost", port: ${listener.addr.port} });
      console.log(socket.remoteAddr.hostname);
    });`,
    15_000,
    ["--no-prompt", "--allow-net=localhost"],
  );
  assertEquals(ended, { code: 0, stdout: "127.0.0.1", stderr: "" });
  (await listener.accept()).close();
});

law(
  "connect() to a name goes on to the next address when the first one does not answer",
  () =>
    run(function* () {
      const silent = listen({ hostname: "127.0.0.1", port: 0, backlog: 1 });
      const { port } = silent.localAddr;
      let error: unknown;
      do { // until its line is full
        error = yield* errorOf(connect({ hostname: "127.0.0.1", port, timeout: 50 }));
      } while (!(error instanceof TimeoutError));
      const stopped = yield* errorOf(connect({ hostname: "localhost", port: port, timeout: 10 }));
      assertInstanceOf(stopped, TimeoutError);
      using other = listen({ hostname: "::1", port });
      using socket = yield* connect({ hostname: "localhost", port, timeout: 5000 });
      assertEquals(socket.remoteAddr.hostname, "::1");
      (yield* other.accept()).close();
      yield* silent.close();
    }),
);

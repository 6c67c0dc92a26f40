/** `examples/lib/http` as a library: handlers of both lanes, bodies made as they go, and who leaves. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { race, run, sleep, spawn, wait, type Work } from "@weft/weft";
import type { Handler } from "../../examples/lib/http/connection.ts";
import { parseHttpDate } from "../../examples/lib/http/http_date.ts";
import type { BodyWriter } from "../../examples/lib/http/reply.ts";
import { HttpServer, type HttpServerOptions } from "../../examples/lib/http/server.ts";
import { law } from "../lib/law.ts";
import { encode } from "../lib/sockets.ts";
import { RawClient } from "./http_client.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Serves by `handler` as long as `test` runs; gives what was reported. */
async function serving(
  handler: Handler,
  test: (port: number, server: HttpServer) => Promise<void>,
  options: HttpServerOptions = {},
): Promise<string[]> {
  const reports: string[] = [];
  await run(async function* () {
    const report = (_: string, error: unknown) => void reports.push(String(error));
    const server = new HttpServer(handler, { report, ...options });
    const task = spawn(async function* () {
      yield* server.serveForever();
    });
    try {
      yield* wait(test(server.address.port, server));
    } finally {
      yield* task.cancel();
    }
  });
  return reports;
}

law("HttpServer takes handlers of both lanes, promises and operations", async () => {
  const handlers: Handler[] = [
    function* () {
      return { body: "x" };
    },
    async function* () {
      yield* sleep(1);
      return { body: "x" };
    } as () => Work<{ body: string }>,
    () => Promise.resolve({ body: "x" }),
  ];
  for (const handler of handlers) {
    await serving(handler, async (port) => {
      using client = await RawClient.dial(port);
      await client.send(GET + GET);
      assertEquals((await client.answer())?.body, "x");
      assertEquals((await client.answer())?.body, "x");
    });
  }
});

law(
  "HttpServer sends a body of unknown length in chunks, and to HTTP/1.0 until the end",
  async () => {
    const handler: Handler = function* () {
      return {
        body: {
          async *write(out: BodyWriter) {
            for (const part of ["one", "", "two"]) yield* out.write(encode(part));
          },
        },
      };
    };
    await serving(handler, async (port) => {
      using client = await RawClient.dial(port);
      await client.send(GET);
      assertEquals((await client.answer())?.fields["transfer-encoding"], "chunked");
      assertEquals(await client.take(21), "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
      await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      assertEquals((await client.answer())?.fields.connection, "close");
      assertEquals(await client.rest(), "onetwo");
    });
  },
);

law("HttpRequest.left() ends when the client leaves, and when the server stops", async () => {
  let ends = 0;
  const handler: Handler = (request) =>
    Promise.resolve({
      fields: { "Content-Type": "text/event-stream" },
      body: {
        *write(out: BodyWriter) {
          yield* race([request.left(), function* () {
            for (;;) {
              yield* out.write(encode("data: tick\n\n"));
              yield* sleep(10);
            }
          }]);
          ends++;
        },
      },
    });
  const reports = await serving(handler, async (port) => {
    {
      using client = await RawClient.dial(port);
      await client.send(GET);
      await client.answer();
      await client.take(40);
    }
    for (; ends === 0; await new Promise((resolve) => setTimeout(resolve, 5)));
    using client = await RawClient.dial(port);
    await client.send(GET);
    await client.answer();
  });
  assertEquals([ends, reports], [2, []]);
});

law(
  "HttpServer cuts what has not ended when the grace is over, and finishes the rest",
  async () => {
    const handler: Handler = function* (request) {
      yield* sleep(request.path === "/slow" ? 60_000 : 150);
      return { body: "x" };
    };
    const answers: Promise<unknown>[] = [];
    await serving(handler, async (port) => {
      for (const path of ["/slow", "/quick"]) {
        const client = await RawClient.dial(port);
        await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const answer = client.answer().then((one) => one?.body ?? null);
        answers.push(answer.finally(() => client[Symbol.dispose]()));
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }, { grace: 400 });
    assertEquals(await Promise.all(answers), [null, "x"]);
  },
);

law("HttpServer cuts an answer that is not what was said, and does not split one", async () => {
  const handler: Handler = (request) => {
    const body = (text: string) => ({
      length: 5,
      *write(out: BodyWriter) {
        yield* out.write(encode(text));
      },
    });
    if (request.path === "/short") return Promise.resolve({ body: body("abc") });
    if (request.path === "/long") return Promise.resolve({ body: body("abcdefg") });
    return Promise.resolve({ fields: { "X-Name": request.query.get("q")! } });
  };
  const reports = await serving(handler, async (port) => {
    for (const path of ["/short", "/long", "/?q=a%0d%0aX-Evil:%20b"]) {
      using client = await RawClient.dial(port);
      await client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      const text = await client.rest();
      assert(!text.includes("X-Evil"), text);
      if (path.startsWith("/?")) assert(text.startsWith("HTTP/1.1 500 "), text);
      else assertLess(text.split("\r\n\r\n")[1]?.length ?? 0, 5);
    }
  });
  assertEquals(reports.length, 3);
  assertMatch(reports.join("\n"), /shorter[^]*longer[^]*a character too many/);
});

law("parseHttpDate() reads the three forms, and no date that there is not", () => {
  const time = Date.UTC(1994, 10, 6, 8, 49, 37);
  assertEquals(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  assertEquals(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), time);
  assertEquals(parseHttpDate("Sun Nov  6 08:49:37 1994"), time);
  for (const text of ["", "Sun, 31 Jun 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "0"]) {
    assertEquals(parseHttpDate(text), undefined);
  }
});

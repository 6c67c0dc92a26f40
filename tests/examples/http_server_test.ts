/** `http_server.ts` as a process: limits, silence, order, files, and its end. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { law } from "../lib/law.ts";
import { runExample, Server } from "./example.ts";
import { RawClient, statusOf } from "./http_client.ts";

const HOST = "Host: a\r\n";

/** A server that stops at the end of the test. */
function serverWith(...args: string[]): Promise<Server> {
  return Server.start("http_server", "--port", "0", ...args);
}

/** A folder to serve, with a file outside of it. */
async function withRoot(test: (root: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/root/sub`, { recursive: true });
    await Deno.writeTextFile(`${folder}/secret`, "secret");
    await Deno.writeTextFile(`${folder}/root/a.txt`, "0123456789");
    await Deno.writeTextFile(`${folder}/root/sub/index.html`, "<p>sub");
    await test(`${folder}/root`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A request, its length counted. */
function request(line: string, fields: string[] = [], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  return [`${line} HTTP/1.1`, "Host: a", ...fields, ...length, "", body].join("\r\n");
}

law("http_server answers pipelined requests in their order, and keeps the connection", async () => {
  await using server = await serverWith();
  using client = await RawClient.dial(server.port);
  const body = "GET /fail HTTP/1.1\r\n\r\n"; // a request inside a body is no request
  await client.send(
    request("GET /delay/100") + request("POST /echo", [], body) + request("HEAD /hello.txt") +
      request("GET /private") + request("GET /nowhere"),
  );
  assertEquals((await client.answer())?.body, "100 ms later\n");
  assertEquals((await client.answer())?.body, body);
  assertEquals((await client.answer("HEAD"))?.fields["content-length"], "14");
  assertEquals((await client.answer())?.fields["www-authenticate"], 'Basic realm="weft"');
  assertEquals((await client.answer())?.status, 404);
  const authorization = `Authorization: Basic ${btoa("weft:weft")}`;
  await client.send(request("GET /private", [authorization, "Connection: close"]));
  const last = await client.answer();
  assertEquals([last?.status, last?.fields.connection], [200, "close"]);
  assertEquals(await client.answer(), null);
});

law("http_server returns chunks for chunks, whatever way they come", async () => {
  await using server = await serverWith();
  using client = await RawClient.dial(server.port);
  const text = `POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
    "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n";
  for (const byte of text) await client.send(byte);
  assertEquals((await client.answer())?.fields["transfer-encoding"], "chunked");
  assertEquals(await client.take(16), "6\r\nhello!\r\n0\r\n\r\n");
  await client.send(`GET / HTTP/1.0\r\n\r\n`);
  assertEquals((await client.answer())?.fields.connection, "close");
  assertEquals(await client.answer(), null);
});

law(
  "http_server answers by the method: 204 with Allow, 405, 501, 500 without a stack",
  async () => {
    await using server = await serverWith();
    using client = await RawClient.dial(server.port);
    const table: [line: string, status: number, allow?: string][] = [
      ["OPTIONS *", 204, "GET, HEAD, POST, PUT, DELETE, OPTIONS"],
      ["OPTIONS /echo", 204, "POST, OPTIONS"],
      ["GET /echo", 405, "POST, OPTIONS"],
      ["PUT /x", 405, "GET, HEAD, OPTIONS"],
      ["POST /hello.txt", 405, "GET, HEAD, OPTIONS"],
      ["PATCH /", 501],
      ["get /", 501],
      ["CONNECT a:80", 501],
      ["GET /delay/x", 404],
      ["GET /fail", 500],
      ["GET /%2e%2e/etc/passwd", 404],
      ["GET /../etc/passwd", 404],
      ["GET /%zz", 400],
      ["GET /%00", 400],
      ["GET /", 200],
    ];
    for (const [line, status, allow] of table) {
      await client.send(request(line));
      const answer = await client.answer();
      assertEquals([answer?.status, answer?.fields.allow], [status, allow], line);
      if (status === 500) assertEquals(answer?.body, "500 Internal Server Error\n");
    }
    const { code, err } = await server.stop();
    assertEquals(code, 0);
    assertMatch(err, /^GET \/fail from 127\.0\.0\.1:\d+ failed: Error: \/fail does$/m);
  },
);

law("http_server waits with 100 Continue until the body is wanted", async () => {
  await using server = await serverWith("--max-body", "10");
  const expect = ["Expect: 100-continue"];
  const head = (line: string, length: number) =>
    request(line, [...expect, `Content-Length: ${length}`]);
  using client = await RawClient.dial(server.port);
  await client.send(head("POST /echo", 5));
  assertEquals((await client.answer())?.status, 100);
  await client.send("hello");
  assertEquals((await client.answer())?.body, "hello");
  for (const [line, length, status] of [["POST /echo", 11, 413], ["PUT /x", 5, 405]] as const) {
    using refused = await RawClient.dial(server.port);
    await refused.send(head(line, length));
    const answer = await refused.answer();
    assertEquals([answer?.status, answer?.fields.connection], [status, "close"]);
    assertEquals(await refused.answer(), null);
  }
});

law("http_server lets a client that is still sending read why it was refused", async () => {
  await using server = await serverWith("--max-body", "1000");
  using client = await RawClient.dial(server.port);
  const sending = client.send(request("POST /echo", [], "x".repeat(4 << 20)));
  const answer = await client.answer();
  assertEquals([answer?.status, answer?.fields.connection], [413, "close"]);
  await sending;
  await client.end();
  assertEquals(await client.answer(), null);
});

law("http_server counts the head's time from its first byte, however it drips", async () => {
  await using server = await serverWith("--header-timeout", "400");
  const began = performance.now();
  using silent = await RawClient.dial(server.port);
  using slow = await RawClient.dial(server.port);
  using kept = await RawClient.dial(server.port);
  using stalled = await RawClient.dial(server.port);
  await kept.send(request("GET /hello.txt"));
  assertEquals((await kept.answer())?.status, 200);
  await stalled.send(`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\nx`);
  const dripping = (async () => {
    for (const byte of `GET / HTTP/1.1\r\nX: ${"y".repeat(50)}`) {
      if (performance.now() - began > 700) return;
      await slow.send(byte);
      await delay(20);
    }
  })().catch(() => {});
  const answers = await Promise.all([slow.answer(), silent.answer(), stalled.answer()]);
  assertEquals(answers.map((answer) => answer?.status), [408, 408, 408]);
  assertEquals(answers.map((answer) => answer?.fields.connection), ["close", "close", "close"]);
  assert(performance.now() - began >= 390, "too early");
  assertEquals(await kept.answer(), null); // idle: nobody is owed an answer
  await dripping;
});

law("http_server tells those who are too many to come again, and then serves them", async () => {
  await using server = await serverWith("--max-connections", "2");
  const first = await RawClient.dial(server.port);
  using second = await RawClient.dial(server.port);
  for (const client of [first, second]) {
    await client.send(request("GET /hello.txt"));
    assertEquals((await client.answer())?.status, 200);
  }
  {
    using third = await RawClient.dial(server.port);
    await third.send(request("GET /hello.txt"));
    const answer = await third.answer();
    assertEquals([answer?.status, answer?.fields.connection], [503, "close"]);
    assertMatch(answer!.fields["retry-after"]!, /^\d+$/);
    assertEquals(await third.answer(), null);
  }
  first[Symbol.dispose]();
  for (let tries = 0; await statusOf(server.port, request("GET /hello.txt")) !== 200; tries++) {
    assertLess(tries, 100);
    await delay(20);
  }
});

law("http_server serves a folder and nothing outside of it", async () => {
  await withRoot(async (root) => {
    await Deno.symlink("../secret", `${root}/out`);
    await Deno.symlink("..", `${root}/up`);
    await Deno.symlink("a.txt", `${root}/in`);
    await Deno.symlink("loop", `${root}/loop`);
    await using server = await serverWith("--root", root);
    using client = await RawClient.dial(server.port);
    const table: [path: string, status: number][] = [
      ["/a.txt", 200],
      ["/%61.txt", 200],
      ["/in", 200],
      ["/sub/", 200],
      ["/sub", 301],
      ["/", 404],
      ["/a.txt/", 404],
      ["/out", 404],
      ["/up/secret", 404],
      ["/loop", 404],
      ["/../secret", 404],
      ["/sub/../../secret", 404],
      ["/%2e%2e/secret", 404],
      ["/sub/..%2f..%2fsecret", 400],
      ["/sub\\..\\..\\secret", 400],
      ["//a.txt", 404],
      ["/a.txt%00.html", 400],
      [`/${"x".repeat(300)}`, 404],
    ];
    for (const [path, status] of table) {
      await client.send(request(`GET ${path}`));
      assertEquals((await client.answer())?.status, status, path);
    }
    await client.send(request("GET /sub?q"));
    assertEquals((await client.answer())?.fields.location, "/sub/?q");
    for (const path of ["/out", "/up/new", "/%2e%2e/new", "/loop"]) {
      await client.send(request(`PUT ${path}`, [], "x"));
      assertEquals((await client.answer())?.status, 404, path);
      await client.send(request(`DELETE ${path}`));
      assertEquals((await client.answer())?.status, 404, path);
    }
    assertEquals(await Deno.readTextFile(`${root}/../secret`), "secret");
  });
});

law("http_server gives parts of a file, and says when nothing has changed", async () => {
  await withRoot(async (root) => {
    await using server = await serverWith("--root", root);
    using client = await RawClient.dial(server.port);
    const get = async (...fields: string[]) => {
      await client.send(request("GET /a.txt", fields));
      return (await client.answer())!;
    };
    const { etag, "last-modified": modified } = (await get()).fields;
    const table: [field: string, status: number, body?: string, range?: string][] = [
      ["Range: bytes=2-4", 206, "234", "bytes 2-4/10"],
      ["Range: bytes=7-", 206, "789", "bytes 7-9/10"],
      ["Range: bytes=-3", 206, "789", "bytes 7-9/10"],
      ["Range: bytes=0-99", 206, "0123456789", "bytes 0-9/10"],
      ["Range: bytes=10-", 416, "416 It is not that long\n", "bytes */10"],
      ["Range: bytes=-0", 416, "416 It is not that long\n", "bytes */10"],
      ["Range: bytes=4-2", 200, "0123456789"],
      ["Range: bytes=0-1,4-5", 200, "0123456789"],
      ["Range: lines=0-1", 200, "0123456789"],
      [`If-None-Match: ${etag}`, 304],
      [`If-None-Match: "x", W/${etag}`, 304],
      ["If-None-Match: *", 304],
      ['If-None-Match: "x"', 200],
      [`If-Modified-Since: ${modified}`, 304],
      ["If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200],
      ["If-Modified-Since: Sun Nov  6 08:49:37 1994", 200],
      ["If-Modified-Since: yesterday", 200],
      ['If-Match: "x"', 412],
      [`If-Match: ${etag}`, 200],
      ["If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 412],
    ];
    for (const [field, status, body, range] of table) {
      const answer = await get(field);
      assertEquals([answer.status, answer.fields["content-range"]], [status, range], field);
      if (body !== undefined) assertEquals(answer.body, body, field);
    }
    assertEquals((await get("Range: bytes=0-0", `If-Range: ${etag}`)).status, 206);
    assertEquals((await get("Range: bytes=0-0", `If-Range: ${modified}`)).status, 206);
    assertEquals((await get("Range: bytes=0-0", 'If-Range: "x"')).status, 200);
    assertEquals((await get('If-None-Match: "x"', `If-Modified-Since: ${modified}`)).status, 200);
  });
});

law("http_server takes a file whole or not at all", async () => {
  await withRoot(async (root) => {
    await using server = await serverWith("--root", root);
    using client = await RawClient.dial(server.port);
    const put = async (path: string, body: string, ...fields: string[]) => {
      await client.send(request(`PUT ${path}`, fields, body));
      return (await client.answer())!;
    };
    const made = await put("/new", "one");
    assertEquals([made.status, made.fields.location], [201, "/new"]);
    assertEquals((await put("/new", "two", `If-Match: ${made.fields.etag}`)).status, 204);
    assertEquals((await put("/new", "three", `If-Match: ${made.fields.etag}`)).status, 412);
    assertEquals((await put("/new", "three", "If-None-Match: *")).status, 412);
    assertEquals((await put("/missing/new", "x")).status, 404);
    assertEquals((await put("/sub", "x")).status, 409);
    assertEquals((await put("/part", "x", "Content-Range: bytes 0-0/2")).status, 400);
    {
      using cut = await RawClient.dial(server.port);
      await cut.send(`PUT /new HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`);
      await cut.end();
      assertEquals(await cut.answer(), null);
    }
    assertEquals(await Deno.readTextFile(`${root}/new`), "two");
    await client.send(request("DELETE /new") + request("DELETE /new") + request("DELETE /sub"));
    assertEquals((await client.answer())?.status, 204);
    assertEquals((await client.answer())?.status, 404);
    assertEquals((await client.answer())?.status, 409);
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["a.txt", "sub"]);
  });
});

law("http_server finishes what has begun on SIGTERM, and lets nobody new in", async () => {
  await using server = await serverWith();
  using idle = await RawClient.dial(server.port);
  await idle.send(request("GET /hello.txt"));
  await idle.answer();
  using busy = await RawClient.dial(server.port);
  await busy.send(request("GET /delay/1000") + request("GET /hello.txt"));
  using begun = await RawClient.dial(server.port);
  await begun.send("GET /hello.txt HTTP/1.1\r\n");
  await delay(150);
  const stopping = server.stop();
  assertEquals(await idle.answer(), null);
  await begun.send(`${HOST}\r\n`);
  const finished = await begun.answer();
  assertEquals([finished?.status, finished?.fields.connection], [200, "close"]);
  const late = await busy.answer();
  assertEquals([late?.status, late?.fields.connection], [200, "close"]);
  assertEquals(await busy.answer(), null);
  const { code, err } = await stopping;
  assertEquals({ code, err }, { code: 0, err: "" });
});

law("http_server refuses a body that breaks the framing, also where nobody wants it", async () => {
  await using server = await serverWith();
  for (const line of ["GET /", "POST /echo", "POST /nowhere", "OPTIONS *"]) {
    const text = request(line, ["Transfer-Encoding: chunked"]) + "5\nhello\r\n0\r\n\r\n";
    assertEquals(await statusOf(server.port, text), 400, line);
  }
});

law("http_server refuses a --root that is no directory", async () => {
  for (const root of ["/no/such/folder", "deno.json"]) {
    const { code, out, err } = await runExample("http_server", ["--port", "0", "--root", root]);
    assertEquals({ code, out }, { code: 2, out: "" });
    assertMatch(err, /^Option --root must be a directory; got .*\n$/);
  }
});

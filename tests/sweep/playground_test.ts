/** The playground, asked as a program does; as a person sees it: `playground_page_test.ts`. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { Server } from "../examples/example.ts";

const LIMIT_MS = 60_000;
const JSON_TYPE = { "Content-Type": "application/json" };
const SMALL = { kind: "compare", workload: "io", engines: ["coroutine"], tasks: 10, policy: "rr" };

/** Asks, without what `fetch` would add; gives status, head and body. */
async function ask(
  port: number,
  method: string,
  path: string,
  fields: Record<string, string> = {},
  body = "",
): Promise<{ status: number; head: string; body: string }> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const all: Record<string, string> = {
    Host: `127.0.0.1:${port}`,
    Connection: "close",
    "Content-Length": String(new TextEncoder().encode(body).length),
    ...fields,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await conn.write(new TextEncoder().encode(`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body}`));
  let text = "";
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  for (let n; (n = await conn.read(buffer)) !== null;) {
    text += decoder.decode(buffer.subarray(0, n));
  }
  const split = text.indexOf("\r\n\r\n");
  return {
    status: Number(text.slice(9, 12)),
    head: text.slice(0, split),
    body: text.slice(split + 4),
  };
}

async function start(port: number, order: unknown): Promise<string> {
  const { status, body } = await ask(port, "POST", "/runs", JSON_TYPE, JSON.stringify(order));
  assertEquals(status, 201, body);
  return JSON.parse(body).id;
}

interface Told {
  kind: string;
  name?: string;
  text?: string;
  status?: string;
  rows?: string[][];
}

async function listen(where: string, id: string): Promise<Told[]> {
  const reply = await fetch(`http://${where}/runs/${id}/events`);
  const text = await reply.text();
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!));
}

/** How many runs' processes the server has (Linux). */
async function childrenOf(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  let count = text.trim() === "" ? 0 : text.trim().split(" ").length;
  for (const entry of Deno.readDirSync(`/proc/${pid}/task`)) {
    if (entry.name === String(pid)) continue;
    const more = await Deno.readTextFile(`/proc/${pid}/task/${entry.name}/children`)
      .catch(() => "");
    if (more.trim() !== "") count += more.trim().split(" ").length;
  }
  return count;
}

async function untilNoChildren(pid: number, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (await childrenOf(pid) > 0) {
    assert(performance.now() < end, "a run goes on");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

law(
  "playground answers nobody who calls it by a foreign name or comes from elsewhere",
  async () => {
    await using server = await Server.start("playground", "--port", "0");
    const { port } = server;
    const order = JSON.stringify({ kind: "deadlock" });
    const foreign: Record<string, string>[] = [
      { Host: "example.com" },
      { Host: `example.com:${port}` },
      { Host: "127.0.0.1" },
      { Host: `127.0.0.1:${port + 1}` },
      { Origin: "null" },
      { Origin: "http://example.com" },
      { Origin: `https://127.0.0.1:${port}` },
      { Origin: "http://127.0.0.1" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
    ];
    for (const fields of foreign) {
      const what = JSON.stringify(fields);
      const started = await ask(port, "POST", "/runs", { ...JSON_TYPE, ...fields }, order);
      assertEquals(started.status, 403, what);
      assertEquals((await ask(port, "GET", "/", fields)).status, 403, what);
      assert(!/^access-control/im.test(started.head));
    }
    for (const name of ["127.0.0.1", "localhost", "[::1]"]) {
      const fields = { Host: `${name}:${port}`, Origin: `http://${name}:${port}` };
      const { status, head } = await ask(port, "GET", "/", fields);
      assertEquals(status, 200);
      assert(!/^access-control/im.test(head));
      assertMatch(head, /^content-security-policy: default-src 'self'/im);
    }
  },
  LIMIT_MS,
);

law("playground starts runs by POST of possible settings in JSON only", async () => {
  await using server = await Server.start("playground", "--port", "0");
  const { port } = server;
  const order = JSON.stringify({ kind: "deadlock" });
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    assertEquals((await ask(port, "POST", "/runs", { "Content-Type": type }, order)).status, 415);
  }
  assertEquals((await ask(port, "POST", "/runs", {}, order)).status, 415);
  assertEquals((await ask(port, "GET", "/runs")).status, 405);
  assertEquals((await ask(port, "PUT", "/runs", JSON_TYPE, order)).status, 405);
  assertEquals((await ask(port, "POST", "/", JSON_TYPE, order)).status, 405);
  assertEquals((await ask(port, "GET", "/nowhere")).status, 404);
  assertEquals((await ask(port, "GET", "/runs/x/events")).status, 404);
  assertEquals((await ask(port, "POST", "/runs", JSON_TYPE, "{")).status, 400);
  for (
    const wrong of [
      [],
      { kind: "other" },
      { ...SMALL, engines: [] },
      { ...SMALL, engines: ["turbo"] },
      { ...SMALL, tasks: 0 },
      { ...SMALL, tasks: 100_001 },
      { ...SMALL, tasks: "5" },
      { ...SMALL, policy: "toString" },
      { ...SMALL, quantum: 0 },
      { ...SMALL, workload: "sleep" },
    ]
  ) {
    const { status, body } = await ask(port, "POST", "/runs", JSON_TYPE, JSON.stringify(wrong));
    assertEquals(status, 400, body);
    assertEquals(body.trim().split("\n").length, 1);
  }
  assertEquals(await childrenOf(server.pid), 0);
}, LIMIT_MS);

law("playground tells a run from its first picture to its table", async () => {
  await using server = await Server.start("playground", "--port", "0");
  const told = await listen(server.where, await start(server.port, SMALL));
  const names = new Set(told.map(({ kind, name }) => name ?? kind));
  for (const name of ["lanes", "ready", "curves", "results"]) assert(names.has(name), name);
  assertEquals(told.at(-1), { kind: "end", status: "done" });
  const { rows } = told.find(({ kind }) => kind === "results")!;
  assertEquals(rows!.map((row) => row[0]), ["coroutine"]);
  assertEquals(rows![0]!.length, 7);
  await untilNoChildren(server.pid, 2000);
}, LIMIT_MS);

law("playground ends a run that is cancelled, dropped, or never listened to", async () => {
  await using server = await Server.start("playground", "--port", "0");
  const { port, pid } = server;
  const long = { ...SMALL, engines: ["sequential"], tasks: 100_000 };

  const unheard = await start(port, long);
  assertEquals(await childrenOf(pid), 1);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await untilNoChildren(pid, 1500);
  await ask(port, "GET", `/runs/${unheard}/events`);

  const dropped = await fetch(`http://${server.where}/runs/${await start(port, long)}/events`);
  await dropped.body!.cancel();
  await untilNoChildren(pid, 1500);

  const id = await start(port, long);
  const told = listen(server.where, id);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assertEquals((await ask(port, "POST", `/runs/${id}/cancel`, JSON_TYPE, "{}")).status, 204);
  await untilNoChildren(pid, 1500);
  await told;
}, LIMIT_MS);

law(
  "playground has a limit of runs, says 503 beyond it, and ends those under way with itself",
  async () => {
    await using server = await Server.start("playground", "--port", "0");
    const order = JSON.stringify({ ...SMALL, engines: ["sequential"], tasks: 100_000 });
    const asked = Array.from(
      { length: 12 },
      () => ask(server.port, "POST", "/runs", JSON_TYPE, order),
    );
    const replies = await Promise.all(asked);
    const statuses = replies.map(({ status }) => status);
    assert(statuses.includes(201) && statuses.includes(503), statuses.join());
    assertMatch(replies.find(({ status }) => status === 503)!.head, /^retry-after: \d+/im);
    const { id } = JSON.parse(replies.find(({ status }) => status === 201)!.body);
    const told = listen(server.where, id).catch(() => []); // it may be cut
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { code, err } = await server.stop("SIGINT");
    await told;
    assertEquals({ code, err }, { code: 0, err: "" });
  },
  LIMIT_MS,
);

law(
  "playground schedules in the words of scheduling.ts, and gives up what never ends",
  async () => {
    await using server = await Server.start("playground", "--port", "0");
    const schedule = async (jobs: unknown, quantum: unknown) => {
      const order = JSON.stringify({
        jobs: typeof jobs === "string" ? jobs : JSON.stringify(jobs),
        quantum,
      });
      const { status, body } = await ask(server.port, "POST", "/schedule", JSON_TYPE, order);
      return { status, ...(status === 200 ? JSON.parse(body) : { body }) };
    };
    const textbook = [24, 3, 3].map((burst, at) => ({
      name: `P${at + 1}`,
      arrival: 0,
      burst,
      priority: 1,
    }));
    const { rows, pictures } = await schedule(textbook, 4);
    assertEquals(rows[0], ["fcfs", "17.00", "27.00", "17.00", "2.00"]);
    assertEquals(rows[4], ["rr", "5.67", "15.67", "3.67", "3.00"]);
    assertEquals([rows.length, pictures.length], [8, 8]);
    const named = await schedule([{ name: "<b>", arrival: 0, burst: 2, priority: 1 }], 4);
    assertEquals(named.pictures[0][1].text, "fcfs: <b> 0 to 2");
    assert(!named.pictures[0][1].svg.includes("<b>"));
    assertMatch((await schedule("[", 4)).error, /^Cannot read jobs: not JSON: .+/);
    assertMatch(
      (await schedule([{ name: "A", arrival: 0, burst: 0, priority: 1 }], 4)).error,
      /burst/,
    );
    assertEquals((await schedule(textbook, 0)).status, 400);
    const endless = [{ name: "A", arrival: 0, burst: 1e6, priority: 1 }, {
      ...{ name: "B", arrival: 0, burst: 1e6, priority: 1 },
    }];
    assertMatch(
      (await schedule(endless, 1e-4)).error,
      /^Cannot schedule .*(longer: "rr"|within 5 s)/,
    );
    assertEquals((await schedule(textbook, 4)).status, 200);
  },
  LIMIT_MS,
);

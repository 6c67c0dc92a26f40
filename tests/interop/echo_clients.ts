/**
 * Laws of clients written in Python and C against the sockets API, which cannot tell weft's echo servers
 * from CPython's: in the sweep all of them are tried on CPython's own servers as well.
 */
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { Server } from "../examples/example.ts";
import { firstThatRuns, hasProgram, lawWith } from "../lib/programs.ts";

const HERE = new URL("./", import.meta.url);

/**
 * How much 100 peers that never read may add to the memory of a server. Weft holds at most 256 KiB of
 * each, 25 MiB in all; the rest is what has passed through and was not collected yet (V8 lets 64 MiB of
 * buffers pile up), for which the allocator keeps its pages.
 */
const DEAF_PEERS_BYTES = 128 << 20;

/** What a server can do for one client after the other. */
const STREAM_CASES = ["pipelined", "byte_at_a_time", "half_close", "resets", "megabytes"];
/** What takes several clients at once. */
const CONCURRENT_CASES = ["quick_connects", "crowd", "resets_beside"];
const SEQUENTIAL_CASES = ["one_after_the_other"];
const DATAGRAM_CASES = [
  "sizes",
  "longest",
  "empty",
  "pipelined",
  "crowd",
  "connected",
  "gone",
  "flood",
];

const PYTHON = firstThatRuns("python3");
const COMPILER = firstThatRuns("gcc", "clang", "cc");

async function succeeds(program: string, ...args: string[]): Promise<void> {
  const child = new Deno.Command(program, { args, cwd: HERE, stdin: "null" });
  const { code, stderr } = await child.output();
  assertEquals({ code, err: new TextDecoder().decode(stderr) }, { code: 0, err: "" });
}

async function stopsWell(server: Server): Promise<void> {
  const { code, err } = await server.stop();
  assertEquals({ code, err }, { code: 0, err: "" });
}

/** An echo server of weft with one of its engines, or of CPython. */
interface Echo {
  name: string;
  engine: string;
  start(...where: string[]): Promise<Server>;
}

function echoServers(transport: "tcp" | "udp" | "unix", engines: readonly string[]): Echo[] {
  const weft = engines.filter((engine) => engine !== "cpython").map((engine) => ({
    name: `echo_${transport} (${engine})`,
    engine,
    start: (...where: string[]) =>
      Server.start(
        `echo_${transport}`,
        ...(where.length > 0 ? ["--path", ...where] : ["--port", "0"]),
        ...["--engine", engine],
      ),
  }));
  const cpython = {
    name: `CPython's ${transport} server`,
    engine: "cpython",
    start: (...where: string[]) => {
      const address = where.length > 0 ? where : ["127.0.0.1", "0"];
      const args = ["cpython_echo.py", transport, ...address];
      return Server.of(
        new Deno.Command(PYTHON, {
          args,
          cwd: HERE,
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }),
      );
    },
  };
  return hasProgram(PYTHON) && engines.includes("cpython") ? [...weft, cpython] : weft;
}

/** A law about a file of which nothing may be left. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Registers what outside clients expect, for these engines; one of them may be `cpython`. */
export function lawsOfClients(engines: readonly string[]): void {
  // -- TCP --

  for (const { name, engine, start } of echoServers("tcp", engines)) {
    const cases = engine === "sequential" ? SEQUENTIAL_CASES : CONCURRENT_CASES;
    lawWith([PYTHON], `${name} is what Python clients expect`, async () => {
      await using server = await start();
      await succeeds(PYTHON, "stream_clients.py", "tcp", server.where, ...STREAM_CASES, ...cases);
      await stopsWell(server);
    });

    lawWith([COMPILER], `${name} is what a C client expects`, () =>
      inFolder(async (folder) => {
        await succeeds(COMPILER, "-O1", "-o", `${folder}/client`, "client.c");
        await using server = await start();
        await succeeds(`${folder}/client`, "127.0.0.1", String(server.port));
        await stopsWell(server);
      }));
  }

  // -- Unix --

  for (const { name, engine, start } of echoServers("unix", engines)) {
    const cases = engine === "sequential" ? SEQUENTIAL_CASES : CONCURRENT_CASES;
    lawWith([PYTHON], `${name} is what Python clients expect`, () =>
      inFolder(async (folder) => {
        const path = `${folder}/echo`;
        await using server = await start(path);
        await succeeds(PYTHON, "stream_clients.py", "unix", path, ...STREAM_CASES, ...cases);
        await stopsWell(server);
      }));
  }

  // -- UDP --

  for (const { name, start } of echoServers("udp", engines)) {
    lawWith([PYTHON], `${name} is what Python clients expect`, async () => {
      await using server = await start();
      await succeeds(PYTHON, "datagram_clients.py", server.where, ...DATAGRAM_CASES);
      await stopsWell(server);
    });
  }
}

/** Registers how much memory peers may take that never read. */
export function lawsOfDeafPeers(): void {
  for (const { name, start } of echoServers("tcp", ["coroutine", "poll"])) {
    const bound = `${DEAF_PEERS_BYTES >> 20} MiB`;
    lawWith(
      [PYTHON],
      `${name} takes less than ${bound} for 100 peers that do not read`,
      async () => {
        await using server = await start();
        await succeeds(PYTHON, "stream_clients.py", "tcp", server.where, "crowd");
        const before = memoryOf(server);
        const child = new Deno.Command(PYTHON, {
          args: ["stream_clients.py", "tcp", server.where, "deaf_peers"],
          cwd: HERE,
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const said = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
        let line = "";
        while (!line.includes("\n")) {
          const { value, done } = await said.read();
          if (done) break;
          line += value;
        }
        const added = memoryOf(server) - before;
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode("\n"));
        await writer.close();
        const err = await new Response(child.stderr).text();
        await said.cancel();
        assertEquals({ code: (await child.status).code, err }, { code: 0, err: "" });
        assertMatch(line, /^held \d+\n$/);
        assertLess(added, DEAF_PEERS_BYTES);
        await stopsWell(server);
      },
    );
  }
}

/** Where the kernel does not tell, nothing is measured. */
function memoryOf(server: Server): number {
  return Deno.build.os === "linux" ? server.residentBytes : 0;
}

/**
 * Clients written in Python and C against the sockets API, which cannot tell weft's echo servers from
 * CPython's: every case is tried on CPython's own servers as well.
 */
import { assertEquals, assertLess } from "@std/assert";
import { Server } from "../examples/example.ts";
import { law } from "../lib/law.ts";

const HERE = new URL("./", import.meta.url);

/**
 * How much 100 peers that never read may add to the memory of a server. Weft holds 256 KiB of each at
 * most, 25 MiB in all; the rest is garbage that has not been collected yet.
 */
const DEAF_PEERS_BYTES = 64 << 20;

const STREAM_CASES = ["pipelined", "byte_at_a_time", "half_close", "resets", "megabytes"];
const CONCURRENT_CASES = ["quick_connects", "crowd", "resets_beside"];
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

const PYTHON = firstThatRuns(["python3"], "--version");
const COMPILER = firstThatRuns(["gcc", "clang", "cc"], "--version");

function firstThatRuns(programs: readonly string[], ...args: string[]): string | null {
  for (const program of programs) {
    try {
      const { success } = new Deno.Command(program, { args, stdout: "null", stderr: "null" })
        .outputSync();
      if (success) return program;
    } catch {
      // Not there: the next one, perhaps.
    }
  }
  return null;
}

/** A law about a program that not every machine has. */
function lawWith(program: string | null, name: string, body: () => Promise<void>): void {
  if (program === null) Deno.test.ignore(name, () => {});
  else law(name, body, 30_000);
}

async function succeeds(program: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command(program, { args, cwd: HERE, stdin: "null" })
    .output();
  assertEquals({ code, err: new TextDecoder().decode(stderr) }, { code: 0, err: "" });
}

/** A server of one of weft's engines, or of CPython, on TCP or UDP. */
function startServer(transport: "tcp" | "udp", engine: string): Promise<Server> {
  if (engine !== "cpython") {
    return Server.start(`echo_${transport}`, "--port", "0", "--engine", engine);
  }
  return startCPython(transport, "127.0.0.1", "0");
}

function startCPython(...args: string[]): Promise<Server> {
  return Server.of(
    new Deno.Command(PYTHON!, {
      args: ["cpython_echo.py", ...args],
      cwd: HERE,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }),
  );
}

function theServer(transport: string, engine: string): string {
  return engine === "cpython" ? `CPython's ${transport} server` : `echo_${transport} (${engine})`;
}

// -- TCP --

for (const engine of ["coroutine", "poll", "sequential", "cpython"]) {
  const cases = engine === "sequential"
    ? [...STREAM_CASES, "one_after_the_other"]
    : [...STREAM_CASES, ...CONCURRENT_CASES];
  for (const name of cases) {
    lawWith(PYTHON, `${theServer("tcp", engine)} passes the Python client "${name}"`, async () => {
      await using server = await startServer("tcp", engine);
      await succeeds(PYTHON!, "stream_clients.py", name, "tcp", "127.0.0.1", String(server.port));
      const { code, err } = await server.stop();
      assertEquals({ code, err }, { code: 0, err: "" });
    });
  }
}

for (const engine of ["coroutine", "poll"]) {
  lawWith(
    PYTHON,
    `echo_tcp (${engine}) holds less than ${
      DEAF_PEERS_BYTES >> 20
    } MiB for 100 peers that do not read`,
    async () => {
      await using server = await startServer("tcp", engine);
      await succeeds(PYTHON!, "stream_clients.py", "crowd", "tcp", "127.0.0.1", `${server.port}`);
      const before = memoryOf(server);
      const child = new Deno.Command(PYTHON!, {
        args: ["stream_clients.py", "deaf_peers", "tcp", "127.0.0.1", String(server.port)],
        cwd: HERE,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const ended = child.status;
      const said = child.stdout.getReader();
      const { value } = await said.read();
      const held = memoryOf(server) - before;
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("\n"));
      await writer.close();
      await said.cancel();
      const err = await new Response(child.stderr).text();
      assertEquals({ code: (await ended).code, err }, { code: 0, err: "" });
      assertEquals(/^held \d+\n$/.test(new TextDecoder().decode(value)), true);
      assertLess(held, DEAF_PEERS_BYTES);
    },
  );
}

/** Where the kernel does not tell, nothing is measured. */
function memoryOf(server: Server): number {
  return Deno.build.os === "linux" ? server.residentBytes : 0;
}

for (const engine of ["coroutine", "poll", "sequential", "cpython"]) {
  const program = engine === "cpython" && PYTHON === null ? null : COMPILER;
  lawWith(program, `${theServer("tcp", engine)} passes the C client`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await succeeds(COMPILER!, "-O1", "-o", `${folder}/client`, "client.c");
      await using server = await startServer("tcp", engine);
      await succeeds(`${folder}/client`, "127.0.0.1", String(server.port));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

// -- Unix --

for (const engine of ["coroutine", "poll", "cpython"]) {
  for (const name of [...STREAM_CASES, ...CONCURRENT_CASES]) {
    lawWith(PYTHON, `${theServer("unix", engine)} passes the Python client "${name}"`, async () => {
      const folder = await Deno.makeTempDir();
      try {
        const path = `${folder}/echo`;
        await using server = await (engine === "cpython"
          ? startCPython("unix", path)
          : Server.start("echo_unix", "--path", path, "--engine", engine));
        await succeeds(PYTHON!, "stream_clients.py", name, "unix", path);
        const { code, err } = await server.stop();
        assertEquals({ code, err }, { code: 0, err: "" });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

// -- UDP --

for (const engine of ["coroutine", "poll", "sequential", "cpython"]) {
  for (const name of DATAGRAM_CASES) {
    lawWith(PYTHON, `${theServer("udp", engine)} passes the Python client "${name}"`, async () => {
      await using server = await startServer("udp", engine);
      await succeeds(PYTHON!, "datagram_clients.py", name, "127.0.0.1", String(server.port));
      const { code, err } = await server.stop();
      assertEquals({ code, err }, { code: 0, err: "" });
    });
  }
}

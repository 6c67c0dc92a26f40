/**
 * What servers endure: accepts that fail, bytes that make no sense, twenty thousand connections, and their end
 * in the middle of work. In every engine.
 */
import { assert, assertEquals } from "@std/assert";
import { all, connect, run, sleep, StreamServer } from "@weft/weft";
import { echo, echoFrames } from "../../../examples/lib/echo.ts";
import { Server } from "../../examples/example.ts";
import { collectGarbage } from "../../lib/heap.ts";
import { law } from "../../lib/law.ts";
import { seeded, start } from "../../lib/sockets.ts";
import { lawWithStrace } from "../../lib/strace.ts";

const ENGINES = ["sequential", "coroutine", "poll", "worker"] as const;
const LIMIT_MS = 120_000;

const descriptors = (pid: number) => [...Deno.readDirSync(`/proc/${pid}/fd`)].length;

// -- Accepts that fail --

/** An echo server whose accepts `when` (strace counts) fail with `error`, and its process. */
async function injected(engine: string, error: string, when: string) {
  const child = new Deno.Command("strace", {
    args: [
      ...["-f", "-qq", "-o", "/dev/null", "-e", "trace=accept4,accept"],
      ...["-e", `inject=accept4,accept:error=${error}:when=${when}`],
      ...[Deno.execPath(), "run", "-A", "--no-check", "--quiet", "examples/echo_tcp.ts"],
      ...["--port", "0", "--engine", engine, "--workers", "2"],
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const port = Number(/:(\d+)\n/.exec(value!)![1]);
  const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
  return { child, reader, port, pid: Number(children.trim().split(" ")[0]) };
}

async function askOnce(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode("hello"));
  const answer = new Uint8Array(10);
  assertEquals(await conn.read(answer), 5);
  assertEquals(answer[0], "H".charCodeAt(0));
}

for (const engine of ENGINES) {
  lawWithStrace(
    `No accept that fails ends a server, nor leaks a descriptor (${engine})`,
    async () => {
      const once = ["ECONNABORTED", "EPROTO", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EPERM"];
      const trials = [...once.map((error) => [error, "1"]), ["EMFILE", "2..13"], [
        "EPROTO",
        "2..13",
      ]];
      for (const [error, when] of trials) {
        const { child, reader, port, pid } = await injected(engine, error!, when!);
        await askOnce(port);
        const before = descriptors(pid);
        for (let i = 0; i < 10; i++) await askOnce(port);
        await new Promise((resolve) => setTimeout(resolve, 100));
        assert(descriptors(pid) <= before + 1, `${error} leaks descriptors`);
        Deno.kill(pid, "SIGTERM");
        assertEquals((await child.status).code, 0, `${error} ${when}`);
        await reader.cancel();
      }
    },
    LIMIT_MS,
  );
}

// -- The end in the middle of work --

for (const engine of ENGINES) {
  law(`A server that is told to end under load answers what was begun (${engine})`, async () => {
    await using server = await Server.start("echo_tcp", "--port", "0", "--engine", engine);
    const message = new Uint8Array(200).fill(0x78);
    let told = Infinity;
    let answered = 0;
    const lost: number[] = [];
    const client = async () => {
      for (;;) {
        let conn: Deno.TcpConn;
        try {
          conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
        } catch {
          return; // it has ended
        }
        for (let i = 0; i < 20; i++) {
          const at = performance.now();
          try {
            await conn.write(message);
            for (let got = 0; got < message.length;) {
              const count = await conn.read(new Uint8Array(400));
              if (count === null) throw new Error("the end");
              got += count;
            }
            answered++;
          } catch {
            if (at < told) lost.push(told - at);
            return conn.close();
          }
        }
        conn.close();
      }
    };
    const clients = Array.from({ length: 30 }, client);
    await new Promise((resolve) => setTimeout(resolve, 700));
    told = performance.now();
    const { code, err } = await server.stop("SIGTERM");
    assertEquals({ code, err }, { code: 0, err: "" });
    assert(performance.now() - told < 5500);
    await Promise.all(clients);
    // What was sent in the very last moment may not have reached the server before the signal did.
    assertEquals(lost.filter((ms) => ms > 20), []);
    assert(answered > 100);
  }, LIMIT_MS);
}

// -- Many connections --

for (const engine of ENGINES) {
  law(
    `Twenty thousand connections leave neither descriptors nor memory behind (${engine})`,
    () =>
      run(async function* () {
        const server = new StreamServer(echo, { hostname: "127.0.0.1", engine, workers: 2 });
        const serving = start(server.serveForever());
        const { port } = (yield* server.ready()) as Deno.NetAddr;
        const visit = async function* (times: number) {
          yield* all(Array.from({ length: 10 }, () =>
            async function* () {
              for (let i = 0; i < times / 10; i++) {
                using socket = yield* connect({ hostname: "127.0.0.1", port });
                yield* socket.sendAll(new Uint8Array([0x61]));
                yield* socket.recvExactly(1);
              }
            }));
        };
        yield* visit(2000);
        const fds = descriptors(Deno.pid);
        await collectGarbage();
        const { heapUsed } = Deno.memoryUsage();
        yield* visit(18_000);
        for (let i = 0; i < 100 && server.statistics().active > 0; i++) yield* sleep(10);
        assert(descriptors(Deno.pid) <= fds + 15, "descriptors are left");
        await collectGarbage();
        const left = Deno.memoryUsage().heapUsed - heapUsed;
        assert(left < 2 << 20, `${left} bytes are left on the heap`); // a connection would be worth 100
        assertEquals(server.statistics().active, 0);
        assertEquals(server.statistics().accepted, 20_000);
        yield* server.shutdown();
        yield* serving.get();
      }),
    LIMIT_MS,
  );
}

// -- Bytes that make no sense --

/** What an echo of frames answers to a stream of bytes: each whole frame, and an empty one for one too long. */
function expectedAnswer(stream: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  for (let at = 0; at + 4 <= stream.length;) {
    const length = view.getUint32(at);
    if (length > 1 << 20) {
      parts.push(new Uint8Array(4));
      break;
    }
    if (at + 4 + length > stream.length) break;
    const frame = stream.slice(at, at += 4 + length);
    for (let i = 4; i < frame.length; i++) if (frame[i]! >= 97 && frame[i]! <= 122) frame[i]! -= 32;
    parts.push(frame);
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}

/** So many frames, some of them with a byte changed somewhere. */
function fuzzed(below: (n: number) => number, frames: number): Uint8Array {
  const bytes: number[] = [];
  for (let i = 0; i < frames; i++) {
    const length = below(12);
    bytes.push(0, 0, 0, length);
    for (let n = 0; n < length; n++) bytes.push(below(256));
    if (below(40) === 0) bytes[bytes.length - 1 - below(Math.min(bytes.length, 16))] = below(256);
  }
  return new Uint8Array(bytes.slice(0, bytes.length - below(6)));
}

for (const engine of ENGINES) {
  law(
    `25 000 frames, many of them broken, get the right answer each (${engine})`,
    () =>
      run(async function* () {
        const failures: unknown[] = [];
        const server = new StreamServer(echoFrames, {
          hostname: "127.0.0.1",
          engine,
          workers: 2,
          onError: (error) => failures.push(error),
        });
        const serving = start(server.serveForever());
        const { port } = (yield* server.ready()) as Deno.NetAddr;
        const below = seeded(20);
        for (let sent = 0; sent < 25_000; sent += 250) {
          const stream = fuzzed(below, 250);
          const expected = expectedAnswer(stream);
          using socket = yield* connect({ hostname: "127.0.0.1", port, timeout: 10_000 });
          for (let at = 0; at < stream.length;) {
            yield* socket.sendAll(stream.subarray(at, at += 1 + below(900)));
          }
          socket.closeWrite();
          const got: number[] = [];
          for (let data; (data = yield* socket.recv()).length > 0;) got.push(...data);
          assertEquals(new Uint8Array(got), expected);
        }
        assertEquals(failures, []);
        yield* server.shutdown();
        yield* serving.get();
      }),
    LIMIT_MS,
  );
}

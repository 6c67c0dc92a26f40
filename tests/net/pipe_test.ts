import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import {
  bytesSent,
  ClosedError,
  moveOnAfter,
  readFrom,
  run,
  spawn,
  TimeoutError,
  WouldBlock,
  writeTo,
} from "@weft/weft";
import { law } from "../lib/law.ts";
import { checkPattern, decode, encode, errorOf, pattern, start } from "../lib/sockets.ts";

const cat = (): Deno.ChildProcess =>
  new Deno.Command("cat", { stdin: "piped", stdout: "piped", stderr: "null" }).spawn();

law("A child's pipes carry streams of bytes", () =>
  run(async function* () {
    await using child = cat();
    using input = writeTo(child.stdin);
    using output = readFrom(child.stdout);
    const length = 1 << 20;
    const reader = spawn(async function* () {
      const bytes = yield* output.recvExactly(length);
      checkPattern(bytes, 0);
      assertEquals((yield* output.recv()).length, 0);
    });
    yield* input.sendAll(pattern(length));
    yield* input.close();
    yield* reader.get();
    assert((await child.status).success);
  }));

law("PipeReader.recv() that was cancelled loses nothing", () =>
  run(async function* () {
    await using child = cat();
    using input = writeTo(child.stdin);
    using output = readFrom(child.stdout);
    assertEquals(yield* moveOnAfter(1, output.recv()), undefined);
    yield* input.sendAll(encode("abcdef"));
    assertEquals(decode(yield* output.recv(2)), "ab");
    output.timeout = 500;
    assertEquals(decode(yield* output.recvExactly(4)), "cdef");
    output.timeout = 2;
    assertInstanceOf(yield* errorOf(output.recv()), TimeoutError);
    assertThrows(() => output.tryRecv(), WouldBlock);
  }));

law("PipeWriter holds a writer back when its reader is slow", () =>
  run(async function* () {
    const child = new Deno.Command("sleep", { args: ["60"], stdin: "piped" }).spawn();
    const input = writeTo(child.stdin);
    input.timeout = 20;
    const error = yield* errorOf(input.sendAll(new Uint8Array(1 << 20)));
    assertInstanceOf(error, TimeoutError);
    assert(bytesSent(error) > 0 && bytesSent(error) <= 256 << 10, String(bytesSent(error)));
    assertThrows(() => input.trySend(encode("x")), WouldBlock);
    child.kill("SIGKILL");
    await child.status;
    yield* input.close();
    assertInstanceOf(yield* errorOf(input.send(encode("x"))), ClosedError);
  }));

law("PipeReader.close() wakes whoever waits with ClosedError", () =>
  run(async function* () {
    await using child = cat();
    using _input = writeTo(child.stdin);
    const output = readFrom(child.stdout);
    const reader = start(errorOf(output.recv()));
    yield;
    output.close();
    assertInstanceOf(yield* reader.get(), ClosedError);
  }));

/** Runs a program with a pipe as its standard input, and waits until it ends by itself. */
async function withStdin(program: string, input: string, close: boolean): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "-q", "--ext=ts", program],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(encode(input));
  if (close) await writer.close();
  const { code, stdout } = await child.output();
  if (!close) await writer.close().catch(() => {}); // its reader is gone
  return `${decode(stdout).trim()} ${code}`;
}

law("stdin() keeps what was read ahead for the next run, and lets the process end", async () => {
  const program = `
    import { run, stdin } from "@weft/weft";
    const decoder = new TextDecoder();
    const first = await run(function* () {
      return decoder.decode(yield* stdin().recv(2));
    });
    const second = await run(function* () {
      using input = stdin();
      return decoder.decode(yield* input.recvExactly(3)) + (yield* input.recv()).length;
    });
    console.log(first, second);`;
  assertEquals(await withStdin(program, "hello", true), "he llo0 0");
});

law("stdin() with a read pending at the end of its run lets the process end", async () => {
  const program = `
    import { moveOnAfter, run, stdin } from "@weft/weft";
    await run(function* () {
      yield* moveOnAfter(5, stdin().recv());
    });
    await run(function* () {
      try {
        yield* stdin().recv();
      } catch (error) {
        console.log(error.name);
      }
    });`;
  assertEquals(await withStdin(program, "", false), "ClosedError 0");
});

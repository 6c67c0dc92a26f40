/**
 * Laws of the example servers when the host refuses what they ask for: they serve everybody who comes later.
 * Each fault is a server of its own under strace, so there are a few here and all of them in the sweep.
 */
import { assertEquals } from "@std/assert";
import { lawWithStrace } from "../lib/strace.ts";
import { Server, statedFlags } from "./example.ts";

const ROOT = new URL("../../", import.meta.url);

/** The command of an example server behind another program. */
function behind(program: readonly string[], name: string, ...args: string[]): Deno.Command {
  const [first, ...rest] = [
    ...program,
    ...[Deno.execPath(), "run", "--quiet", "--no-prompt", "--no-check"],
    ...statedFlags(name, args),
    `examples/${name}.ts`,
    ...["--port", "0", ...args],
  ];
  return new Deno.Command(first!, {
    args: rest,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function ask(port: number, word: string): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  await socket.write(new TextEncoder().encode(word));
  const buffer = new Uint8Array(100);
  const count = await socket.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
}

type Started = [name: string, ...args: string[]];

const SERVERS: Started[] = [
  ["echo_tcp", "--engine", "sequential"],
  ["echo_tcp", "--engine", "coroutine"],
  ["echo_tcp", "--engine", "poll"],
  ["poll_server"],
  ["select_loop"],
];

/** The errors of `accept` that pass. */
export const PASSING = ["ECONNABORTED", "EPROTO", "ENOBUFS", "ENOMEM", "EPERM", "ENFILE"];

/** Registers a law for each server: that it survives the errors, of which it may have some of its own. */
export function lawsOfFailingAccepts(
  errorsOf: (name: string, index: number) => readonly string[],
): void {
  for (const [index, server] of SERVERS.entries()) {
    const errors = errorsOf(server[0], index);
    if (errors.length === 0) continue;
    lawWithStrace(
      `${server.join(" ")} survives that accept fails with ${errors.join(", ")}`,
      async () => {
        for (const error of errors) {
          const strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=accept4"];
          const inject = ["-e", `inject=accept4:error=${error}:when=2..3`];
          await using running = await Server.of(behind([...strace, ...inject], ...server));
          for (const word of ["one", "two", "three"]) {
            assertEquals(await ask(running.port, word), word.toUpperCase(), error);
          }
        }
      },
    );
  }
}

/** Registers a law for each server but the sequential one: that it survives having no descriptors left. */
export function lawsOfNoDescriptors(isWanted: (index: number) => boolean): void {
  for (const [index, server] of SERVERS.entries()) {
    if (index === 0 || !isWanted(index)) continue;
    Deno.test({
      name: `${server.join(" ")} survives that it runs out of descriptors`,
      ignore: Deno.build.os === "windows",
      timeout: 60_000,
      async fn() {
        const limited = ["sh", "-c", 'ulimit -n 48 && exec "$@"', "sh"];
        await using running = await Server.of(behind(limited, ...server));
        const crowd: Deno.Conn[] = [];
        for (let i = 0; i < 60; i++) {
          crowd.push(await Deno.connect({ hostname: "127.0.0.1", port: running.port }));
        }
        await new Promise((resolve) => setTimeout(resolve, 150));
        for (const socket of crowd) socket.close();
        for (const word of ["one", "two", "three"]) {
          assertEquals(await ask(running.port, word), word.toUpperCase());
        }
        assertEquals((await running.stop()).code, 0);
      },
    });
  }
}

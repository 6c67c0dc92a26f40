/** Laws of the echo servers as processes, for some engines and signals here and for all in the sweep. */
import { assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { runExample, Server } from "./example.ts";

/** Registers how a server of each engine starts, serves and stops on a signal. */
export function lawsOfStopping(cases: readonly (readonly [string, Deno.Signal])[]): void {
  for (const [engine, signal] of cases) {
    for (const name of ["echo_tcp", "echo_udp"]) {
      law(
        `${name} --engine ${engine} says where it is, and stops in order on ${signal}`,
        async () => {
          await using server = await Server.start(name, "--port", "0", "--engine", engine);
          assertMatch(server.where, /^127\.0\.0\.1:[1-9]\d*$/);
          const transport = name === "echo_tcp" ? "tcp" : "udp";
          const address = ["--transport", transport, "--port", String(server.port)];
          const said = await runExample("client", address, { input: "hello\nWörld 1\n" });
          assertEquals(said, { code: 0, out: "HELLO\nWöRLD 1\n", err: "" });
          const { code, out, err } = await server.stop(signal);
          assertEquals({ code, err }, { code: 0, err: "" });
          assertEquals(out, `listening on ${server.where}\n`);
        },
      );
    }

    law(`echo_tcp --engine ${engine} stops on ${signal} while clients are connected`, async () => {
      await using server = await Server.start("echo_tcp", "--port", "0", "--engine", engine);
      const dial = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
      using idle = await dial();
      using busy = await dial();
      await idle.write(new TextEncoder().encode("hello"));
      assertEquals(await idle.read(new Uint8Array(10)), 5);
      if (engine !== "sequential") {
        await busy.write(new TextEncoder().encode("hello"));
        assertEquals(await busy.read(new Uint8Array(10)), 5);
      }
      const { code, err } = await server.stop(signal);
      assertEquals({ code, err }, { code: 0, err: "" });
      assertEquals(await idle.read(new Uint8Array(10)), null);
    });

    if (engine === "worker") continue; // there is none on unix sockets

    law(`echo_unix --engine ${engine} removes its file on ${signal}`, async () => {
      const folder = await Deno.makeTempDir();
      try {
        const path = `${folder}/echo`;
        await using server = await Server.start("echo_unix", "--path", path, "--engine", engine);
        assertEquals(server.where, path);
        const address = ["--transport", "unix", "--path", path];
        const said = await runExample("client", address, { input: "hello\n" });
        assertEquals(said, { code: 0, out: "HELLO\n", err: "" });
        const { code, out, err } = await server.stop(signal);
        assertEquals({ code, out, err }, { code: 0, out: `listening on ${path}\n`, err: "" });
        assertEquals([...Deno.readDirSync(folder)], []);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

/** Asserts that each of these calls is refused in one line, with exit code 2. */
export async function refusesAll(calls: readonly [name: string, ...args: string[]][]) {
  for (const [name, ...args] of calls) {
    const { code, out, err } = await runExample(name, args);
    const call = [name, ...args].join(" ");
    assertEquals({ code, out }, { code: 2, out: "" }, `${call}: ${err}`);
    assertEquals(err.trim().split("\n").length, 1, `${call}: ${err}`);
  }
}

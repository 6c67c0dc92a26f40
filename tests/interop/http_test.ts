/** `http_server.ts` and the clients that people have: curl, and Python's `http.client` and `socket`. */
import { assertEquals, assertMatch } from "@std/assert";
import { Server } from "../examples/example.ts";
import { firstThatRuns, lawWith, output } from "../lib/programs.ts";

const HERE = new URL("./", import.meta.url);
const PYTHON = firstThatRuns("python3");
const CURL = firstThatRuns("curl");

/** A server of an empty folder. */
async function withServer(test: (at: string, server: Server, root: string) => Promise<void>) {
  const root = await Deno.makeTempDir();
  try {
    await using server = await Server.start("http_server", "--port", "0", "--root", root);
    await test(`http://${server.where}`, server, root);
    const { code, err } = await server.stop();
    assertEquals({ code, err }, { code: 0, err: "" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

for (const name of ["kept", "chunked", "files", "private", "half_closed", "slow_reader"]) {
  lawWith([PYTHON], `http_server and Python's http.client: ${name}`, async () => {
    await withServer(async (_, server) => {
      await output(PYTHON, ["http_clients.py", name, String(server.port)], HERE);
    });
  });
}

lawWith([CURL], "http_server and curl: a file there and back, in parts, and away", async () => {
  await withServer(async (at, _, root) => {
    const file = `${root}/here.bin`;
    const data = crypto.getRandomValues(new Uint8Array(65_536));
    await Deno.writeFile(file, data);
    const curl = (...args: string[]) =>
      output(CURL, ["-sS", "--max-time", "20", "-w", "%{http_code}", ...args]);
    assertEquals(await curl("-T", file, `${at}/up.bin`), "201");
    assertEquals(await curl("-T", file, "-H", "Expect: 100-continue", `${at}/up.bin`), "204");
    assertEquals(
      await curl("-T", file, "-H", "Transfer-Encoding: chunked", `${at}/chunks.bin`),
      "201",
    );
    assertEquals(await Deno.readFile(`${root}/chunks.bin`), data);
    assertEquals(await curl("-o", `${root}/down.bin`, `${at}/up.bin`), "200");
    assertEquals(await Deno.readFile(`${root}/down.bin`), data);
    assertEquals(await curl("-r", "10-19", "-o", `${root}/part.bin`, `${at}/up.bin`), "206");
    assertEquals(await Deno.readFile(`${root}/part.bin`), data.slice(10, 20));
    assertEquals(await curl("-X", "DELETE", `${at}/up.bin`), "204");
    assertEquals(await curl("-o", "/dev/null", `${at}/up.bin`), "404");
  });
});

lawWith(
  [CURL],
  "http_server and curl: one connection, heads, forms, and what is refused",
  async () => {
    await withServer(async (at) => {
      const curl = (...args: string[]) => output(CURL, ["-sS", "--max-time", "20", ...args]);
      const connects = await curl(
        ...["-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects}"],
        ...[`${at}/delay/1`, `${at}/nowhere`, `${at}/private`],
      );
      assertEquals(connects, "100");
      assertMatch(
        await curl("-I", `${at}/delay/1`),
        /^HTTP\/1\.1 200 OK\r\n[^]*Content-Length: 11\r\n/,
      );
      assertEquals(await curl("-d", "a=b", `${at}/echo`), "a=b");
      assertEquals(await curl("--http1.0", "-d", "a=b", `${at}/echo`), "a=b");
      assertEquals(await curl("-u", "weft:weft", `${at}/private`), "You are weft\n");
      const status = ["-o", "/dev/null", "-w", "%{http_code}"];
      assertEquals(await curl("--path-as-is", ...status, `${at}/../../etc/passwd`), "404");
      assertEquals(await curl("-X", "BREW", ...status, at), "501");
    });
  },
);

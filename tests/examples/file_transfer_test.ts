/** file_transfer.ts beside clients that are not ours: Python's sockets, and bytes made by hand. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import { law } from "../lib/law.ts";
import { lawWith } from "../lib/programs.ts";
import { seeded } from "../lib/sockets.ts";
import { runExample, Server } from "./example.ts";

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function someBytes(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const below = seeded(seed);
  return new Uint8Array(length).map(() => below(256));
}

/** A server that keeps files in a folder of its own. */
async function withServer(body: (server: Server, folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    const server = await Server.start("file_transfer", "serve", "--port", "0", "--dir", folder);
    try {
      await body(server, folder);
    } finally {
      const { code, err } = await server.stop();
      assertEquals({ code, err }, { code: 0, err: "" });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A connection that speaks the protocol by hand. */
class Peer implements Disposable {
  readonly conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  static async dial(server: Server): Promise<Peer> {
    return new Peer(await Deno.connect({ hostname: "127.0.0.1", port: server.port }));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.conn.write(bytes.subarray(at));
  }

  frame(value: unknown): Promise<void> {
    const text = new TextEncoder().encode(
      typeof value === "string" ? value : JSON.stringify(value),
    );
    const bytes = new Uint8Array(4 + text.length);
    new DataView(bytes.buffer).setUint32(0, text.length);
    bytes.set(text, 4);
    return this.write(bytes);
  }

  async exactly(n: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(n);
    for (let at = 0; at < n;) {
      const count = await this.conn.read(bytes.subarray(at));
      if (count === null) throw new Error(`the end after ${at} of ${n} bytes`);
      at += count;
    }
    return bytes;
  }

  async answer(): Promise<Record<string, unknown>> {
    const length = new DataView((await this.exactly(4)).buffer).getUint32(0);
    return JSON.parse(new TextDecoder().decode(await this.exactly(length)));
  }

  async atEnd(): Promise<boolean> {
    return await this.conn.read(new Uint8Array(1)) === null;
  }

  [Symbol.dispose](): void {
    this.conn.close();
  }
}

const filesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

law("send hands a file over; the server says what it received, and exits 0", async () => {
  const folder = await Deno.makeTempDir();
  const bytes = someBytes(1_000_003, 1);
  try {
    await withServer(async (server, kept) => {
      for (
        const [name, content] of [["zażółć gęślą.bin", bytes], ["empty", new Uint8Array()]] as const
      ) {
        await Deno.writeFile(`${folder}/${name}`, content);
        const args = ["send", "--port", String(server.port), `${folder}/${name}`];
        const sent = await runExample("file_transfer", args);
        assertEquals({ code: sent.code, err: sent.err }, { code: 0, err: "" });
        assertEquals(await Deno.readFile(`${kept}/${name}`), content);
      }
      const { out } = await server.stop();
      assertEquals(out.split("\n").slice(1, 3), [
        `received zażółć gęślą.bin ${bytes.length} bytes ${hashOf(bytes)}`,
        `received empty 0 bytes ${hashOf(new Uint8Array())}`,
      ]);
      assertEquals(filesIn(kept), ["empty", "zażółć gęślą.bin"]);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

lawWith(["python3"], "A Python client uploads files, header and body at once", async () => {
  await withServer(async (server, folder) => {
    const program = `
import hashlib, json, socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rb")
def read():
    (n,) = struct.unpack(">I", f.read(4))
    return json.loads(f.read(n))
for i in range(3):
    body = bytes([i]) * (300_000 + i)
    sha = hashlib.sha256(body).hexdigest()
    head = json.dumps({"name": f"py{i}", "size": len(body), "sha256": sha}).encode()
    s.sendall(struct.pack(">I", len(head)) + head + body)
    assert read() == {"offset": 0}
    assert read() == {"ok": True, "size": len(body), "sha256": sha}
s.shutdown(socket.SHUT_WR)
assert f.read() == b""
`;
    const python = await new Deno.Command("python3", {
      args: ["-c", program, String(server.port)],
    }).output();
    assertEquals(new TextDecoder().decode(python.stderr), "");
    assertEquals(filesIn(folder), ["py0", "py1", "py2"]);
    assertEquals(await Deno.readFile(`${folder}/py2`), new Uint8Array(300_002).fill(2));
  });
});

law("An upload that was cut goes on from where it stopped, also after a restart", async () => {
  const folder = await Deno.makeTempDir();
  const bytes = someBytes(500_000, 2);
  const header = { name: "cut.bin", size: bytes.length, sha256: hashOf(bytes) };
  const serveArgs = ["serve", "--port", "0", "--dir", folder];
  try {
    let held = 0;
    for (const cut of [123_457, 300_001]) {
      await using server = await Server.start("file_transfer", ...serveArgs);
      using peer = await Peer.dial(server);
      await peer.frame(header);
      assertEquals(await peer.answer(), { offset: held });
      await peer.write(bytes.subarray(held, cut));
      held = cut;
      await peer.conn.closeWrite();
      assert(await peer.atEnd());
      const [name] = filesIn(folder);
      assertMatch(name!, /\.part$/);
      assertEquals((await Deno.stat(`${folder}/${name}`)).size, held);
    }
    await using server = await Server.start("file_transfer", ...serveArgs);
    using other = await Peer.dial(server);
    await other.frame({ ...header, sha256: hashOf(bytes.slice(1)) });
    assertEquals(await other.answer(), { offset: 0 });
    using peer = await Peer.dial(server);
    await peer.frame(header);
    assertEquals(await peer.answer(), { offset: held });
    await peer.write(bytes.subarray(held));
    assertEquals(await peer.answer(), { ok: true, size: header.size, sha256: header.sha256 });
    assertEquals(await Deno.readFile(`${folder}/cut.bin`), bytes);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

law("A file whose hash is wrong is thrown away, and the old one stays", async () => {
  await withServer(async (server, folder) => {
    await Deno.writeTextFile(`${folder}/a`, "old");
    using peer = await Peer.dial(server);
    const body = someBytes(1000, 3);
    await peer.frame({ name: "a", size: 1000, sha256: hashOf(body.slice(1)) });
    assertEquals(await peer.answer(), { offset: 0 });
    await peer.write(body);
    assertEquals(Object.keys(await peer.answer()), ["error"]);
    assertEquals(filesIn(folder), ["a"]);
    assertEquals(await Deno.readTextFile(`${folder}/a`), "old");
    await peer.frame({ name: "a", size: 1000, sha256: hashOf(body) }); // the next one is welcome
    await peer.write(body);
    assertEquals(await peer.answer(), { offset: 0 });
    assertEquals((await peer.answer()).ok, true);
    assertEquals(await Deno.readFile(`${folder}/a`), body);
  });
});

law(
  "Several uploads at once, of one name and even of one content, never share a part",
  async () => {
    await withServer(async (server, folder) => {
      const contents = [someBytes(400_000, 4), someBytes(400_000, 5), someBytes(400_000, 4)];
      await Promise.all(contents.map(async (body) => {
        using peer = await Peer.dial(server);
        await peer.frame({ name: "same", size: body.length, sha256: hashOf(body) });
        assertEquals(await peer.answer(), { offset: 0 });
        for (let at = 0; at < body.length; at += 10_000) {
          await peer.write(body.subarray(at, at + 10_000));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        assertEquals((await peer.answer()).ok, true);
      }));
      assertEquals(filesIn(folder), ["same"]);
      const kept = hashOf(await Deno.readFile(`${folder}/same`));
      assert(contents.some((body) => hashOf(body) === kept));
    });
  },
);

law("Names that could lead elsewhere, and broken headers, get an error and a close", async () => {
  await withServer(async (server, folder) => {
    const sha256 = hashOf(new Uint8Array());
    const names = [
      "",
      "a/b",
      "../a",
      "/a",
      "a\\b",
      "c:a",
      "a*",
      "a?",
      "<a",
      "a>",
      "a|",
      "a\0b",
      "a\n",
    ];
    names.push(
      "a\x7f",
      "a\u0085",
      "a.",
      "a ",
      ".",
      "..",
      "a.part",
      "x".repeat(241),
      "é".repeat(121),
    );
    names.push("con", "NUL.txt", "Com1", "lpt9.tar.gz", "AUX ");
    const headers: unknown[] = names.map((name) => ({ name, size: 0, sha256 }));
    headers.push("{", "null", "[]", { name: "a" }, { name: 1, size: 0, sha256 });
    headers.push({ name: "a", size: -1, sha256 }, { name: "a", size: 0.5, sha256 });
    headers.push({ name: "a", size: 2 ** 53, sha256 }, { name: "a", size: "0", sha256 });
    headers.push({ name: "a", size: 0, sha256: sha256.toUpperCase() }, { name: "a", size: 0 });
    for (const header of headers) {
      using peer = await Peer.dial(server);
      await peer.frame(header);
      const answer = await peer.answer();
      assertEquals(Object.keys(answer), ["error"], JSON.stringify(header));
      assert(await peer.atEnd());
    }
    using long = await Peer.dial(server);
    await long.write(new Uint8Array([0, 1, 0, 1])); // 64 KiB and a byte: refused before any of them comes
    assertEquals(Object.keys(await long.answer()), ["error"]);
    assert(await long.atEnd());
    assertEquals(filesIn(folder), []);
    using good = await Peer.dial(server);
    for (
      const name of [
        "console",
        "a".repeat(240),
        "é".repeat(120),
        ".hidden",
        "a b",
        "com10",
        "%2e%2e",
      ]
    ) {
      await good.frame({ name, size: 0, sha256 });
      assertEquals(await good.answer(), { offset: 0 });
      assertEquals(await good.answer(), { ok: true, size: 0, sha256 });
    }
    assertEquals(filesIn(folder).length, 7);
  });
});

law("send says in one line why it failed, and exits 1; bad arguments exit 2", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/nul`, "x");
    await withServer(async (server) => {
      const refused = await runExample("file_transfer", [
        ...["send", "--port", String(server.port), `${folder}/nul`],
      ]);
      assertEquals(refused.code, 1);
      assertMatch(refused.err, /^Cannot send nul: The server says: "the name .*"\n$/);
    });
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    const nobody = await runExample("file_transfer", [
      "send",
      "--port",
      String(port),
      `${folder}/nul`,
    ]);
    assertEquals(nobody.code, 1);
    assertMatch(nobody.err, /^Cannot send nul: .*\n$/);
    const bad = [
      ["serve", "--port", "0"],
      ["serve", "--port", "0", "--dir", `${folder}/none`],
      ["serve", "--port", "0", "--dir", `${folder}/nul`],
      ["send", "--port", "1"],
      ["send", `${folder}/nul`],
      ["send", "--port", "1", `${folder}/none`],
      ["send", "--port", "1", folder],
      ["fetch"],
    ];
    for (const args of bad) {
      const { code, err } = await runExample("file_transfer", args);
      assertEquals(code, 2, args.join(" "));
      assertMatch(err, /^[^\n]+\n$/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}, 60_000);

law(
  "On SIGTERM an upload that was begun is finished, and who has sent no header is closed at once",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const server = await Server.start("file_transfer", "serve", "--port", "0", "--dir", folder);
      const body = someBytes(600_000, 6);
      using idle = await Peer.dial(server);
      using busy = await Peer.dial(server);
      await busy.frame({ name: "begun", size: body.length, sha256: hashOf(body) });
      assertEquals(await busy.answer(), { offset: 0 });
      await busy.write(body.subarray(0, 200_000));
      const stopped = server.stop("SIGTERM");
      assert(await idle.atEnd());
      await busy.write(body.subarray(200_000));
      assertEquals((await busy.answer()).ok, true);
      assert(await busy.atEnd());
      assertEquals((await stopped).code, 0);
      assertEquals(await Deno.readFile(`${folder}/begun`), body);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

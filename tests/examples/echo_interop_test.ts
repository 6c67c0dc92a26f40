/** The echo servers beside clients that are not ours: nc, Python's socket and struct, a thousand slow ones. */
import { assert, assertEquals } from "@std/assert";
import { lawWith } from "../lib/programs.ts";
import { Server } from "./example.ts";

const ENGINES = ["sequential", "coroutine", "poll", "worker"] as const;

async function python(program: string, port: number): Promise<void> {
  const { code, stderr } = await new Deno.Command("python3", {
    args: ["-c", program, String(port)],
  }).output();
  assertEquals({ code, err: new TextDecoder().decode(stderr) }, { code: 0, err: "" });
}

const FRAMES = `
import socket, struct, sys
def connect():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    return s, s.makefile("rb")
def read(f):
    (n,) = struct.unpack(">I", f.read(4))
    return f.read(n)
s, f = connect()
for data in b"hello", b"", bytes(range(256)), b"x" * (1 << 20):
    s.sendall(struct.pack(">I", len(data)) + data)
    assert read(f) == data.upper()
whole = b"".join(struct.pack(">I", i) + b"y" * i for i in range(200))
s.sendall(whole)                     # two hundred in one send
for i in range(200): assert read(f) == b"Y" * i
for byte in struct.pack(">I", 3) + b"abc":
    s.sendall(bytes([byte]))         # one in seven sends
assert read(f) == b"ABC"
s.sendall(struct.pack(">I", 5) + b"cut")
s.shutdown(socket.SHUT_WR)           # half closed within a frame: the end
assert f.read() == b""
f.close(); s.close()
for size in (1 << 20) + 1, 0xffffffff:
    s, f = connect()
    s.sendall(struct.pack(">I", size) + b"z" * 100_000)
    assert f.read() == bytes(4)      # an empty frame, and the end
    f.close(); s.close()
s, f = connect()
s.sendall(struct.pack(">I", 2) + b"ok")
assert read(f) == b"OK"
`;

for (const engine of ENGINES) {
  lawWith(
    ["nc"],
    `echo_tcp --engine ${engine} answers nc, which closes its sending side first`,
    async () => {
      await using server = await Server.start("echo_tcp", "--port", "0", "--engine", engine);
      const nc = new Deno.Command("nc", {
        args: ["-N", "127.0.0.1", String(server.port)],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const text = "hello from nc\n".repeat(20_000);
      const writer = nc.stdin.getWriter();
      const wrote = writer.write(new TextEncoder().encode(text)).then(() => writer.close());
      const { code, stdout } = await nc.output();
      await wrote;
      assertEquals(code, 0);
      assert(new TextDecoder().decode(stdout) === text.toUpperCase());
    },
  );

  lawWith(
    ["python3"],
    `echo_tcp --framed --engine ${engine} answers Python's frames, and refuses long ones`,
    async () => {
      const flags = ["--port", "0", "--framed", "--engine", engine];
      await using server = await Server.start("echo_tcp", ...flags);
      await python(FRAMES, server.port);
      const { code, err } = await server.stop();
      assertEquals({ code, err }, { code: 0, err: "" });
    },
  );

  if (engine === "sequential") continue; // there one slow client holds up the others, as it should

  lawWith(
    ["python3"],
    `A thousand slow clients hold nobody up (echo_tcp --framed --engine ${engine})`,
    async () => {
      const flags = ["--port", "0", "--framed", "--engine", engine];
      await using server = await Server.start("echo_tcp", ...flags);
      await python(
        `
import socket, struct, sys, time
to = ("127.0.0.1", int(sys.argv[1]))
slow = [socket.create_connection(to, timeout=10) for _ in range(1000)]
for s in slow: s.sendall(b"\\0")
s = socket.create_connection(to, timeout=10)
for i in range(50):
    began = time.time()
    for one in slow[i * 20:i * 20 + 20]: one.sendall(b"\\0\\0")
    s.sendall(struct.pack(">I", 2) + b"ok")
    assert s.recv(6) == struct.pack(">I", 2) + b"OK"
    assert time.time() - began < 2
`,
        server.port,
      );
      assertEquals((await server.stop()).code, 0);
    },
    40_000,
  );
}

/** time_server.ts asked by Python, and `--ask` beside servers that answer nonsense. */
import { assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { lawWith } from "../lib/programs.ts";
import { runExample, Server } from "./example.ts";

lawWith(
  ["python3"],
  "Python gets daytime, time and SNTP by TCP and UDP, and silence for what is no question",
  async () => {
    await using server = await Server.start("time_server", "--port", "0");
    const program = `
import re, socket, struct, sys, time
n = int(sys.argv[1])
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(5)
def tcp(port):
    s = socket.create_connection(("127.0.0.1", port)); data = b""
    while chunk := s.recv(100): data += chunk
    return data
def udp(port, data=b""):
    u.sendto(data, ("127.0.0.1", port)); return u.recv(1000)
for text in tcp(n), udp(n):
    stamp = time.strptime(text.decode(), "%A, %B %d, %Y %H:%M:%S-UTC\\r\\n")
    import calendar
    assert abs(calendar.timegm(stamp) - time.time()) < 3, text
for data in tcp(n + 1), udp(n + 1):
    assert abs(struct.unpack(">I", data)[0] - 2208988800 - time.time()) < 3
u.settimeout(0.2)
for bad in b"", bytes(47), bytes([0x20]) + bytes(47), bytes([0x03]) + bytes(47), bytes([0x2b]) + bytes(47), bytes([0x24]) + bytes(47):
    try: udp(n + 2, bad); assert False, bad
    except socket.timeout: pass
u.settimeout(5)
for version in 1, 2, 3, 4:
    for mode in 1, 3:
        ask = bytes([version << 3 | mode, 0, 6]) + bytes(37) + b"transmit" + b"beyond"
        answer = udp(n + 2, ask)
        assert len(answer) == 48
        assert answer[0] == version << 3 | 4 and answer[1] == 1 and answer[12:16] == b"LOCL"
        assert answer[24:32] == b"transmit"
        for at in 32, 40:
            s, f = struct.unpack(">II", answer[at:at + 8])
            assert abs(s + f / 2**32 - 2208988800 - time.time()) < 3
print("right")
`;
    const { stdout, stderr } = await new Deno.Command("python3", {
      args: ["-c", program, String(server.port)],
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(new TextDecoder().decode(stdout), "right\n");
    for (const port of [server.port + 2, server.port]) {
      const asked = await runExample("time_server", ["--ask", String(port)]);
      assertMatch(asked.out, /^offset -?\d+\.\d{3} delay \d+\.\d{3}\n$/);
      assertEquals(asked.code, 0);
    }
    const { code, out } = await server.stop();
    assertEquals([code, out.split("\n").length], [0, 4]);
  },
);

/** Answers every question with what `change` makes of a right answer. */
function badServer(change: (answer: Uint8Array, view: DataView) => Uint8Array | void) {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const done = (async () => {
    for await (const [question, from] of socket) {
      const answer = new Uint8Array(48);
      answer.set([0x24, 1]);
      answer.set(question.subarray(40, 48), 24);
      answer.fill(1, 32);
      await socket.send(change(answer, new DataView(answer.buffer)) ?? answer, from);
    }
  })();
  return { port: (socket.addr as Deno.NetAddr).port, close: () => (socket.close(), done) };
}

law("--ask says in one line why an answer is no good, and exits 1", async () => {
  const bad: Parameters<typeof badServer>[0][] = [
    (_, view) => view.setUint8(31, view.getUint8(31) ^ 1),
    (_, view) => view.setUint8(1, 0),
    (_, view) => view.setUint8(0, 0xe4),
    (_, view) => view.setUint8(0, 0x23),
    (answer) => void answer.fill(0, 40),
    (answer) => answer.subarray(0, 47),
    () => new Uint8Array(0),
  ];
  await Promise.all(bad.map(async (change) => {
    const server = badServer(change);
    const asked = await runExample("time_server", ["--ask", String(server.port)]);
    assertEquals([asked.code, asked.out], [1, ""]);
    assertMatch(asked.err, /^Cannot use the answer: [^\n]+\n$/);
    await server.close();
  }));
});

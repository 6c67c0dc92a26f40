/** chat_udp.ts beside a client that is not ours, and beside nonsense. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { pack } from "../../examples/lib/chat/room.ts";
import { law } from "../lib/law.ts";
import { lawWith } from "../lib/programs.ts";
import { harmNobody, roomOf, say } from "./chat_room.ts";
import { runExample, Server } from "./example.ts";

const text = new TextEncoder();

const isError = ([, message]: readonly [string, { type: string }]) => message.type === "error";

law("joined and left go to all, said to all but the sender, told to one", () => {
  const room = roomOf("a", "b");
  const joined = { type: "joined", name: "c" };
  assertEquals(say(room, "@c", { type: "join", name: "c" }), [["@a", joined], ["@b", joined], [
    "@c",
    joined,
  ]]);
  assertEquals(say(room, "@c", { type: "join", name: "c" }), [["@c", joined]]);
  const said = { type: "said", from: "a", text: "hi" };
  assertEquals(say(room, "@a", { type: "say", text: "hi" }), [["@b", said], ["@c", said]]);
  const told = { type: "told", from: "a", text: "hi" };
  assertEquals(say(room, "@a", { type: "to", name: "b", text: "hi" }), [["@b", told]]);
  const left = { type: "left", name: "a" };
  assertEquals(say(room, "@a", { type: "leave" }), [["@a", left], ["@b", left], ["@c", left]]);
  assertEquals(say(room, "@x", { type: "who" }), [["@x", { type: "who", names: ["b", "c"] }]]);
  assertEquals(say(room, "@x", { type: "ping" }), [["@x", { type: "pong" }]]);
});

law("Nonsense gets an error, alone to its sender; an error gets nothing", () => {
  const room = roomOf("a", "b");
  const nonsense: [string, unknown][] = [
    ["@a", text.encode("{")],
    ["@a", new Uint8Array([0x7b, 0xff, 0x7d])],
    ["@a", new Uint8Array(0)],
    ["@a", text.encode(`{"type":"say","text":"${"x".repeat(1200)}"}`)],
    ["@a", [1]],
    ["@a", null],
    ["@a", {}],
    ["@a", { type: "__proto__" }],
    ["@a", { type: "say" }],
    ["@a", { type: "say", text: 5 }],
    ["@a", { type: "to", name: "nobody", text: "x" }],
    ["@a", { type: "join", name: "other" }],
    ["@c", { type: "join", name: "a" }],
    ["@c", { type: "say", text: "x" }],
    ["@c", { type: "to", name: "a", text: "x" }],
    ["@c", { type: "leave" }],
    ...["", "a b", "a\tb", "a\u00a0b", "\x07", "\u0085", "x".repeat(33), "\ud800", 5, null].map((
      name,
    ) => ["@c", { type: "join", name }] as [string, unknown]),
    ["@a", { type: "say", text: "x".repeat(1165) }], // fits as it comes, not with `from`
  ];
  for (const [from, message] of nonsense) {
    const out = say(room, from, message);
    assert(out.length === 1 && out[0]![0] === from && isError(out[0]!), JSON.stringify(message));
  }
  assertEquals(say(room, "@a", { type: "error", message: "from another server" }), []);
  for (const name of ["😀".repeat(32), "é", "\u200b"]) {
    assertEquals(say(roomOf(), "@c", { type: "join", name }), [["@c", { type: "joined", name }]]);
  }
});

law("who lists everybody, sorted, in datagrams of at most 1200 bytes", () => {
  const names = Array.from(
    { length: 300 },
    (_, i) => `${i % 3 === 0 ? "😀" : "z"}name${i * 7919 % 300}`,
  );
  const room = roomOf(...names);
  const out = room.receive(pack({ type: "who" }), "@x", 0);
  assert(out.length > 1 && out.every(({ data }) => data.length <= 1200));
  const listed = out.flatMap(({ data }) => JSON.parse(new TextDecoder().decode(data)).names);
  const bytes = (name: string) =>
    [...text.encode(name)].map((byte) => byte.toString(16).padStart(2, "0")).join();
  assertEquals(listed, names.toSorted((a, b) => bytes(a) < bytes(b) ? -1 : 1));
});

law("One who is silent for too long has left; any datagram breaks a silence", () => {
  const room = roomOf("a", "b");
  say(room, "@b", text.encode("nonsense"), 100);
  const left = room.expire(50).map((
    { to, data },
  ) => [to, JSON.parse(new TextDecoder().decode(data))]);
  assertEquals(left, [["@a", { type: "left", name: "a" }], ["@b", { type: "left", name: "a" }]]);
  assertEquals(say(room, "@x", { type: "who" }), [["@x", { type: "who", names: ["b"] }]]);
});

law("10 000 malformed datagrams harm nobody", () => harmNobody(10_000));

lawWith(["python3"], "Python clients talk; one that vanishes is noticed", async () => {
  await using server = await Server.start("chat_udp", "--port", "0", "--silence", "400");
  const program = `
import json, socket, sys, time
to = ("127.0.0.1", int(sys.argv[1]))
def make():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(to); return s
def send(s, **message): s.send(json.dumps(message).encode())
def recv(s): return json.loads(s.recv(2000))
a, b = make(), make()
send(a, type="join", name="a"); assert recv(a) == {"type": "joined", "name": "a"}
send(b, type="join", name="b"); assert recv(a) == recv(b) == {"type": "joined", "name": "b"}
send(a, type="say", text="zażółć"); assert recv(b) == {"type": "said", "from": "a", "text": "zażółć"}
b.send(b"\\xff"); assert recv(b)["type"] == "error"
for i in range(8):
    time.sleep(0.1); send(a, type="ping"); 
while (got := recv(a)) == {"type": "pong"}: pass
assert got == {"type": "left", "name": "b"}, got
send(b, type="leave"); assert recv(b) == {"type": "left", "name": "b"}; assert recv(b)["type"] == "error"
`;
  const { stderr } = await new Deno.Command("python3", {
    args: ["-c", program, String(server.port)],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  const { code, err } = await server.stop();
  assertEquals({ code, err }, { code: 0, err: "" });
});

law(
  "--join talks until its stdin ends, prints controls visibly, and exits 1 if the name is in use",
  async () => {
    await using server = await Server.start("chat_udp", "--port", "0");
    const bob = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const to: Deno.NetAddr = { transport: "udp", hostname: "127.0.0.1", port: server.port };
    await bob.send(pack({ type: "join", name: "bob" }), to);
    await bob.receive();
    const args = ["--join", String(server.port), "--name"];
    const taken = await runExample("chat_udp", [...args, "bob"], { input: "" });
    assertEquals([taken.code, taken.out], [1, ""]);
    assertMatch(taken.err, /^[^\n]*in use\n$/);
    const joined = runExample("chat_udp", [...args, "ada"], {
      input: "hello\n/to bob psst\n/who\n/to nobody x\n",
    });
    const heard: string[] = [];
    for (let i = 0; i < 4; i++) {
      heard.push(new TextDecoder().decode((await bob.receive())[0]));
      if (i === 0) await bob.send(pack({ type: "to", name: "ada", text: "\x1b[2J" }), to);
    }
    assertEquals(heard, [
      '{"type":"joined","name":"ada"}',
      '{"type":"said","from":"ada","text":"hello"}',
      '{"type":"told","from":"ada","text":"psst"}',
      '{"type":"left","name":"ada"}',
    ]);
    bob.close();
    const { code, out, err } = await joined;
    assertEquals({ code, err }, { code: 0, err: "" });
    assert(out.includes("* here: ada bob\n") && out.includes("! nobody of that name"), out);
    assert(out.includes("bob (to you): \\u{1b}[2J\n"), out);
    const bad = [
      ["--join", "1"],
      ["--join", "1", "--name", "a b"],
      ["--port", "1", "--join", "1"],
      ["--silence", "0"],
    ];
    for (const args of bad) assertEquals((await runExample("chat_udp", args)).code, 2);
  },
);

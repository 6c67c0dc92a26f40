import { assert, assertEquals, assertThrows } from "@std/assert";
import { alarm, bindDatagram, connect, listen, run, signals } from "@weft/weft";
import { law } from "../lib/law.ts";
import { tcpPair } from "../lib/sockets.ts";

/** Something that a careless caller passes. */
// deno-lint-ignore no-explicit-any
const wrong = (value: unknown): any => value;

law("Sockets refuse counts that are no counts", () =>
  run(function* () {
    const [socket] = yield* tcpPair();
    for (const n of [0, -1, 1.5, NaN, Infinity, wrong("5"), wrong(null)]) {
      assertThrows(() => socket.recv(n), RangeError, String(n));
      assertThrows(() => socket.tryRecv(n), RangeError, String(n));
    }
    for (const n of [-1, 1.5, NaN, wrong(undefined)]) {
      assertThrows(() => socket.recvExactly(n), RangeError, String(n));
    }
  }));

law("Sockets refuse data that are no bytes, and say what to do with text", () =>
  run(function* () {
    const [socket] = yield* tcpPair();
    assertThrows(() => socket.sendAll(wrong("text")), TypeError, "TextEncoder");
    for (const data of [undefined, null, 5, [1, 2], new ArrayBuffer(4)]) {
      assertThrows(() => socket.send(wrong(data)), TypeError, "Uint8Array");
      assertThrows(() => socket.trySend(wrong(data)), TypeError, "Uint8Array");
    }
  }));

law("listen(), connect() and bindDatagram() refuse ports that are no ports", () => {
  for (const port of [70_000, -1, 1.5, NaN, wrong("80")]) {
    assertThrows(() => listen({ port }), RangeError, String(port));
    assertThrows(() => connect({ port }), RangeError, String(port));
    assertThrows(() => bindDatagram({ port }), RangeError, String(port));
  }
  assertThrows(() => connect(wrong({})), RangeError, "undefined");
});

law("listen(), connect() and bindDatagram() refuse transports that there are not", () => {
  assertThrows(() => listen(wrong({ transport: "udp", port: 1 })), TypeError, "bindDatagram()");
  assertThrows(() => connect(wrong({ transport: "quic", port: 1 })), TypeError, '"quic"');
  assertThrows(() => bindDatagram(wrong({ transport: "tcp" })), TypeError, "listen()");
  assertThrows(() => listen(wrong({ transport: "unix" })), TypeError, "path");
  assertThrows(() => connect({ transport: "unix", path: "" }), TypeError, "path");
});

law("Timeouts that are no times are refused", () =>
  run(function* () {
    const [socket] = yield* tcpPair();
    for (const ms of [-1, NaN, wrong("5")]) {
      assertThrows(() => socket.timeout = ms, RangeError);
      assertThrows(() => listen({ timeout: ms }), RangeError);
      assertThrows(() => connect({ port: 1, timeout: ms }), RangeError);
      assertThrows(() => alarm(ms), RangeError);
      assertThrows(() => alarm(1, { every: ms }), RangeError);
    }
    assertThrows(() => alarm(1, { every: 0 }), RangeError, "period");
    assertEquals(socket.timeout, undefined);
  }));

law("Datagram sockets refuse addresses that are none", () =>
  run(function* () {
    yield;
    using socket = bindDatagram({ hostname: "127.0.0.1" });
    const data = new Uint8Array(1);
    assertThrows(() => socket.sendTo(data, wrong({ port: 5 })), TypeError, "hostname");
    assertThrows(() => socket.sendTo(data, { hostname: "127.0.0.1", port: 70_000 }), RangeError);
    assertThrows(() => socket.sendTo(wrong("x"), socket.localAddr), TypeError, "Uint8Array");
    assertThrows(() => socket.recvFrom(-1), RangeError);
    assertThrows(() => socket.recvFrom(0.5), RangeError);
  }));

law("signals() refuses what cannot be listened for", () => {
  assertThrows(() => signals("SIGKILL"), TypeError);
  assertThrows(() => wrong(signals)(), TypeError, "SIGINT");
  assertThrows(() => signals("SIGUSR1", wrong("SIGNONSENSE")), TypeError);
});

law("Without Deno's unstable network functions the error says what to add", async () => {
  const source = `
    import { bindDatagram, listen } from ${JSON.stringify(import.meta.resolve("../../mod.ts"))};
    for (const f of [() => bindDatagram({}), () => listen({ reusePort: true })]) {
      try { f(); } catch (error) { console.log(error.message); }
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-lock", "--no-check", "-q", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { stdout } = await child.output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(lines.length, 2);
  for (const line of lines) assert(line.includes('"unstable": ["net"]'), line);
});

/** The node program, as a process: its flags, its lines, its exit codes. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { NatsServer, serverLaw, until } from "../lib/nats_server.ts";
import { MODULE, RawSubmitter } from "./raw_submitter.ts";

const PROGRAM = import.meta.resolve("../../src/cluster/node/main.ts");

/** Starts the program; a password or address of this machine's is not for it. */
function start(args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, ...args],
    env: { NO_COLOR: "1", NATS_URL: "", WEFT_RESULT_KEY: "", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<[number, string, string]> {
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return [code, text.decode(stdout), text.decode(stderr)];
}

law("The node program says in one line what is wrong with its flags", async () => {
  const cases: [string[], string][] = [
    [[], "give --servers"],
    [["--servers", "127.0.0.1:1"], "give --modules"],
    [["--servers", "127.0.0.1:1", "--modules", MODULE, "--workers", "two"], '--workers "two"'],
    [["--servers", "127.0.0.1:1", "--modules", MODULE, "--workers", "0"], "workers"],
    [["--servers", "127.0.0.1:1", "--modules", "./nowhere.ts"], "nowhere.ts"],
    [["--nosuch"], "--nosuch"],
  ];
  await Promise.all(cases.map(async ([args, part]) => {
    const [code, stdout, stderr] = await ended(start(args));
    assertEquals([code, stdout, stderr.trimEnd().split("\n").length], [2, "", 1], stderr);
    assert(stderr.includes(part), stderr);
  }));
  const [code, help] = await ended(start(["-h"]));
  assertEquals([code, help.split("\n")[0]!.startsWith("Usage:")], [0, true]);
});

law("The node program ends with 1 where there is no server within its time", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const servers = `127.0.0.1:${listener.addr.port}`;
  listener.close();
  const flags = ["--servers", servers, "--modules", MODULE, "--connect-timeout", "300"];
  const [code, , stderr] = await ended(start(flags));
  assertEquals(code, 1);
  assertMatch(stderr, /^Cannot reach a server of cluster weft within 300 ms/);
});

serverLaw("The node program finishes what runs at SIGTERM and hands back the rest", async () => {
  await using server = await NatsServer.start();
  await using submitter = await RawSubmitter.connect(server.url);
  const flags = ["--name", "lab", "--modules", MODULE, "--workers", "1", "--concurrency", "1"];
  const child = start([...flags, "--json", "--every", "0"], { NATS_URL: server.url });
  const output = ended(child);
  let first = "";
  await until(async () => {
    first = await submitter.submit("hold", [400]).catch(() => "");
    return first !== "";
  }, "the node has made the streams");
  const second = await submitter.submit("hold", [400]);
  await until(async () => await submitter.pending() === 0, "both are with the node");
  child.kill("SIGTERM");
  const [code, stdout, stderr] = await output;
  assertEquals([code, stderr], [0, ""]);
  const told = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(told.map(({ state, done }) => [state, done]), [["open", 0], ["closing", 1]]);
  assertEquals((await submitter.stored(first))?.value, "held");
  assertEquals([await submitter.stored(second), await submitter.left()], [null, 1]);
});

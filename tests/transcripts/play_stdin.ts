/** Plays a scenario about standard input in a child process, and is its line to the peers. */
import type { Peers } from "./peers.ts";
import type { GoldenLine, Scenario } from "./scenario.ts";

/** Plays it; gives what it had to say. */
export async function playStdin(scenario: Scenario, peers: Peers): Promise<GoldenLine[]> {
  const folder = await Deno.makeTempDir({ prefix: "weft-" });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const pipe = `${folder}/stdin`;
  await new Deno.Command("mkfifo", { args: [pipe] }).output();
  const { port } = listener.addr;
  const script = new URL("stdin_child.ts", import.meta.url).pathname;
  const child = new Deno.Command("sh", {
    // The shell opens the pipe, which takes until a peer opens its other end.
    args: ["-c", 'exec "$0" run -A --no-check "$1" "$2" "$3" <"$4"', ...[
      Deno.execPath(),
      script,
      String(port),
      scenario.name,
      pipe,
    ]],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const step = scenario.steps.find((step) => step.do === "stdin");
  if (step?.do !== "stdin") throw new Error(`Cannot play "${scenario.name}" here: it has no stdin`);
  await peers.ask("fifo", { as: step.peer, path: pipe });
  await relay(await listener.accept(), peers);
  const { stdout } = await child.output();
  await Deno.remove(folder, { recursive: true });
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Passes requests on to the peers and their answers back, strictly in turn, until the child hangs up. */
async function relay(connection: Deno.Conn, peers: Peers): Promise<void> {
  using _ = connection;
  const buffer = new Uint8Array(65536);
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    const { op, ...fields } = JSON.parse(new TextDecoder().decode(buffer.subarray(0, count)));
    const ok = await peers.ask(op, fields);
    await connection.write(new TextEncoder().encode(JSON.stringify({ ok: ok ?? null })));
  }
}

/**
 * Plays one scenario about standard input, which a process has once: so each gets a process of its own,
 * whose standard input is a pipe that a peer writes to. Its peers are asked through the one who started it.
 *
 *     deno run -A stdin_child.ts PORT NAME <PIPE
 */
import { expectedOf } from "./compare.ts";
import { DEVIATING } from "./deviations.ts";
import { play } from "./play.ts";
import type { Peers } from "./peers.ts";
import { readTranscripts } from "./read.ts";

const [port, name] = Deno.args;
const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
const buffer = new Uint8Array(65536);

const peers: Peers = {
  async ask(op, fields = {}) {
    await connection.write(new TextEncoder().encode(JSON.stringify({ op, ...fields })));
    const count = await connection.read(buffer);
    return JSON.parse(new TextDecoder().decode(buffer.subarray(0, count!))).ok;
  },
};

const { scenario, golden } = (await readTranscripts()).find(({ scenario }) =>
  scenario.name === name
)!;
const expected = expectedOf(golden, DEVIATING[scenario.name]);
console.log(JSON.stringify(await play(scenario, expected, peers)));
connection.close();

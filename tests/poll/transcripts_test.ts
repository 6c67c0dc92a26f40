/**
 * weft's registry against the transcripts of CPython's `select.poll`: equal, but for what is listed with its
 * reason. Needs `python3` for the peers; without it nothing is played.
 */
import { assert, assertEquals } from "@std/assert";
import { differences, expectedOf } from "../transcripts/compare.ts";
import { DEVIATING, REASONS, UNPLAYABLE } from "../transcripts/deviations.ts";
import { PeerProcess } from "../transcripts/peers.ts";
import { play } from "../transcripts/play.ts";
import { playStdin } from "../transcripts/play_stdin.ts";
import { readTranscripts } from "../transcripts/read.ts";
import { law } from "../lib/law.ts";

const transcripts = await readTranscripts();
const hasPython = await new Deno.Command("python3", { args: ["--version"] }).output()
  .then(({ success }) => success, () => false);
const peers = hasPython ? new PeerProcess() : null;
Deno.test.afterAll(() => peers?.[Symbol.asyncDispose]());
if (peers === null) Deno.test.ignore("poll() answers as CPython (needs python3)", () => {});

law(
  "the list of deviations names scenarios that exist, and differs from the golden answers",
  () => {
    const golden = new Map(transcripts.map((t) => [t.scenario.name, t.golden]));
    for (const [name, deviating] of Object.entries(DEVIATING)) {
      const lines = golden.get(name) ?? [];
      const places = differences(lines, expectedOf(lines, deviating));
      assertEquals([name, places.length], [name, deviating.lines.length]);
    }
    for (const name of Object.keys(UNPLAYABLE)) assert(golden.has(name), name);
  },
);

law("no more than one scenario in five deviates because Deno forces it to", () => {
  const forced = transcripts.filter(({ scenario: { name } }) => {
    const because = name in UNPLAYABLE ? [UNPLAYABLE[name]!] : DEVIATING[name]?.because ?? [];
    return because.some((reason) => REASONS[reason].cause === "forced");
  });
  assert(forced.length < transcripts.length * 0.2, `${forced.length} of ${transcripts.length}`);
});

for (const { scenario, golden } of transcripts) {
  const { name, kind } = scenario;
  if (name in UNPLAYABLE || peers === null) continue;
  const because = DEVIATING[name]?.because;
  const claim = because === undefined ? "as CPython" : `but for ${because.join(", ")}`;
  law(`poll() answers ${claim}: ${name}`, async () => {
    const expected = expectedOf(golden, DEVIATING[name]);
    const played = kind === "stdin"
      ? await playStdin(scenario, peers)
      : await play(scenario, expected, peers);
    assertEquals(played, expected);
  });
}

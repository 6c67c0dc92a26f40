/** weft's registry against the transcripts of CPython's `select.poll`: see `transcripts/laws.ts`. */
import { assert, assertEquals } from "@std/assert";
import { differences, expectedOf } from "../transcripts/compare.ts";
import { DEVIATING, REASONS, UNPLAYABLE } from "../transcripts/deviations.ts";
import { lawsOfTranscripts } from "../transcripts/laws.ts";
import { readTranscripts } from "../transcripts/read.ts";
import { law } from "../lib/law.ts";

const transcripts = await readTranscripts();

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

// Every third here, all of them in the sweep.
lawsOfTranscripts(transcripts.filter((_, index) => index % 3 === 0));

/**
 * Registers laws of weft's registry against the transcripts of CPython's `select.poll`: equal, but for what
 * is listed with its reason. Needs `python3` for the peers; without it nothing is played.
 */
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { hasProgram } from "../lib/programs.ts";
import { expectedOf } from "./compare.ts";
import { DEVIATING, UNPLAYABLE } from "./deviations.ts";
import { PeerProcess } from "./peers.ts";
import { play } from "./play.ts";
import { playStdin } from "./play_stdin.ts";
import type { Transcript } from "./scenario.ts";

/** Plays these: each takes a tenth of a second of waiting for what must not come. */
export function lawsOfTranscripts(transcripts: readonly Transcript[]): void {
  const peers = hasProgram("python3") ? new PeerProcess() : null;
  Deno.test.afterAll(() => peers?.[Symbol.asyncDispose]());
  if (peers === null) Deno.test.ignore("poll() answers as CPython (needs python3)", () => {});

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
}

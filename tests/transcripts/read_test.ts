import { assertEquals, assertThrows } from "@std/assert";
import { law } from "../lib/law.ts";
import { joinGolden, parseScenarios, readTranscripts } from "./read.ts";
import { DEVIATIONS, type GoldenLine } from "./scenario.ts";

/** A scenario file with one scenario of these steps. */
function fileOf(...steps: unknown[]): unknown {
  return [{ name: "n", kind: "k", about: "a", deviations: [], steps }];
}

law("readTranscripts() covers every kind of handle and explains no deviation in vain", async () => {
  const transcripts = await readTranscripts();
  const kinds = new Set(transcripts.map(({ scenario }) => scenario.kind));
  for (
    const kind of [
      "tcp listener",
      "tcp connection",
      "unix listener",
      "unix connection",
      "udp",
      "unixpacket",
      "pipe read end",
      "pipe write end",
      "stdin",
    ]
  ) assertEquals([kind, kinds.has(kind)], [kind, true]);
  const used = new Set(transcripts.flatMap(({ scenario }) => scenario.deviations));
  assertEquals([...used].sort(), Object.keys(DEVIATIONS).sort());
});

for (
  const [what, step] of [
    ["an unknown step", { do: "sing" }],
    ["an unknown field", { do: "listen", as: "L", kind: "tcp", port: 80 }],
    ["a missing field", { do: "listen", as: "L" }],
    ["a handle nobody made", { do: "close", handle: "S" }],
    ["a peer nobody made", { do: "peerClose", peer: "c" }],
    ["a mask of unknown names", { do: "register", fd: 1, mask: "IN|LOUD" }],
    ["neither a handle nor a number", { do: "unregister" }],
    ["a bad step beside a poll", { do: "poll", meanwhile: [{ do: "close", handle: "S" }] }],
  ] as const
) {
  law(`parseScenarios() refuses ${what}`, () => {
    assertThrows(() => parseScenarios(fileOf(step)), TypeError);
  });
}

law("parseScenarios() takes a scenario as it stands", () => {
  const file = fileOf({ do: "pair", kind: "tcp", as: "S", peer: "c" }, { do: "poll" });
  assertEquals<unknown>(parseScenarios(file), file);
});

law("joinGolden() refuses answers that were recorded from other steps", () => {
  const scenarios = parseScenarios(fileOf({ do: "poll" }));
  const answer: GoldenLine = { step: 0, do: "poll", ready: "" };
  assertEquals(joinGolden(scenarios, { n: [answer] })[0]?.golden, [answer]);
  assertThrows(() => joinGolden(scenarios, { n: [{ ...answer, do: "recv" }] }), TypeError);
  assertThrows(() => joinGolden(scenarios, {}), TypeError);
});

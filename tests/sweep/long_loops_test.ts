/**
 * What programs do for days leaves the heap level: a million turns of what they do most, in the fast lane, and
 * twenty-five thousand of all the rest, ten of what cancels a task at each turn, so that the sweep ends in time.
 */
import { assert } from "@std/assert";
import { law } from "../lib/law.ts";
import { combinatorLoops, leftBehind, promiseLoops } from "../lib/long_loops.ts";

const MILLIONS: ReadonlySet<string> = new Set([
  "race of operations",
  "withTimeout",
  "waitFirst of tasks",
  "group with a child",
]);

/** Each turn makes a cancel, with where it came from. */
const CANCELLING: ReadonlySet<string> = new Set(["race of bodies", "group that is cancelled"]);

function turnsOf(name: string, lane: "fast" | "async"): number {
  if (CANCELLING.has(name)) return 10_000;
  return lane === "fast" && MILLIONS.has(name) ? 1_000_000 : 25_000;
}

for (const loop of [...promiseLoops, ...combinatorLoops]) {
  for (const lane of ["fast", "async"] as const) {
    const turns = turnsOf(loop.name, lane);
    law(`${turns} turns of ${loop.name} keep the heap level (${lane} lane)`, async () => {
      const left = await leftBehind([loop], lane, turns);
      // Code that gets hot and tables that grow once take some of it.
      assert(left < 2_000_000 + turns, `${left} bytes`);
    }, 600_000);
  }
}

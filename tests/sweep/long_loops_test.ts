/** A million turns of each thing that programs do for days: the heap stays level. */
import { assert } from "@std/assert";
import { law } from "../lib/law.ts";
import { combinatorLoops, leftBehind, promiseLoops } from "../lib/long_loops.ts";

for (const loop of [...promiseLoops, ...combinatorLoops]) {
  for (const lane of ["fast", "async"] as const) {
    law(`a million turns of ${loop.name} keep the heap level (${lane} lane)`, async () => {
      const left = await leftBehind(loop, lane, 1_000_000);
      assert(left < 2_000_000, `${left} bytes`);
    }, 600_000);
  }
}

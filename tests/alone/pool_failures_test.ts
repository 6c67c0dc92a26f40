/** Failures of every kind in a row: nothing hangs, and the pool is as good as new. Thousands in the sweep. */
import { assertEquals } from "@std/assert";
import { law } from "../lib/law.ts";
import { injectFailures } from "../lib/pool_failures.ts";

law(
  "Forty failures leave no future unsettled, no job untold, and no worker behind",
  async () => {
    for (const withTasks of [false, true]) {
      const { wrong, threads: [before, after] } = await injectFailures(7, 20, withTasks);
      assertEquals([wrong, Math.max(0, after - before)], [[], 0]);
    }
  },
  120_000,
);

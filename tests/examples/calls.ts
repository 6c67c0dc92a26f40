/** How every example answers `--help`, flags that it does not know, and a lack of permissions. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { LIMIT_MS, ONE_LINE_WITH_FLAG, runExample } from "./example.ts";

/** Registers the laws: six processes an example, so for a few examples here and for all in the sweep. */
export function lawsOfCalls(names: readonly string[]): void {
  for (const name of names) {
    law(`${name} --help says what it is and ends well`, async () => {
      const { code, out, err } = await runExample(name, ["--help"]);
      assertEquals({ code, err }, { code: 0, err: "" });
      assertMatch(out, /^\S.*\n/);
      assertEquals(await runExample(name, ["-h"]), { code, out, err });
    });

    law(
      `${name} without any permission runs, or says in one line which flag it lacks`,
      async () => {
        const { code, err } = await runExample(name, [], { flags: [], limitMs: LIMIT_MS });
        assertMatch(err, code === 0 ? /^$/ : ONE_LINE_WITH_FLAG);
      },
      LIMIT_MS + 5000,
    );

    law(`${name} refuses what it does not know with one line and exit code 2`, async () => {
      for (const wrong of ["--frobnicate", "-x"]) {
        const { code, out, err } = await runExample(name, [wrong]);
        assertEquals({ code, out }, { code: 2, out: "" }, wrong);
        assertEquals(err.trim().split("\n").length, 1, err);
        assert(err.includes(wrong), err);
      }
    });
  }
}

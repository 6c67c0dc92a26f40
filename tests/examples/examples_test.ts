/** Every example as a reader would call it: alone, with `--help`, and wrongly. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { exampleNames, runExample } from "./example.ts";

/** These have tests of their own. */
const ELSEWHERE = ["throughput"];

/** Longer than any example runs, with room for a busy machine. */
const LIMIT_MS = 30_000;

for (const name of exampleNames()) {
  if (ELSEWHERE.includes(name)) continue;

  law(`${name} without arguments runs to its end with the permissions that it states`, async () => {
    const { code, out, err } = await runExample(name, [], { limitMs: LIMIT_MS });
    assertEquals({ code, err }, { code: 0, err: "" });
    assert(out.trim() !== "", "it says nothing");
  }, LIMIT_MS + 5000);

  law(`${name} --help says what it is and ends well`, async () => {
    const { code, out, err } = await runExample(name, ["--help"]);
    assertEquals({ code, err }, { code: 0, err: "" });
    assertMatch(out, /^\S.*\n/);
  });

  law(`${name} refuses what it does not know with one line and exit code 2`, async () => {
    for (const wrong of ["--frobnicate", "-x"]) {
      const { code, out, err } = await runExample(name, [wrong]);
      assertEquals({ code, out }, { code: 2, out: "" }, wrong);
      assertEquals(err.trim().split("\n").length, 1, err);
      assert(err.includes(wrong), err);
    }
  });
}

law("udp_boundaries shows that the rest of a datagram is dropped", async () => {
  const { out } = await runExample("udp_boundaries");
  assertMatch(out, /^recvFrom\(1\) gives "h"\nrecvFrom\(100\) gives "world"$/m);
});

law("sticky_packets shows two sends read as one, and kept apart by a header", async () => {
  const { out } = await runExample("sticky_packets");
  assertMatch(out, /received hel and loworld$/m);
  assertMatch(out, /received hello and world$/m);
});

law("signals lets a job end on SIGINT and cancels it on SIGTERM", async () => {
  const { out } = await runExample("signals");
  assertMatch(out, /^SIGINT\n {2}job \d+: done\nWorking/m);
  assertMatch(out, /^SIGTERM\n {2}job \d+: cleaned up after SIGTERM\nStopped/m);
});

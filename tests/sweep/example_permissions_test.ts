/** Every example with all the permissions that it states but one. */
import { assertMatch } from "@std/assert";
import { exampleNames, ONE_LINE_WITH_FLAG, runExample, statedFlags } from "../examples/example.ts";
import { law } from "../lib/law.ts";

/** What an example is given that states that it needs everything. */
const EVERYTHING = ["net", "read", "write", "run", "env", "sys"].map((name) => `--allow-${name}`);
/** Longer than any example runs, with room for a busy machine. */
const LIMIT_MS = 60_000;
/** What keeps an example short. */
const SHORT: Record<string, string[]> = {
  throughput: ["--quick", "--tasks=2", "--workload=io", "--engine=async"],
};

for (const name of exampleNames()) {
  const stated = statedFlags(name, []).flatMap((flag) =>
    flag === "-A" || flag === "--allow-all" ? EVERYTHING : [flag]
  );
  for (const left of stated) {
    law(`${name} without ${left} runs, or says in one line which flag it lacks`, async () => {
      const flags = stated.filter((flag) => flag !== left);
      const ended = await runExample(name, SHORT[name] ?? [], { flags, limitMs: LIMIT_MS });
      assertMatch(ended.err, ended.code === 0 ? /^$/ : ONE_LINE_WITH_FLAG);
    }, LIMIT_MS + 5000);
  }
}

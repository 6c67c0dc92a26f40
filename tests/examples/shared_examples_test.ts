/** What the examples of shared memory, queues and pipes must show. */
import { assert, assertMatch } from "@std/assert";
import { law } from "../lib/law.ts";
import { outputOf } from "./example.ts";

law("shared_memory shows counts lost without the lock, and none lost with it", async () => {
  const out = await outputOf("shared_memory");
  const lost = [...out.matchAll(/^without the lock: 4 × 100000 gave \d+, (\d+) lost/gm)];
  assert(lost.some(([, count]) => Number(count) > 0), out);
  assertMatch(out, /^with the lock: 4 × 100000 gave 400000, 0 lost/m);
  assertMatch(out, /^with add\(\): 4 × 100000 gave 400000, 0 lost/m);
  assertMatch(out, /^with the lock: 4000 in 4 accounts became 4000$/m);
}, 60_000);

law("pipes_queues shows answers, an end of file, and a producer held back", async () => {
  const out = await outputOf("pipes_queues");
  assertMatch(out, /^ {2}3² = 9$/m);
  assertMatch(out, /its other end is closed$/m);
  assertMatch(out, /^ {2}most in the queue at a time: [1-3]$/m);
  assertMatch(out, /^ {2}items consumed: 1001$/m);
}, 60_000);

/** Processes that throw all that can be thrown, and say all that none says; and many of them. */
import { assert, assertEquals } from "@std/assert";
import { WorkerProcess } from "@weft/weft";
import { law } from "../../lib/law.ts";
import { lawsOfOutcasts } from "../../lib/process_outcasts.ts";
import { targets } from "../../parallel/fixtures/process_thrown.ts";

lawsOfOutcasts(1);

law("Processes that fail or are garbled give their numbers back", async () => {
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 8; i++) {
    await Promise.all(Array.from({ length: 6 }, async (_, j) => {
      const process = new WorkerProcess({
        target: j % 2 === 0 ? targets.garbleWorker : targets.throwIt as never,
        args: (j % 2 === 0 ? [j] : ["revoked", "plain"]) as never,
        report: () => {},
      });
      process.start();
      assertEquals(await process.join(10_000), 1);
    }));
  }
  assert(Deno.memoryUsage().rss - before < 300e6);
}, 60_000);

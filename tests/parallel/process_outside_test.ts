/** Nothing that a process throws or says harms its parent: it ends, and says what could be said. */
import { assert, assertEquals } from "@std/assert";
import { WorkerProcess } from "@weft/weft";
import { law } from "../lib/law.ts";
import { lawsOfOutcasts } from "../lib/process_outcasts.ts";
import { targets } from "./fixtures/process_thrown.ts";

lawsOfOutcasts(5);

for (const backend of ["worker", "subprocess"] as const) {
  law(`A ${backend} whose failure cannot be reported ends all the same`, async () => {
    const process = new WorkerProcess({
      target: targets.throwIt,
      args: ["own", "plain"],
      backend,
      report: () => {
        throw new Error("the report of a test fails");
      },
    });
    process.start();
    assertEquals(await process.join(), 1);
  });
}

law("A last word with an error that cannot be read is a last word", async () => {
  const process = new WorkerProcess({
    target: targets.strangeEnd,
    backend: "subprocess",
    report: () => {},
  });
  process.start();
  await process.join(300);
  process.kill();
  assert([3, -9].includes((await process.join())!));
});

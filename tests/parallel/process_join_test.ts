/** join() as an operation: a checkpoint like any other, struck at every place, and in any order. */
import { assert, assertEquals } from "@std/assert";
import { moveOnAfter, run, spawn } from "@weft/weft";
import { assertCheckpoint, sweepCancel } from "@weft/weft/testing";
import { SystemClock } from "../../src/kernel/clock.ts";
import { activeChildren, WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { law } from "../lib/law.ts";
import * as work from "./fixtures/process_work.ts";
import { randomFrom } from "./fixtures/random.ts";

for (const backend of ["worker", "subprocess"] as const) {
  law(
    `join() of a ${backend} is a checkpoint, before the end and after`,
    () =>
      run(async function* () {
        const process = new WorkerProcess({ target: work.nothing, backend });
        process.start();
        assertEquals(yield* assertCheckpoint(process.join()), 0);
        assertEquals(yield* assertCheckpoint(process.join()), 0);
        assertEquals(yield* assertCheckpoint(process.join(1000)), 0);
      }),
  );

  law(`A body that joins a ${backend} may be struck anywhere, and leaves nothing`, async () => {
    const { checkpoints } = await sweepCancel(async function* () {
      await using process = new WorkerProcess({ target: work.nap, args: [5], grace: 5, backend });
      process.start();
      yield* process.join();
      yield* process.join(10);
    }, { clock: () => new SystemClock() });
    assert(checkpoints >= 2, `${checkpoints} checkpoints`);
    assertEquals(activeChildren(), []);
  });
}

law("Whoever joins while processes are ended at random hears of each end, once", async () => {
  const random = randomFrom(7);
  await run(async function* () {
    const processes = Array.from({ length: 8 }, (_, i) => {
      const backend = i % 2 === 0 ? "worker" : "subprocess";
      const ms = random(80);
      const process = new WorkerProcess({ target: work.nap, args: [ms], grace: 5, backend });
      process.start();
      return process;
    });
    const joiners = processes.flatMap((process) =>
      [0, 1].map(() =>
        spawn(async function* () {
          return yield* process.join();
        })
      )
    );
    for (const process of processes) {
      yield* moveOnAfter(random(20), process.join());
      const how = (["terminate", "kill", "stop", null] as const)[random(4)]!;
      if (how !== null) process[how]();
    }
    for (const [i, joiner] of joiners.entries()) {
      const code = yield* joiner.get();
      assertEquals(code, processes[i >> 1]!.exitCode);
      assert([0, -15, -9].includes(code!), `exit code ${code}`);
    }
  });
  assertEquals(activeChildren(), []);
}, 60_000);

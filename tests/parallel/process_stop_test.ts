/** The ways in which a process is asked to stop, and made to. */
import { assert, assertEquals } from "@std/assert";
import { run, sleep } from "@weft/weft";
import { activeChildren, WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";
import { untilNoted, withNotes } from "../lib/notes.ts";
import * as work from "./fixtures/process_work.ts";

for (const backend of ["worker", "subprocess"] as const) {
  const kind = `A ${backend}`;

  for (
    const [what, target, told] of [
      ["a task of the async lane", work.sleepAsTask, "up cleaned up"],
      ["a task of the fast lane that never waits", work.sleepInFastLane, "up cleaned up"],
      ["a plain async function at an operation", work.waitPlainly, "up shutdown"],
    ] as const
  ) {
    law(`${kind} that is asked to stop: ${what} is cancelled, exit code -15`, async () => {
      await withNotes(async (path) => {
        const process = new WorkerProcess({ target, args: [path], backend });
        process.start();
        await untilNoted(path, "up");
        process.stop();
        assertEquals(await process.join(), -15);
        assertEquals(process.error, undefined);
        assertEquals(Deno.readTextFileSync(path), told);
      });
    });
  }

  law(`${kind} that is asked to stop sees its signal abort, with the reason`, async () => {
    await withNotes(async (path) => {
      const process = new WorkerProcess({ target: work.waitForSignal, args: [path], backend });
      process.start();
      await untilNoted(path, "up");
      process.stop("enough");
      assertEquals(await process.join(), 0); // it returned
      assertEquals(Deno.readTextFileSync(path), "up enough");
    });
  });

  law(`${kind} that does not listen goes on, and is terminated`, async () => {
    await withNotes(async (path) => {
      const process = new WorkerProcess({ target: work.napFrom, args: [path, 60_000], backend });
      process.start();
      await untilNoted(path, "up");
      process.stop();
      assertEquals(await process.join(50), null);
      process.terminate();
      assertEquals(await process.join(), -15);
    });
  });

  law(`${kind} that is killed ends with exit code -9, at once after start too`, async () => {
    for (const ms of [0, 1, 20, 60]) {
      const process = new WorkerProcess({ target: work.nap, args: [60_000], backend });
      process.start();
      await new Promise((resolve) => setTimeout(resolve, ms));
      process.kill();
      process.kill();
      process.terminate();
      assertEquals(await process.join(), -9, `after ${ms} ms`);
    }
  });

  law(`${kind} is terminated at every stage of its start`, async () => {
    for (const ms of [0, 5, 20, 40, 80]) {
      const process = new WorkerProcess({ target: work.nap, args: [60_000], backend, grace: 20 });
      process.start();
      await new Promise((resolve) => setTimeout(resolve, ms));
      process.terminate();
      process.terminate();
      assertEquals(await process.join(), -15, `after ${ms} ms`);
    }
  });

  law(`${kind} that swallows its cancels is ended all the same`, async () => {
    await withNotes(async (path) => {
      const target = work.swallowCancels;
      const process = new WorkerProcess({ target, args: [path], backend, grace: 20 });
      process.start();
      await untilNoted(path, "up");
      process.terminate();
      assertEquals(await process.join(), -15);
    });
  });
}

law("A worker's loop that polls the flag, or the signal, sees a stop", async () => {
  for (const target of [work.spinUntilStopped, work.spinUntilAborted]) {
    await withNotes(async (path) => {
      const process = new WorkerProcess({ target, args: [path] });
      process.start();
      await untilNoted(path, "up");
      process.stop();
      assertEquals(await process.join(), 0);
    });
  }
});

law("A worker that was asked to stop before it began never calls its target", async () => {
  await withNotes(async (path) => {
    const process = new WorkerProcess({ target: work.napAndNote, args: [path, 0] });
    process.start();
    process.stop();
    assertEquals(await process.join(), -15);
    assertEquals(Deno.readTextFileSync(path), "");
  });
});

law("terminate() lets a worker clean up within its grace", async () => {
  await withNotes(async (path) => {
    const target = work.sleepAsTask;
    const process = new WorkerProcess({ target, args: [path], grace: 10_000 });
    process.start();
    await untilNoted(path, "up");
    process.terminate();
    assertEquals(await process.join(), -15);
    assertEquals(Deno.readTextFileSync(path), "up cleaned up");
  });
});

law("A worker that computes is given up, and no longer counts", async () => {
  await withNotes(async (path) => {
    const process = new WorkerProcess({ target: work.spinFor, args: [path, 600], grace: 10 });
    process.start();
    await untilNoted(path, "up");
    process.terminate();
    assertEquals(await process.join(), -15);
    assert(!activeChildren().includes(process));
  });
});

law(
  "A subprocess that computes for ever dies of SIGTERM, and of SIGKILL, and is reaped",
  async () => {
    for (const [how, code] of [["terminate", -15], ["kill", -9]] as const) {
      await withNotes(async (path) => {
        const target = work.spin;
        const process = new WorkerProcess({ target, args: [path], backend: "subprocess" });
        process.start();
        await untilNoted(path, "up");
        process[how]();
        assertEquals(await process.join(), code);
        if (Deno.build.os === "linux") assert(!isInProc(process.pid!), "it is still there");
      });
    }
  },
);

law("A subprocess that somebody else signals ends with that signal's code", async () => {
  const process = new WorkerProcess({
    target: work.nap,
    args: [60_000],
    backend: "subprocess",
  });
  process.start();
  Deno.kill(process.pid!, "SIGUSR1");
  assertEquals(await process.join(), -10);
});

law("A joiner in a run is woken when its process is terminated", async () => {
  await run(async function* () {
    const process = new WorkerProcess({ target: work.nap, args: [60_000] });
    process.start();
    yield* sleep(1);
    process.terminate();
    assertEquals(yield* process.join(), -15);
  });
});

law("A program ends by itself although a worker of it was given up", async () => {
  const ended = await runProgram(`
    import { WorkerProcess } from "./src/parallel/process/worker_process.ts";
    import { spin } from "./tests/parallel/fixtures/process_work.ts";
    const process = new WorkerProcess({ target: spin });
    process.start();
    await process.join(150);
    process.kill();
    console.log(await process.join());
  `);
  assertEquals(ended, { code: 0, stdout: "-9", stderr: "" });
});

function isInProc(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

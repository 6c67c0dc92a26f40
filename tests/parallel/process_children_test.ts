/** What becomes of children when whoever started them ends: a run, a process, a program. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Cancelled, run, sleep } from "@weft/weft";
import { activeChildren, WorkerProcess } from "../../src/parallel/process/worker_process.ts";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";
import { untilNoted, withNotes } from "../lib/notes.ts";
import * as work from "./fixtures/process_work.ts";

const kinds = ["worker", "subprocess"] as const;

for (const backend of kinds) {
  law(`A run waits for a ${backend} that is no daemon, and terminates one that is`, async () => {
    await withNotes(async (path) => {
      const args = [path, 100] as [string, number];
      const ordinary = new WorkerProcess({ target: work.napAndNote, args, backend });
      const daemon = new WorkerProcess({
        target: work.nap,
        args: [60_000],
        daemon: true,
        grace: 10,
        backend,
      });
      await run(async function* () {
        daemon.start();
        ordinary.start();
        yield* sleep(1);
      });
      assertEquals([ordinary.exitCode, daemon.exitCode], [0, -15]);
      assertEquals(Deno.readTextFileSync(path), "napped");
      assertEquals(activeChildren(), []);
    });
  });

  law(`A run that fails still waits for its ${backend}`, async () => {
    const process = new WorkerProcess({ target: work.nap, args: [50], backend });
    await assertRejects(
      () =>
        run(async function* () {
          process.start();
          yield* sleep(1);
          throw new Error("main failed");
        }),
      Error,
      "main failed",
    );
    assertEquals(process.exitCode, 0);
  });

  law(`A program does not end before its ${backend}, unless that is a daemon`, async () => {
    const ended = await runProgram(`
      import { WorkerProcess } from "./src/parallel/process/worker_process.ts";
      import { nap } from "./tests/parallel/fixtures/process_work.ts";
      const backend = "${backend}";
      const daemon = new WorkerProcess({ target: nap, args: [60_000], daemon: true, backend });
      daemon.start();
      const ordinary = new WorkerProcess({ target: nap, args: [100], backend });
      ordinary.start();
      addEventListener("unload", () => console.log(ordinary.exitCode, daemon.isAlive));
    `);
    assertEquals(ended, { code: 0, stdout: "0 true", stderr: "" });
  });

  law(`A program that joins its daemon ${backend} waits for it`, async () => {
    const ended = await runProgram(`
      import { WorkerProcess } from "./src/parallel/process/worker_process.ts";
      import { nap } from "./tests/parallel/fixtures/process_work.ts";
      const daemon = new WorkerProcess({
        target: nap, args: [100], daemon: true, backend: "${backend}" });
      daemon.start();
      console.log(await daemon.join(1), await daemon.join());
    `);
    assertEquals(ended, { code: 0, stdout: "null 0", stderr: "" });
  });

  for (const inner of kinds) {
    law(`A ${backend} waits for its own ${inner}, from a task and from plain code`, async () => {
      for (const target of [work.parentOf, work.plainParentOf]) {
        await withNotes(async (path) => {
          const process = new WorkerProcess({
            target,
            args: [inner, false, path, 100],
            name: "Process-7",
            backend,
          });
          process.start();
          assertEquals(await process.join(), 0);
          const noted = Deno.readTextFileSync(path);
          assert(/^Process-7:1( of Process-7)?;napped$/.test(noted), noted);
        });
      }
    });

    law(`A ${backend} ends its daemon ${inner} along with itself`, async () => {
      await withNotes(async (path) => {
        const process = new WorkerProcess({
          target: work.parentOf,
          args: [inner, true, path, 3000],
          backend,
        });
        process.start();
        assertEquals(await process.join(2500), 0);
        assert(!Deno.readTextFileSync(path).includes("napped"));
      });
    });
  }
}

law("Children end before the run gives back what they may be connected to", async () => {
  const order: string[] = [];
  const { schedulerOf } = await import("../../src/kernel/scheduler.ts");
  const { currentTask } = await import("@weft/weft");
  await run(async function* () {
    const { resources } = schedulerOf(currentTask());
    const process = new WorkerProcess({ target: work.nap, args: [20] });
    resources.add({ release: () => void order.push(`pipe after ${process.exitCode}`) });
    process.start();
    yield* sleep(1);
  });
  assertEquals(order, ["pipe after 0"]);
});

law("A run that is cancelled waits for ordinary children as well", async () => {
  const controller = new AbortController();
  const process = new WorkerProcess({ target: work.nap, args: [80] });
  await assertRejects(() =>
    run(async function* () {
      process.start();
      controller.abort();
      yield* process.join();
    }, { signal: controller.signal }), Cancelled);
  assertEquals(process.exitCode, 0);
});

law("A subprocess lives on when its parent is killed, and a daemon does not", async () => {
  await withNotes(async (path) => {
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", "--ext=ts", "-"],
      cwd: new URL("../../", import.meta.url),
      stdin: "piped",
      stdout: "null",
    }).spawn();
    const writer = parent.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`
      import { WorkerProcess } from "./src/parallel/process/worker_process.ts";
      import { napAndNote, sleepAsTask } from "./tests/parallel/fixtures/process_work.ts";
      const [path, backend] = [${JSON.stringify(path)}, "subprocess"];
      new WorkerProcess({ target: sleepAsTask, args: [path], daemon: true, backend }).start();
      new WorkerProcess({ target: napAndNote, args: [path, 600], backend }).start();
    `));
    await writer.close();
    await untilNoted(path, "up");
    parent.kill("SIGKILL");
    await parent.status;
    await untilNoted(path, "cleaned up");
    await untilNoted(path, "napped");
  });
});

law("A module that starts a process at its top level is told what to write", async () => {
  const ended = await runProgram(
    `await import("./tests/parallel/fixtures/process_unguarded.ts");`,
  );
  assertEquals(ended.stdout, "1");
  assertStringIncludes(ended.stderr, "a worker is only loading this module to find a job in it");
});

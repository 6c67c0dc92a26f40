/** What jobs write to the console, with the job and the worker that wrote it. */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type JobLogLine, WorkerCrashedError, WorkerPool } from "@weft/weft";
import { runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";
import {
  talk,
  talkAndExit,
  talkAsync,
  talkInAsyncTask,
  talkInTask,
  talkLater,
} from "./fixtures/talking.ts";
import { fib } from "./fixtures/work.ts";

law(
  "Each line is heard with its level, its job and its worker, before the job settles",
  async () => {
    const lines: JobLogLine[] = [];
    await using pool = new WorkerPool(1, { name: "talk", onLog: (line) => lines.push(line) });
    await pool.submit(talk, "all");
    const by = { job: "talk", worker: "talk worker 1" };
    assertEquals(lines, [
      { ...by, level: "debug", text: "debug all" },
      { ...by, level: "log", text: "all is 1" },
      { ...by, level: "info", text: "{ text: 'all' }" },
      { ...by, level: "warn", text: "[ 'all' ]" },
      { ...by, level: "error", text: "all" },
    ]);
  },
);

law(
  "Async jobs, task bodies in both lanes, and jobs that end their worker are heard, too",
  async () => {
    const lines: string[] = [];
    const onLog = ({ job, text }: JobLogLine): void => void lines.push(`${job} ${text}`);
    await using pool = new WorkerPool(1, { onLog });
    const names = ["talkAsync", "talkInTask", "talkInAsyncTask"];
    await pool.submit(talkAsync, "1");
    await pool.submit(talkInTask, "2");
    await pool.submit(talkInAsyncTask, "3");
    await assertRejects(async () => await pool.submit(talkAndExit, "4"), WorkerCrashedError);
    assertEquals(lines, [...names.map((name, i) => `${name} ${i + 1}`), "talkAndExit 4"]);
  },
);

law("What is written when no job runs has none", async () => {
  const { promise, resolve } = Promise.withResolvers<JobLogLine>();
  await using pool = new WorkerPool(1, { onLog: resolve });
  await pool.submit(talkLater, "late");
  const awake = setInterval(() => {}, 1000); // a pool without work does not keep the process alive
  const { job, text } = await promise;
  clearInterval(awake);
  assertEquals([job, text], [null, "late"]);
});

for (const how of ["at once", "later"]) {
  law(`An error of who hears, ${how}, is told, and harms no job`, async () => {
    const { code, stdout, stderr } = await runProgram(`
      import { WorkerPool } from "@weft/weft";
      import { talk } from "./tests/parallel/fixtures/talking.ts";
      await using pool = new WorkerPool(1, {
        name: "deaf",
        onLog: ${how === "later" ? "async" : ""} () => {
          throw new Error("no ears");
        },
      });
      console.log(await pool.submit(talk, "said"));
    `);
    assertEquals([code, stdout], [0, "said"]);
    assertEquals(stderr.split("\n")[0], "The option onLog of deaf threw: Error: no ears");
  });
}

law(
  "Without the option the console is left alone; one that is no function is refused",
  async () => {
    const { code, stdout } = await runProgram(`
    import { WorkerPool } from "@weft/weft";
    import { talkAsync } from "./tests/parallel/fixtures/talking.ts";
    await using pool = new WorkerPool(1);
    await pool.submit(talkAsync, "plainly");
  `);
    assertEquals([code, stdout], [0, "plainly"]);
    assertThrows(() => new WorkerPool(1, { onLog: 5 as never }), TypeError, "onLog");
    await using pool = new WorkerPool(1);
    assertEquals(await pool.submit(fib, 10), 55);
  },
);

/** A job with a time limit ends, whatever it does and whatever becomes of its worker. */
import { assertEquals, assertInstanceOf } from "@std/assert";
import { TimeoutError, WorkerPool } from "@weft/weft";
import { runProgram } from "../lib/child.ts";
import { lawsAboutEndless, lawsAboutLimits, outcomes } from "../lib/limits.ts";
import { law } from "../lib/law.ts";
import { echo } from "./fixtures/items.ts";
import { spinAbout, throwsUnnamed } from "./fixtures/limits.ts";
import { fib } from "./fixtures/work.ts";

lawsAboutLimits([[5, 40], [20, 10]]);
lawsAboutEndless(["returnsEndless", "throwsEndlessInTask"]);

law("A map and an imap of jobs that take about their limit end", async () => {
  await using pool = new WorkerPool(2, { grace: 30 });
  const times = Array.from({ length: 60 }, (_, i) => 4 + 2 * i / 60);
  const results = pool.imap(spinAbout, times, { timeout: 5 });
  let seen = 0;
  for (; seen < times.length; seen++) {
    try {
      const { done } = await results.next();
      assertEquals(done, false);
    } catch (error) {
      assertInstanceOf(error, TimeoutError);
    }
  }
  assertEquals((await results.next()).done, true);
  await Promise.allSettled([pool.map(spinAbout, times, { timeout: 5 })]);
  assertEquals(await pool.map(echo, [1, 2]), [1, 2]);
});

law("A limit ends what cannot be interrupted, and its worker is replaced", async () => {
  // In a process of its own: its threads compute on until that ends.
  const fifo = `${await Deno.makeTempDir()}/fifo`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  const jobs = ["inspectForEver", "statForEver", "formatForEver", "runForEver", "waitForEver"];
  const { code, stdout, stderr } = await runProgram(
    `
    import { WorkerPool } from "@weft/weft";
    import * as jobs from "./tests/parallel/fixtures/limits.ts";
    import { fib } from "./tests/parallel/fixtures/work.ts";
    for (const name of ${JSON.stringify(jobs)}.concat("readFrom")) {
      const pool = new WorkerPool(1);
      await pool.submit(fib, 1);
      const future = pool.with({ timeout: 20 }).submit(jobs[name], ${JSON.stringify(fifo)});
      const error = await future.then(() => null, (error) => error);
      console.log(name, error?.name, await pool.submit(fib, 5));
      pool.terminate();
    }
    Deno.exit(0);
  `,
    30_000,
  );
  const lines = [...jobs, "readFrom"].map((name) => `${name} TimeoutError 5`);
  assertEquals([code, stdout.trim().split("\n")], [0, lines], stderr);
}, 40_000);

law(
  "A cancel ends a job whose result never ends to be read, and every job of its batch settles",
  async () => {
    const { code, stdout, stderr } = await runProgram(
      `
    import { WorkerPool } from "@weft/weft";
    import { returnsEndless } from "./tests/parallel/fixtures/limits.ts";
    import { echo } from "./tests/parallel/fixtures/items.ts";
    for (const before of [0, 1, 100]) {
      await using pool = new WorkerPool(1, { grace: 20 });
      await pool.submit(echo, 0);
      const innocent = () => Array.from({ length: before }, (_, i) => pool.submit(echo, i));
      const first = innocent();
      const culprit = pool.submit(returnsEndless);
      const others = [...first, ...innocent(), pool.submit(echo, 7)];
      setTimeout(() => culprit.cancel(), 50);
      const ends = await Promise.allSettled([...others, culprit]);
      const wrong = ends.filter((end) => end.status === "rejected" && !/Cancelled|WorkerCrashedError/.test(end.reason.name));
      console.log(before, ends.at(-1).reason.name, wrong.length, await pool.submit(echo, 9));
      pool.terminate();
    }
    Deno.exit(0);
  `,
      30_000,
    );
    const lines = [0, 1, 100].map((before) => `${before} Cancelled 0 9`);
    assertEquals([code, stdout.trim().split("\n")], [0, lines], stderr);
  },
  40_000,
);

law("What a limited job throws is not looked at by what limits it", async () => {
  await using pool = new WorkerPool(1);
  const error = await pool.with({ timeout: 5_000 }).submit(throwsUnnamed).then(
    () => null,
    (error) => error,
  );
  assertInstanceOf(error, Error);
  assertEquals(error.message, "its name throws");
});

law("A limit ends a job whose module never loads", async () => {
  await using pool = new WorkerPool(1, { grace: 20 });
  const url = import.meta.resolve("./fixtures/never_loaded.ts");
  const { f } = pool.use<typeof import("./fixtures/never_loaded.ts")>(url);
  const found = await outcomes([pool.with({ timeout: 50 }).submit(f)]);
  assertEquals(found, ["TimeoutError"]);
  assertEquals(await pool.submit(fib, 10), 55);
});

law("A limit does not keep a process alive whose jobs are done", async () => {
  const { code, stdout } = await runProgram(`
    import { WorkerPool } from "@weft/weft";
    import { fib } from "./tests/parallel/fixtures/work.ts";
    import { nap } from "./tests/parallel/fixtures/work.ts";
    const pool = new WorkerPool(1);
    console.log(await pool.with({ timeout: 60_000 }).submit(fib, 10));
    console.log(await pool.with({ timeout: 60_000 }).submit(nap, 5));
  `);
  assertEquals([code, stdout.trim()], [0, "55\n5"]);
});

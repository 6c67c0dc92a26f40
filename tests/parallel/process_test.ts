/** What becomes of a process that has a pool: it ends by itself, whatever its workers are at. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Ended, runProgram } from "../lib/child.ts";
import { law } from "../lib/law.ts";

/** Runs a program that has the jobs of `fixtures/work.ts` at hand. */
function runWithJobs(text: string): Promise<Ended> {
  return runProgram(`
    import { run, sleep, WorkerPool } from "@weft/weft";
    import * as work from "./tests/parallel/fixtures/work.ts";
    const { add, burn, fib, hang, lateThrow, nap, orphan, spin, throwFull } = work;
    ${text}
  `);
}

law("A process ends by itself although its idle pool was never closed", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(2);
    console.log(await pool.submit(fib, 10), await pool.map(fib, [1, 2, 3]));
  `);
  assertEquals(ended, { code: 0, stdout: "55 [ 1, 1, 2 ]", stderr: "" });
});

law("A process does not end before the jobs of its pool", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(2);
    pool.submit(nap, 100).link((future) => console.log("napped", future.value));
  `);
  assertEquals(ended, { code: 0, stdout: "napped 100", stderr: "" });
});

law("A process ends by itself after a pool was closed, or terminated", async () => {
  const ended = await runWithJobs(`
    const closed = new WorkerPool(2);
    closed.submit(nap, 50).link(() => console.log("done"));
    closed.close();
    const terminated = new WorkerPool(2);
    terminated.submit(nap, 5000);
    terminated.submit(hang);
    terminated.terminate();
    await terminated.join();
    console.log("joined");
  `);
  assertEquals(ended, { code: 0, stdout: "joined\ndone", stderr: "" });
});

law("A process ends by itself although a job computes for ever", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(2);
    await pool.submit(fib, 1);
    const future = pool.submit(spin);
    while (!future.running) await new Promise((resolve) => setTimeout(resolve, 1));
    pool.terminate();
    await pool.join();
    console.log(future.cancelled);
  `);
  assertEquals(ended, { code: 0, stdout: "true", stderr: "" });
});

law("A process ends by itself after a run whose job computes for ever", async () => {
  const ended = await runWithJobs(`
    await run(async function* () {
      const pool = new WorkerPool(1);
      yield* pool.submit(fib, 1);
      pool.submit(spin);
      yield* sleep(50);
    });
    console.log("run is over");
  `);
  assertEquals(ended, { code: 0, stdout: "run is over", stderr: "" });
});

law("A process ends by itself after a job that computes for ever was cancelled", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(1);
    await pool.submit(fib, 1);
    const future = pool.submit(spin);
    while (!future.running) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(future.cancel(), await pool.submit(fib, 10));
  `);
  assertEquals(ended, { code: 0, stdout: "kill 55", stderr: "" });
});

law("Errors in workers print nothing by themselves", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(1, { warn: (text) => console.log(text) });
    await Promise.allSettled([
      pool.submit(throwFull, "observed"),
      pool.submit(lateThrow),
      pool.submit(orphan),
      pool.submit(nap, 20),
      pool.submit(work.exitWorker),
      pool.submit(work.closeWorker),
    ]);
    console.log("end");
  `);
  assertEquals([ended.code, ended.stderr], [0, ""]);
  assertEquals(ended.stdout.split("\n").length, 3);
});

law("A failure that nobody observes outside of runs is an unhandled rejection", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(1);
    pool.submit(throwFull, "unseen");
  `);
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.stderr, "FullError: unseen");
});

law("A failure that is observed in time, or by a handler, is not", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(1);
    const [bad, good] = [pool.submit(throwFull, "one"), pool.submit(nap, 20)];
    bad.link(() => {});
    await good;
    await bad.then(null, (error) => console.log("caught", error.message));
    try {
      await pool.submit(throwFull, "two");
    } catch (error) {
      console.log("caught", error.message);
    }
    await Promise.allSettled([pool.submit(throwFull, "three")]);
    const chained = pool.submit(throwFull, "four").then(() => 1);
    await Promise.resolve(chained).catch((error) => console.log("caught", error.message));
  `);
  assertEquals(ended, { code: 0, stdout: "caught one\ncaught two\ncaught four", stderr: "" });
});

law("A handler that throws is an unhandled rejection, as with any promise", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(1);
    pool.submit(fib, 1).then(() => { throw new Error("in a handler"); });
  `);
  assertEquals(ended.code, 1);
  assertStringIncludes(ended.stderr, "in a handler");
});

law(
  "A program of one file that forgot to guard its main part gets an error that says so",
  async () => {
    const ended = await runProgram(`await import("./tests/parallel/fixtures/unguarded.ts");`);
    assertEquals([ended.code, ended.stdout], [1, ""]);
    assertStringIncludes(ended.stderr, "a worker is only loading this module to find a job in it");
    assertStringIncludes(ended.stderr, 'put the main program under "if (import.meta.main)"');
  },
);

law("A process ends by itself although a stream of results was left half read", async () => {
  const ended = await runWithJobs(`
    const pool = new WorkerPool(2);
    const endless = function* () { for (;;) yield 10; };
    const stream = pool.imap(fib, endless(), { window: 20 });
    console.log((await stream.next()).value);
  `);
  assertEquals(ended, { code: 0, stdout: "55", stderr: "" });
});

/** Jobs that take about as long as they may: every one ends, in time or by its limit. */
import { assert, assertEquals } from "@std/assert";
import { WorkerPool } from "@weft/weft";
import { spinAbout, spinAfterAwaiting, spinInTask } from "../parallel/fixtures/limits.ts";
import { fib } from "../parallel/fixtures/work.ts";
import { runProgram } from "./child.ts";
import { law } from "./law.ts";

/** What came of each: its value, or the name of its error. */
export async function outcomes(futures: readonly PromiseLike<unknown>[]): Promise<unknown[]> {
  const results = await Promise.allSettled(futures);
  return results.map((result) => result.status === "fulfilled" ? result.value : result.reason.name);
}

/** Registers laws of so many calls under a limit each, in milliseconds: a second of work for 200 under 5. */
export function lawsAboutLimits(cases: readonly (readonly [limit: number, calls: number])[]): void {
  for (const [limit, calls] of cases) {
    for (const job of [spinAbout, spinAfterAwaiting, spinInTask]) {
      law(`Jobs that take about their limit of ${limit} ms all end: ${job.name}`, async () => {
        await using pool = new WorkerPool(2, { grace: 30 });
        const sender = pool.with({ timeout: limit });
        const times = Array.from(
          { length: calls },
          (_, i) => limit - 1 + 2 * (i * 7919 % 101) / 101,
        );
        const found = await outcomes(times.map((ms) => sender.submit(job as typeof spinAbout, ms)));
        for (const [i, outcome] of found.entries()) {
          // Those that share a worker with a task that computes may go down with it.
          const fits = outcome === times[i] || outcome === "TimeoutError" ||
            (job.name === "spinInTask" && outcome === "WorkerCrashedError");
          assert(fits, `${times[i]} came to ${outcome}`);
        }
        assertEquals(await outcomes([0, 1, 2, 3].map((n) => pool.submit(fib, n))), [0, 1, 1, 2]);
      }, 60_000);
    }
  }
}

/**
 * Registers a law for each of these jobs, whose result or error has a getter that never ends. Each is in a
 * process of its own: its thread computes on until that ends.
 */
export function lawsAboutEndless(names: readonly string[]): void {
  for (const name of names) {
    law(
      `A limit ends a job that never ends to be read, and harms no other job: ${name}`,
      async () => {
        const { code, stdout, stderr } = await runProgram(`
        import { WorkerPool } from "@weft/weft";
        import { ${name} } from "./tests/parallel/fixtures/limits.ts";
        import { echo } from "./tests/parallel/fixtures/items.ts";
        const pool = new WorkerPool(1);
        await pool.submit(echo, 0);
        const limited = pool.with({ timeout: 200 });
        const jobs = [limited.submit(echo, 1), limited.submit(${name}), limited.submit(echo, 2), pool.submit(echo, 3)];
        const ends = await Promise.allSettled(jobs);
        console.log(...ends.map((end) => end.value ?? end.reason.name));
        Deno.exit(0);
      `);
        assertEquals([code, stdout.trim()], [0, "1 TimeoutError 2 3"], stderr);
      },
    );
  }
}

/**
 * One cell, as a process of its own: takes an order as its argument, and prints what it measured as a
 * line of JSON.
 *
 * Before the clock starts, a few tasks run on the same engine. So workers are up, modules are loaded
 * and the hot functions compiled to some degree; what is compared is work, not start-up. Tasks that are
 * done in a moment are done again until the clock has run long enough to tell engines apart.
 */
import { openEngine, type Outcome } from "./engine.ts";
import { measure } from "./measure.ts";
import type { CellOrder, Measured } from "./plan.ts";

/** Rounds of an echo client that only warms up. */
const WARM_ROUNDS = 10;

const { workload, engine: name, tasks, workers, site, leastMs }: CellOrder = JSON.parse(
  Deno.args[0]!,
);
const ids = Array.from({ length: tasks }, (_, id) => id);

/** Does work again and again until the window is full; each time must give the same. */
async function fill(work: () => Promise<Outcome>): Promise<Outcome> {
  const began = performance.now();
  const whole = await work();
  while (performance.now() - began < leastMs) {
    const { checksum, laps } = await work();
    if (checksum !== whole.checksum) {
      throw new Error(`The checksum was ${whole.checksum}, and is ${checksum} when done again`);
    }
    for (const lap of laps) whole.laps.push(lap);
  }
  return whole;
}

async function run(): Promise<Measured> {
  await using engine = await openEngine(name, workers);
  const warmRounds = Math.min(site.rounds, WARM_ROUNDS);
  await engine.perform(workload, ids.slice(0, 2 * workers), { ...site, rounds: warmRounds });
  return await measure(() => fill(() => engine.perform(workload, ids, site)));
}

console.log(JSON.stringify(await run()));

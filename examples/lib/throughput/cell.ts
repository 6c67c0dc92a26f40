/**
 * One cell, as a process of its own: takes an order as its argument, and prints what it measured as a
 * line of JSON.
 *
 * Before the clock starts, a few tasks run on the same engine. So workers are up, modules are loaded
 * and the hot functions compiled to some degree; what is compared is work, not start-up.
 */
import { openEngine } from "./engine.ts";
import { measure } from "./measure.ts";
import type { CellOrder, Measured } from "./plan.ts";

/** Rounds of an echo client that only warms up. */
const WARM_ROUNDS = 10;

const { workload, engine: name, tasks, workers, site }: CellOrder = JSON.parse(Deno.args[0]!);
const ids = Array.from({ length: tasks }, (_, id) => id);

async function run(): Promise<Measured> {
  await using engine = await openEngine(name, workers);
  const warmRounds = Math.min(site.rounds, WARM_ROUNDS);
  await engine.perform(workload, ids.slice(0, 2 * workers), { ...site, rounds: warmRounds });
  return await measure(() => engine.perform(workload, ids, site));
}

console.log(JSON.stringify(await run()));

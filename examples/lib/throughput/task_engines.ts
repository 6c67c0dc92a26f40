/**
 * The engines on weft's scheduler: each task of the workload is a task of a run, all started at once.
 * The two differ only in how the tasks are spelt.
 */
import { all, run } from "@weft/weft";
import { coroutineTasks } from "./coroutine_tasks.ts";
import { type Engine, type Outcome, simply, total } from "./engine.ts";
import { generatorTasks } from "./generator_tasks.ts";
import type { Site, Workload } from "./plan.ts";

/** Does tasks that are `function*`. */
export function* performGenerators(workload: Workload, ids: readonly number[], site: Site) {
  const laps: number[] = [];
  const results = yield* all(ids.map((id) => generatorTasks[workload](id, site, laps)));
  const outcome: Outcome = { checksum: total(results), laps };
  return outcome;
}

/** Does tasks that are `async function*`; `hybrid` does so in its workers. */
export async function* performCoroutines(workload: Workload, ids: readonly number[], site: Site) {
  const laps: number[] = [];
  const results = yield* all(ids.map((id) => coroutineTasks[workload](id, site, laps)));
  const outcome: Outcome = { checksum: total(results), laps };
  return outcome;
}

/** Tasks that are `function*`. */
export const generator: Engine = simply((...work) =>
  run(function* () {
    return yield* performGenerators(...work);
  })
);

/** Tasks that are `async function*`. */
export const coroutine: Engine = simply((...work) =>
  run(async function* () {
    return yield* performCoroutines(...work);
  })
);

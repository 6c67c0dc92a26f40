/**
 * The engines on weft's scheduler: each task of the workload is a task of a run, all started at once.
 * The two differ only in how the tasks are spelt.
 */
import { all, run } from "@weft/weft";
import { coroutineTasks } from "./coroutine_tasks.ts";
import { type Engine, simply, total } from "./engine.ts";
import { generatorTasks } from "./generator_tasks.ts";

/** Tasks that are `function*`. */
export const generator: Engine = simply((workload, ids, site) =>
  run(function* () {
    const laps: number[] = [];
    const results = yield* all(ids.map((id) => generatorTasks[workload](id, site, laps)));
    return { checksum: total(results), laps };
  })
);

/** Tasks that are `async function*`. */
export const coroutine: Engine = simply((workload, ids, site) =>
  run(async function* () {
    const laps: number[] = [];
    const results = yield* all(ids.map((id) => coroutineTasks[workload](id, site, laps)));
    return { checksum: total(results), laps };
  })
);

/**
 * The engines without weft: one task after another, all at once, and at most so many at once.
 */
import { pooledMap } from "@std/async/pool";
import { type Engine, simply, total } from "./engine.ts";
import { plainTasks } from "./plain_tasks.ts";
import { POOLED_LIMIT } from "./plan.ts";

/** One after another: the yardstick. */
export const sequential: Engine = simply(async (workload, ids, site) => {
  const laps: number[] = [];
  const results: number[] = [];
  for (const id of ids) results.push(await plainTasks[workload](id, site, laps));
  return { checksum: total(results), laps };
});

/** All at once, with `Promise.all`. */
const async_: Engine = simply(async (workload, ids, site) => {
  const laps: number[] = [];
  const results = await Promise.all(ids.map((id) => plainTasks[workload](id, site, laps)));
  return { checksum: total(results), laps };
});
export { async_ as async };

/** At most {@linkcode POOLED_LIMIT} at once, with `pooledMap` of @std/async. */
export const pooled: Engine = simply(async (workload, ids, site) => {
  const laps: number[] = [];
  const results = pooledMap(POOLED_LIMIT, ids, (id) => plainTasks[workload](id, site, laps));
  return { checksum: total(await Array.fromAsync(results)), laps };
});

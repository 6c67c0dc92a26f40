/**
 * What an engine is: something that does all tasks of a workload, in its own way.
 *
 * Each engine is loaded only by the cell that measures it, so that the memory of the plain ones is not
 * charged with the library they do not use.
 */
import type { EngineName, Site, Workload } from "./plan.ts";
import { add } from "./work.ts";

/** The results of doing some tasks. */
export interface Outcome {
  /** The sum of their results. */
  checksum: number;
  /** How long each operation took, in milliseconds, in any order. */
  laps: number[];
}

/** Does every task of a workload. */
export interface Engine extends AsyncDisposable {
  /** Does the tasks with these ids. */
  perform(workload: Workload, ids: readonly number[], site: Site): Promise<Outcome>;
}

/** Adds up results. */
export function total(results: Iterable<number>): number {
  let sum = 0;
  for (const result of results) sum = add(sum, result);
  return sum;
}

/** An engine with nothing to put away afterwards. */
export function simply(perform: Engine["perform"]): Engine {
  return { perform, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Opens an engine. */
export async function openEngine(name: EngineName, workers: number): Promise<Engine> {
  switch (name) {
    case "sequential":
    case "async":
    case "pooled":
      return (await import("./plain_engines.ts"))[name];
    case "generator":
    case "coroutine":
      return (await import("./task_engines.ts"))[name];
    case "poll":
      return (await import("./poll_engine.ts")).pollLoop;
    case "worker":
    case "hybrid":
      return (await import("./worker_engines.ts")).openPool(name, workers);
    case "cluster": {
      const { openCluster } = await import("./cluster_engine.ts");
      return await openCluster(Deno.env.get("NATS_URL")!, workers);
    }
  }
}

/** The jobs of weft's side of the pool rows: the same functions that every pool is given, and a loop. */
import { jobs } from "@weft/weft/worker";
import { fib, fibs, lengthOf, meet, same, spin } from "./peers/pool_tasks.mjs";

/** What the workers can do. */
export const tasks = jobs(import.meta, {
  fib,
  fibs,
  lengthOf,
  meet,
  same,
  spin,
  /** Computes for ever. */
  loop(): never {
    for (;;);
  },
});

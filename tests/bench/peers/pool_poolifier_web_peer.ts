/**
 * poolifier-web-worker's side of the pool rows, with its defaults.
 *
 *     deno run -A tests/bench/peers/pool_poolifier_web_peer.ts WORK N
 */
import { FixedThreadPool } from "poolifier-web-worker";
import { WORKERS } from "./pool_tasks.mjs";
import { main } from "./pool_works.mjs";

main(() => {
  const url = new URL(import.meta.resolve("./pool_poolifier_web_worker.ts"));
  const pool = new FixedThreadPool<unknown, unknown>(WORKERS, url);
  return {
    call: (name, argument, moved) => pool.execute(argument, name, undefined, moved),
    map: (name, items) => pool.mapExecute(items, name),
  };
});

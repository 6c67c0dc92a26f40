/** poolifier's side of the pool rows, on Node, with its defaults. */
import { fileURLToPath } from "node:url";
import { WORKERS } from "./pool_tasks.mjs";
import { main } from "./pool_works.mjs";

// Installed for the bench alone, and so not in the import map: the name is not for the compiler.
const peer = "poolifier";
const { FixedThreadPool } = await import(peer);

main(() => {
  const file = fileURLToPath(new URL("./pool_poolifier_worker.mjs", import.meta.url));
  const pool = new FixedThreadPool(WORKERS, file);
  return {
    call: (name, argument, moved) => pool.execute(argument, name, undefined, moved),
    map: (name, items) => pool.mapExecute(items, name),
  };
});

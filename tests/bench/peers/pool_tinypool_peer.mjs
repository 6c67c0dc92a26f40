/** tinypool's side of the pool rows, on Node, with its defaults. */
import { WORKERS } from "./pool_tasks.mjs";
import { main } from "./pool_works.mjs";

// Installed for the bench alone, and so not in the import map: the name is not for the compiler.
const peer = "tinypool";
const { Tinypool } = await import(peer);

main(() => {
  const filename = new URL("./pool_tasks.mjs", import.meta.url).href;
  const pool = new Tinypool({ filename, minThreads: WORKERS, maxThreads: WORKERS });
  return {
    call: (name, argument, moved = []) => pool.run(argument, { name, transferList: moved }),
  };
});

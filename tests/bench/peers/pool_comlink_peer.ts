/**
 * Comlink's side of the pool rows. It has no pool; its workers are called in turn.
 *
 *     deno run -A tests/bench/peers/pool_comlink_peer.ts WORK N
 */
import { transfer, wrap } from "comlink";
import { WORKERS } from "./pool_tasks.mjs";
import { main, upTo } from "./pool_works.mjs";

type Remote = Record<string, (argument: unknown) => Promise<unknown>>;

main(() => {
  const remotes = upTo(WORKERS).map(() => {
    const worker = new Worker(import.meta.resolve("./pool_comlink_worker.ts"), { type: "module" });
    return wrap(worker) as unknown as Remote;
  });
  let next = 0;
  return {
    call: (name, argument, moved) =>
      remotes[next++ % WORKERS]![name]!(
        moved === undefined ? argument : transfer(argument as Uint8Array, moved),
      ),
  };
});

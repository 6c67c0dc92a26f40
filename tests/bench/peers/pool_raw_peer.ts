/**
 * Bare workers: what one writes by hand, a message for each call, in turn, and a map of who waits.
 *
 *     deno run -A tests/bench/peers/pool_raw_peer.ts WORK N
 */
import { WORKERS } from "./pool_tasks.mjs";
import { main, upTo } from "./pool_works.mjs";

main(() => {
  const waiting = new Map<number, (value: unknown) => void>();
  const workers = upTo(WORKERS).map(() => {
    const worker = new Worker(import.meta.resolve("./pool_raw_worker.mjs"), { type: "module" });
    worker.onmessage = ({ data: [id, value] }: MessageEvent<[number, unknown]>) => {
      waiting.get(id)!(value);
      waiting.delete(id);
    };
    return worker;
  });
  let next = 0;
  return {
    call: (name, argument, moved = []) =>
      new Promise((resolve) => {
        const id = next++;
        waiting.set(id, resolve);
        workers[id % WORKERS]!.postMessage([id, name, argument], moved);
      }),
  };
});

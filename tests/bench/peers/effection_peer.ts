/**
 * Effection's side of the benchmark. It has no `sleep(0)` that is cheap (that is a `setTimeout`); its
 * cheapest point at which others may run is an operation that is resolved at once.
 *
 *     deno run -A tests/bench/peers/effection_peer.ts WORK N
 */
import { action, all, type Operation, run, sleep, spawn, type Task } from "effection";
import { CROWD, main, nap } from "./common.ts";

/** An action that resolves at once. */
function turn(): Operation<void> {
  return action<void>((resolve) => {
    resolve();
    return () => {};
  });
}

function* cede(n: number): Operation<void> {
  for (let i = 0; i < n; i++) yield* turn();
}

await main({
  speeds: {
    "cede": (n) => run(() => cede(n)),
    "cede-crowd": (n) => run(() => all(Array.from({ length: CROWD }, () => cede(n / CROWD)))),
    "spawn": (n) =>
      run(function* () {
        for (let i = 0; i < n; i++) yield* (yield* spawn(function* () {}));
      }),
    "sleepers": (n) =>
      run(function* () {
        const tasks: Task<void>[] = [];
        for (let i = 0; i < n; i++) tasks.push(yield* spawn(() => sleep(nap(i))));
        for (const task of tasks) yield* task;
      }),
  },
});

/**
 * A bounded crowd of tasks: never more than three at a time, however many there are to do. Watch how
 * `spawn` holds its caller up while the pool is full (that is the back-pressure), how `imap` takes from an
 * endless source only what it can use, and what becomes of one item that fails.
 *
 *     deno run examples/task_pool.ts
 */
import { run, sleep, TaskPool } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("A bounded crowd of tasks.\n\n  deno run examples/task_pool.ts");

await run(async function* () {
  await using pool = new TaskPool(3);
  let now = 0;
  let most = 0;
  const visit = async function* (n: number) {
    most = Math.max(most, ++now);
    try {
      yield* sleep(5);
      if (n === 4) throw new Error(`item ${n} is broken`);
      return n * n;
    } finally {
      now--;
    }
  };

  const began = performance.now();
  for (let n = 10; n < 16; n++) yield* pool.spawn(visit, n);
  console.log(`spawn held its caller up for ${Math.round(performance.now() - began)} ms`);
  yield* pool.join();
  console.log(`never more than ${most} at a time`);

  let taken = 0;
  function* numbers() {
    for (let n = 1;; n++) {
      taken = n;
      yield n;
    }
  }
  for await (const square of pool.imap(visit, numbers(), { onError: "skip" })) {
    console.log(`imap: ${square}`);
    if (square > 30) break;
  }
  console.log(`imap took ${taken} items of an endless source, and left the broken one out`);

  try {
    yield* pool.map(visit, [1, 4, 7]);
  } catch (error) {
    console.log(`map fails as a whole: ${(error as Error).message}`);
  }
});

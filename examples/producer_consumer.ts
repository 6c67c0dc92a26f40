/**
 * A fast producer and two slow consumers around a queue for three items. Watch for back-pressure: the
 * producer is never more than the queue's capacity ahead, without a line of code for it. `taskDone`
 * and `join` tell when everything put has been worked off.
 *
 *     deno run examples/producer_consumer.ts
 */
import { currentTask, Queue, run, sleep, spawn } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("A bounded queue between tasks.\n\n  deno run examples/producer_consumer.ts");

const ITEMS = 10;

async function* produce(queue: Queue<number>) {
  for (let item = 1; item <= ITEMS; item++) {
    yield* queue.put(item);
    console.log(`put ${item}  (${"#".repeat(queue.size).padEnd(3, ".")})`);
  }
}

async function* consume(queue: Queue<number>, eaten: number[]) {
  for (;;) {
    const item = yield* queue.get();
    yield* sleep(5);
    console.log(`${currentTask().name} done with ${item}`);
    eaten.push(item);
    queue.taskDone();
  }
}

await run(async function* () {
  const queue = new Queue<number>(3);
  const eaten: number[] = [];
  for (const name of ["left", "right"]) {
    const consumer = spawn(consume, queue, eaten);
    consumer.name = name;
    consumer.daemon = true; // ends with the run
  }
  yield* spawn(produce, queue).join();
  yield* queue.join();
  console.log(`all ${eaten.length} items eaten, sum ${eaten.reduce((a, b) => a + b)}`);
});

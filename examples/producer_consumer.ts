/**
 * A fast producer and two slow consumers around a queue. Watch for back-pressure: with room for three
 * items, `put` makes the producer wait, so that it is never far ahead, without a line of code for it;
 * without a bound it runs off, and everything piles up in the queue. `taskDone` and `join` tell when all
 * that was put has been worked off, and `shutdown` ends the consumers' loops.
 *
 *     deno run examples/producer_consumer.ts
 */
import { currentTask, Queue, run, sleep, spawn } from "@weft/weft";
import { readArgs } from "./lib/cli.ts";

readArgs("A bounded queue between tasks.\n\n  deno run examples/producer_consumer.ts");

const ITEMS = 10;

/** What is shared: the queue, and what shows how it goes. */
interface Counter {
  queue: Queue<number>;
  taken: number;
  done: number[];
  /** The most that the producer was ahead of what the consumers had taken. */
  furthest: number;
  /** How many puts had to wait. */
  waits: number;
}

async function* produce(counter: Counter) {
  const { queue } = counter;
  for (let item = 1; item <= ITEMS; item++) {
    const hadToWait = queue.full;
    if (hadToWait) counter.waits++;
    yield* queue.put(item); // here it waits, if the queue is full
    counter.furthest = Math.max(counter.furthest, item - counter.taken);
    console.log(`  put ${item}  [${"#".repeat(queue.size)}]${hadToWait ? "  after a wait" : ""}`);
  }
}

async function* consume(counter: Counter) {
  for await (const item of counter.queue) {
    counter.taken++;
    yield* sleep(5); // the work
    console.log(`  ${currentTask().name} is done with ${item}`);
    counter.done.push(item);
    counter.queue.taskDone();
  }
}

/** Returns when every item has been worked off. */
async function* playWith(queue: Queue<number>) {
  const counter: Counter = { queue, taken: 0, done: [], furthest: 0, waits: 0 };
  for (const name of ["left", "right"]) spawn(consume, counter).name = name;
  yield* spawn(produce, counter).join();
  console.log("  everything is put");
  yield* queue.join();
  queue.shutdown(); // ends both loops
  const sum = counter.done.reduce((a, b) => a + b);
  console.log(`all ${counter.done.length} items are done, their sum is ${sum}`);
  console.log(`${counter.waits} puts had to wait; at most ${counter.furthest} items lay ahead\n`);
}

await run(async function* () {
  console.log("Room for 3 items:");
  yield* playWith(new Queue(3));
  console.log("No bound:");
  yield* playWith(new Queue());
});

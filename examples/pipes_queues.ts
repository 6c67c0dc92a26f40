/**
 * Producer and consumer in two workers, first over a pipe, then over a queue. A pipe has two ends, and each
 * of them answers the other; when nobody has one any more, that is the other's end of file. A queue may have
 * any number of threads on either side. Watch the sizes: with room for three items, the producer is never
 * more than that ahead. Workers block where they wait (`…Sync`); the main thread never does (`yield*`).
 *
 *     deno run --allow-read examples/pipes_queues.ts
 */
import { ClosedError, type Connection, jobs, pipe, run, SharedQueue, WorkerPool } from "@weft/weft";
import { mustHave, readArgs } from "./lib/cli.ts";

const { answer, ask, consume, produce } = jobs(import.meta, {
  /** Sends numbers and waits for the answer to each. */
  ask(end: Connection<number>, numbers: number[]): string[] {
    using _end = end; // closed when all is said
    return numbers.map((n) => {
      end.sendSync(n);
      return `${n}² = ${end.recvSync()}`;
    });
  },
  /** Answers until the other end is closed. */
  answer(end: Connection<number>): string {
    try {
      for (;;) end.sendSync(end.recvSync() ** 2);
    } catch (error) {
      if (error instanceof ClosedError) return error.message;
      throw error;
    }
  },
  /** Puts items; waits while the queue is full. Returns the most that it saw in the queue. */
  produce(queue: SharedQueue<string>, items: number): number {
    let most = 0;
    for (let i = 1; i <= items; i++) {
      queue.putSync(`item ${i}`);
      most = Math.max(most, queue.size);
    }
    return most;
  },
  /** Takes items until the queue is shut down and empty. */
  consume(queue: SharedQueue<string>): number {
    let count = 0;
    for (const _item of queue) {
      count++;
      queue.taskDone();
    }
    return count;
  },
});

if (import.meta.main) {
  readArgs(
    "Producer and consumer in two workers over a pipe and a shared queue.\n\n" +
      "  deno run --allow-read examples/pipes_queues.ts",
  );
  mustHave("This example", "read");
  await run(async function* () {
    await using pool = new WorkerPool(2);

    console.log("pipe");
    const [left, right] = pipe<number>();
    const asked = pool.submit(ask, left, [1, 2, 3]);
    const answered = pool.submit(answer, right);
    left.close(); // both ends are the workers' now
    right.close();
    for (const line of yield* asked) console.log(`  ${line}`);
    console.log(`  the answering worker: ${yield* answered}`);

    console.log("queue for three items");
    const queue = new SharedQueue<string>(3);
    const produced = pool.submit(produce, queue, 1000);
    const consumed = pool.submit(consume, queue);
    console.log(`  most in the queue at a time: ${yield* produced}`);
    yield* queue.put("one from the main thread");
    yield* queue.join(); // every item was reported done
    queue.shutdown();
    console.log(`  items consumed: ${yield* consumed}`);
  });
}

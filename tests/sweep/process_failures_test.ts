/** Random processes that share pipes and queues, and end in every way: nothing is lost, nothing is left. */
import { assert, assertEquals } from "@std/assert";
import {
  activeChildren,
  ClosedError,
  pipe,
  run,
  SharedQueue,
  spawn,
  WorkerProcess,
} from "@weft/weft";
import { randomFrom } from "../parallel/fixtures/random.ts";
import { type Way, writeAndEnd } from "../parallel/fixtures/random_ends.ts";
import { thrown } from "../parallel/fixtures/thrown.ts";
import { law } from "../lib/law.ts";

const ways = ["return", "close", "exit", "self.close", "wait", ...Object.keys(thrown)] as Way[];

for (let seed = 1; seed <= 8; seed++) {
  law(`Every reader comes to its end, and every process to its own (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    for (let round = 0; round < 5; round++) {
      const [reader, writer] = pipe<number>(false, { bytes: 64 << random(6) });
      const queue = new SharedQueue<number>();
      let expected = 0;
      const processes = Array.from({ length: 1 + random(4) }, () => {
        const way = ways[random(ways.length)]!;
        const count = random(50);
        const process = new WorkerProcess({
          target: writeAndEnd,
          args: [writer, queue, count, way],
          daemon: random(2) === 0,
          report: () => {},
        });
        process.start();
        expected += count;
        return { process, way };
      });
      writer.close();
      await run(function* () {
        let got = 0;
        const reading = spawn(function* () {
          for (;;) {
            try {
              yield* reader.recv();
              got++;
            } catch (error) {
              assert(error instanceof ClosedError, String(error));
              return;
            }
          }
        });
        for (const { process, way } of processes) {
          if (way !== "wait") assertEquals((yield* process.join(10_000)) !== null, true, way);
        }
        for (const { process, way } of processes) if (way === "wait") process.terminate();
        yield* reading.join();
        for (const { process } of processes) yield* process.join();
        const killed = processes.some(({ way }) => way === "wait");
        assert(killed ? got <= expected : got === expected, `${got} of ${expected}`);
        if (!killed) assertEquals(queue.size, expected);
      });
    }
    assertEquals(activeChildren(), []);
  }, 120_000);
}

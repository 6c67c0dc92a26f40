import { assertEquals } from "@std/assert";
import { run, spawn } from "@weft/weft";
import { LifoQueue } from "../../src/sync/lifo_queue.ts";
import { law } from "../lib/law.ts";

law(
  "LifoQueue gives out the youngest item, and the offer of a waiting put() once there is room",
  async () => {
    await run(function* () {
      const queue = new LifoQueue<number>(2);
      queue.tryPut(1);
      queue.tryPut(2);
      for (const item of [3, 4]) {
        spawn(function* () {
          yield* queue.put(item);
        });
      }
      yield;
      const got = [];
      while (!queue.empty) got.push(queue.tryGet());
      assertEquals(got, [2, 3, 4, 1]);
    });
  },
);

law("LifoQueue serves getters in FIFO order", async () => {
  const got: string[] = [];
  await run(function* () {
    const queue = new LifoQueue<number>();
    for (const name of ["a", "b"]) {
      spawn(async function* () {
        got.push(`${name}${yield* queue.get()}`);
      });
    }
    yield;
    yield;
    queue.tryPut(1);
    queue.tryPut(2);
  });
  assertEquals(got, ["a1", "b2"]);
});

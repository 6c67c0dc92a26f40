import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { run, spawn } from "@weft/weft";
import { seededChoose } from "@weft/weft/lowlevel";
import { PriorityQueue } from "../../src/sync/priority_queue.ts";
import { law } from "../lib/law.ts";

function drain<T>(queue: PriorityQueue<T>): T[] {
  const items: T[] = [];
  while (!queue.empty) items.push(queue.tryGet());
  return items;
}

law(
  "PriorityQueue gives out the smallest item, and equal ones in the order of their coming",
  () => {
    const choose = seededChoose(7);
    for (let round = 0; round < 200; round++) {
      const queue = new PriorityQueue<[number, number]>(Infinity, (a, b) => a[0] - b[0]);
      const held: [number, number][] = [];
      for (let i = 0; i < 60; i++) {
        if (choose(3) > 0 || held.length === 0) {
          const item: [number, number] = [choose(5), i];
          queue.tryPut(item);
          held.push(item);
        } else {
          held.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
          assertEquals(queue.tryGet(), held.shift());
        }
      }
      assertEquals(drain(queue), held.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
    }
  },
);

law("PriorityQueue orders numbers by value and arrays by their first difference", () => {
  const numbers = new PriorityQueue<number | bigint>();
  for (const item of [10, 9n, -1, Infinity, 2]) numbers.tryPut(item);
  assertEquals(drain(numbers), [-1, 2, 9n, 10, Infinity]);
  const tuples = new PriorityQueue<unknown[]>();
  for (const item of [[10, "a"], [2, "b"], [2], [2, "a", 1], [2, "a"]]) tuples.tryPut(item);
  assertEquals(drain(tuples), [[2], [2, "a"], [2, "a", 1], [2, "b"], [10, "a"]]);
});

law("PriorityQueue refuses an item that it cannot order, and stays as it was", () => {
  const queue = new PriorityQueue<unknown>();
  for (const item of [3, 1, 2]) queue.tryPut(item);
  for (const item of ["1", NaN, {}, null, undefined, [1], new Date()]) {
    assertThrows(() => queue.tryPut(item), TypeError, "needs a compare function");
  }
  assertEquals(queue.statistics().unfinished, 3);
  assertEquals(drain(queue), [1, 2, 3]);
});

law("PriorityQueue compares in a put alone: a compare that throws never hits a taker", async () => {
  let isBroken = false;
  const queue = new PriorityQueue<number>(4, (a, b) => {
    if (isBroken) throw new Error("compare is broken");
    return a - b;
  });
  for (const item of [4, 2, 3, 1]) queue.tryPut(item);
  isBroken = true;
  await run(function* () {
    const putter = spawn(function* () {
      yield* queue.put(5);
    });
    yield;
    assertEquals([yield* queue.get(), queue.tryGet()], [1, 2]);
    assertThrows(() => queue.tryPut(6), Error, "compare is broken");
    yield;
    assertEquals(String(putter.error), "Error: compare is broken");
  });
  assertEquals(drain(queue), [3, 4]);
});

law("PriorityQueue keeps its order over thousands of items", () => {
  const choose = seededChoose(11);
  const queue = new PriorityQueue<[number, number]>(Infinity, (a, b) => a[0] - b[0]);
  const items = Array.from({ length: 5000 }, (_, i): [number, number] => [choose(900), i]);
  for (const item of items) queue.tryPut(item);
  assertEquals(drain(queue), items.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
});

law(
  "PriorityQueue: a waiting put() whose item cannot be ordered fails, and the next one goes in",
  async () => {
    await run(function* () {
      const queue = new PriorityQueue<unknown>(2);
      queue.tryPut(1);
      queue.tryPut(5);
      const wrong = spawn(function* () {
        yield* queue.put("two");
      });
      const right = spawn(function* () {
        yield* queue.put(2);
      });
      yield;
      assertEquals(queue.tryGet(), 1);
      assertEquals(drain(queue), [2, 5]);
      yield;
      yield* right.join();
      assertEquals((wrong.error as Error).name, "TypeError");
    });
  },
);

law(
  "PriorityQueue hands an item to the getter that has waited longest, whatever its rank",
  async () => {
    const got: string[] = [];
    await run(function* () {
      const queue = new PriorityQueue<number>();
      for (const name of ["a", "b"]) {
        spawn(async function* () {
          got.push(`${name}${yield* queue.get()}`);
        });
      }
      yield;
      yield;
      queue.tryPut(9);
      queue.tryPut(1);
    });
    assertEquals(got, ["a9", "b1"]);
  },
);

law(
  "PriorityQueue: the put() of an item that cannot be ordered rejects the run of its task",
  async () => {
    await assertRejects(
      () =>
        run(async function* () {
          const queue = new PriorityQueue<unknown>();
          yield* queue.put(1);
          yield* queue.put("one");
        }),
      TypeError,
      'Cannot order "one" and 1',
    );
  },
);

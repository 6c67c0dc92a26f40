/** Random programs of several threads and tasks, some of which are cancelled, against what must hold. */
import { assert, assertEquals } from "@std/assert";
import { cancelAll, joinAll, moveOnAfter, run, sleep, spawn, type Task } from "@weft/weft";
import { SharedArray } from "../../src/parallel/shared/value.ts";
import { SharedCondition } from "../../src/parallel/shared/condition.ts";
import { SharedLock } from "../../src/parallel/shared/lock.ts";
import { SharedQueue } from "../../src/parallel/shared/queue.ts";
import { SharedSemaphore } from "../../src/parallel/shared/semaphore.ts";
import { law } from "../lib/law.ts";
import { randomFrom } from "./fixtures/random.ts";
import { Thread } from "./fixtures/thread.ts";

for (const seed of [1, 2, 3]) {
  law(`A buffer made of a condition never holds too many or too few (seed ${seed})`, async () => {
    const condition = new SharedCondition();
    const cells = new SharedArray("int32", 2);
    const threads = [1, 2].map((i) =>
      Thread.call("bufferMarks", condition, cells, seed * 7 + i, 300)
    );
    const random = randomFrom(seed);
    await run(function* () {
      for (let i = 0; i < 100; i++) {
        // A wait that is given up must neither keep the lock nor a notification.
        yield* moveOnAfter(random(3), waitOnce(condition));
      }
    });
    await Promise.all(threads.map((thread) => thread.result()));
    assertEquals([...cells], [0, 0]);
    assertEquals(condition.lock.locked, false);
    for (const thread of threads) await thread.terminate();
  }, 60_000);

  law(
    `Locks and permits taken by tasks that are cancelled at random all come back (seed ${seed})`,
    async () => {
      const random = randomFrom(seed);
      const lock = new SharedLock();
      const seats = new SharedSemaphore(2, { bounded: true });
      const words = new Int32Array(new SharedArrayBuffer(4));
      const threads = [
        Thread.call("countLocked", lock, words, 30_000),
        Thread.call("countLocked", lock, words, 30_000),
      ];
      let counted = 0;
      let inside = 0;
      await run(function* () {
        const tasks = Array.from({ length: 60 }, () =>
          spawn(function* () {
            using _seat = yield* seats.acquire();
            assert(++inside <= 2);
            try {
              using _guard = yield* lock.acquire();
              const before = words[0]!;
              if (random(2) === 0) yield* sleep(random(2));
              words[0] = before + 1;
              counted++;
            } finally {
              inside--;
            }
          }));
        for (const task of tasks) {
          if (random(3) === 0) yield* sleep(random(3));
          if (random(2) === 0) task.cancel();
        }
      });
      await Promise.all(threads.map((thread) => thread.result()));
      assertEquals([words[0], seats.value, lock.locked], [60_000 + counted, 2, false]);
      for (const thread of threads) await thread.terminate();
    },
    60_000,
  );

  law(
    `A queue loses and doubles nothing while getters and putters are cancelled (seed ${seed})`,
    async () => {
      const random = randomFrom(seed);
      const queue = new SharedQueue<number>(3, { bytes: 128 });
      await using thread = Thread.call("putNumbers", queue, 1000, 300);
      const put = new Set<number>(Array.from({ length: 300 }, (_, i) => 1000 + i));
      const got: number[] = [];
      const get = function* () {
        got.push(yield* queue.get());
      };
      await run(function* () {
        const putters: Task[] = [];
        const getters: Task[] = [];
        for (let i = 0; i < 200; i++) {
          const putter = spawn(function* () {
            yield* queue.put(i);
            put.add(i);
          });
          const getter = spawn(get);
          putters.push(putter);
          getters.push(getter);
          if (random(2) === 0) yield* sleep(0);
          if (random(2) === 0) putter.cancel();
          if (random(2) === 0) getter.cancel();
        }
        const drain = spawn(function* () {
          for (;;) yield* get();
        });
        yield* joinAll(putters, { raiseError: false });
        yield thread.result();
        while (!queue.empty) yield* sleep(1);
        yield* cancelAll([drain, ...getters]);
      });
      assertEquals(got.toSorted((a, b) => a - b), [...put].toSorted((a, b) => a - b));
    },
    60_000,
  );
}

function* waitOnce(condition: SharedCondition): Generator<unknown, void, unknown> {
  using _guard = yield* condition.acquire();
  yield* condition.wait();
  condition.notify(); // it was meant for one who can use it
}

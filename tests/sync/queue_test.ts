import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import {
  ClosedError,
  DeadlockError,
  Lock,
  type Operation,
  Queue,
  run,
  sleep,
  spawn,
  WouldBlock,
} from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";
import { LifoQueue } from "../../src/sync/lifo_queue.ts";
import { PriorityQueue } from "../../src/sync/priority_queue.ts";
import { law } from "../lib/law.ts";

const kinds = { Queue, PriorityQueue, LifoQueue };

/** Waits for what must end in `ClosedError`. */
function* closes(operation: Operation<unknown>): Generator<unknown, void, unknown> {
  let error: unknown;
  try {
    yield* operation;
  } catch (thrown) {
    error = thrown;
  }
  assertInstanceOf(error, ClosedError);
}

law("Queue.get() hands items out in FIFO order, to waiters in FIFO order", async () => {
  const got: string[] = [];
  await run(function* () {
    const queue = new Queue<number>();
    for (const name of ["a", "b", "c"]) {
      spawn(async function* () {
        got.push(`${name}${yield* queue.get()}`);
      });
    }
    yield;
    for (let i = 0; i < 3; i++) queue.tryPut(i);
  });
  assertEquals(got, ["a0", "b1", "c2"]);
});

law("Queue.put() waits while the queue is full, and putters are served in FIFO order", async () => {
  const order: number[] = [];
  await run(function* () {
    const queue = new Queue<number>(1);
    for (let i = 0; i < 4; i++) {
      spawn(function* () {
        yield* queue.put(i);
      });
    }
    for (let i = 0; i < 6; i++) yield;
    assertEquals(queue.statistics(), {
      size: 1,
      capacity: 1,
      getting: 0,
      putting: 3,
      unfinished: 1,
    });
    for (let i = 0; i < 4; i++) order.push(yield* queue.get());
  });
  assertEquals(order, [0, 1, 2, 3]);
});

for (const [kind, Kind] of Object.entries(kinds)) {
  law(
    `${kind}: a put on a full queue cannot be overtaken by a tryPut() or a later put()`,
    async () => {
      await run(function* () {
        const queue = new Kind<number>(1);
        queue.tryPut(0);
        for (const item of [1, 2]) {
          spawn(function* () {
            yield* queue.put(item);
          });
        }
        yield;
        assertEquals(queue.tryGet(), 0);
        assertThrows(() => queue.tryPut(3), WouldBlock, "holds 1");
        assertEquals([queue.tryGet(), queue.tryGet()], [1, 2]);
      });
    },
  );

  law(`${kind}: a cancelled put() puts nothing, and a cancelled get() takes nothing`, async () => {
    await run(function* () {
      const queue = new Kind<string>(1);
      queue.tryPut("first");
      const putter = spawn(function* () {
        yield* queue.put("never");
      });
      yield;
      yield* putter.cancel();
      assertEquals(queue.tryGet(), "first");
      assertEquals(queue.size, 0);
      const getter = spawn(async function* () {
        yield* queue.get();
      });
      yield;
      yield* getter.cancel();
      queue.tryPut("kept");
      assertEquals(queue.statistics(), {
        size: 1,
        capacity: 1,
        getting: 0,
        putting: 0,
        unfinished: 2,
      });
    });
  });

  law(
    `${kind}: an item given to a getter is its own, even if it is cancelled before its turn`,
    async () => {
      const got: string[] = [];
      await run(function* () {
        const queue = new Kind<string>();
        const getter = spawn(function* () {
          got.push(yield* queue.get());
        });
        yield;
        queue.tryPut("mine");
        getter.cancel();
        assertThrows(() => queue.tryGet(), WouldBlock, "empty");
        yield* getter.join();
      }, { warn: () => {} });
      assertEquals(got, ["mine"]);
    },
  );

  law(`${kind}.tryGet() and tryPut() never wait`, () => {
    const queue = new Kind<number>(1);
    assertThrows(() => queue.tryGet(), WouldBlock, "empty");
    queue.tryPut(1);
    assertEquals([queue.full, queue.empty], [true, false]);
    assertThrows(() => queue.tryPut(2), WouldBlock, "holds 1");
  });

  law(`${kind}.shutdown() lets what is left be got, and refuses every put`, async () => {
    const log: string[] = [];
    await run(function* () {
      const queue = new Kind<number>(1);
      queue.tryPut(1);
      const putter = spawn(function* () {
        yield* queue.put(2);
      });
      yield;
      queue.shutdown();
      queue.shutdown();
      yield* closes(putter.get());
      yield* closes(queue.put(3));
      assertThrows(
        () => queue.tryPut(3),
        ClosedError,
        `Cannot put into ${queue}: it was shut down`,
      );
      assertEquals(yield* queue.get(), 1);
      yield* closes(queue.get());
      assertThrows(() => queue.tryGet(), ClosedError, `Cannot get from ${queue}: it was shut down`);
      const join = spawn(function* () {
        yield* queue.join();
        log.push("joined");
      });
      yield;
      queue.taskDone();
      yield* join.join();
    });
    assertEquals(log, ["joined"]);
  });

  law(`${kind}.shutdown() wakes every getter that waits, longest first`, async () => {
    const log: string[] = [];
    await run(function* () {
      const queue = new Kind<number>();
      for (const name of ["a", "b"]) {
        spawn(async function* () {
          yield* closes(queue.get());
          log.push(name);
        });
      }
      yield;
      yield;
      queue.shutdown();
    });
    assertEquals(log, ["a", "b"]);
  });

  law(`${kind}.shutdown(true) drops what is left and counts it as done`, async () => {
    const log: string[] = [];
    await run(function* () {
      const queue = new Kind<number>();
      for (const item of [1, 2, 3]) queue.tryPut(item);
      spawn(function* () {
        yield* queue.join();
        log.push("joined");
      });
      queue.tryGet();
      yield;
      queue.shutdown(true);
      yield;
      assertEquals([queue.size, queue.statistics().unfinished, queue.isShutdown], [0, 1, true]);
      assertThrows(() => queue.tryGet(), ClosedError);
      log.push("one is not done");
      queue.taskDone();
    });
    assertEquals(log, ["one is not done", "joined"]);
  });

  law(`${kind}: for await goes through the items until it is shut down`, async () => {
    const got: number[] = [];
    await run(async function* () {
      const queue = new Kind<number>(1);
      spawn(function* () {
        for (const item of [1, 2, 3]) yield* queue.put(item);
        queue.shutdown();
      });
      for await (const item of queue) got.push(item);
    });
    assertEquals(got, [1, 2, 3]);
  });
}

law("Queue.join() waits until every item was reported done, and no more", async () => {
  const log: string[] = [];
  await run(function* () {
    const queue = new Queue<number>();
    queue.tryPut(1);
    queue.tryPut(2);
    spawn(function* () {
      yield* queue.join();
      log.push("joined");
    });
    yield;
    queue.tryGet();
    queue.taskDone();
    yield;
    log.push("one left");
    queue.tryGet();
    queue.taskDone();
    yield;
    assertThrows(() => queue.taskDone(), RangeError, "none is unfinished");
  });
  assertEquals(log, ["one left", "joined"]);
});

law("Queue refuses a capacity that is no whole number of at least 1", () => {
  for (const capacity of [0, -1, 1.5, NaN, -Infinity]) {
    for (const Kind of Object.values(kinds)) {
      assertThrows(() => new Kind(capacity), RangeError, `for ${capacity} items`);
    }
  }
});

law("A deadlock over a queue names the queue, the verb and who waits", async () => {
  const error = await assertRejects(() =>
    run(function* () {
      const queue = new Queue<number>(1, "Orders");
      spawn(function* cook() {
        yield* queue.get();
        yield* queue.get();
      });
      yield* queue.put(1);
      yield* queue.join();
    }), DeadlockError);
  assertEquals(
    [/main .* on Orders\.join\(\)/, /cook#\d+ .* on Orders\.get\(\)/].map((p) =>
      p.test(error.message)
    ),
    [true, true],
    error.message,
  );
});

law("A swept producer and consumer lose no item and hold no lock", async () => {
  for (const Kind of Object.values(kinds)) {
    let queue = new Kind<number>(1);
    let put = 0;
    let got = 0;
    await sweepCancel(async function* () {
      queue = new Kind<number>(1);
      put = got = 0;
      const lock = new Lock();
      const consumer = spawn(function* () {
        for (;;) {
          yield* queue.get();
          got++;
          using _guard = yield* lock.acquire();
          yield* sleep(1);
        }
      });
      try {
        for (let i = 0; i < 4; i++) {
          yield* queue.put(i);
          put++;
        }
        yield* sleep(20);
      } finally {
        consumer.cancel();
      }
    }, { invariant: () => assertEquals(got + queue.size, put) });
  }
});

law("A swept get() and join() take nothing and leave nobody in line", async () => {
  for (const Kind of Object.values(kinds)) {
    let queue = new Kind<number>();
    let got = 0;
    const swept = await sweepCancel(async function* () {
      queue = new Kind<number>();
      got = 0;
      const giver = spawn(function* () {
        for (let i = 0; i < 3; i++) {
          yield* sleep(1);
          queue.tryPut(i);
        }
      });
      try {
        for (let i = 0; i < 3; i++) {
          yield* queue.get();
          got++;
          if (i > 0) queue.taskDone();
        }
        const last = spawn(function* () {
          yield* sleep(1);
          queue.taskDone();
        });
        try {
          yield* queue.join();
        } finally {
          last.cancel();
        }
      } finally {
        giver.cancel();
      }
    }, {
      invariant: () => {
        const { size, getting, putting } = queue.statistics();
        assertEquals([getting, putting], [0, 0]);
        if (got + size > 3) throw new Error(`${got} items came out and ${size} are left`);
      },
    });
    assertEquals(swept.checkpoints >= 4, true);
  }
});

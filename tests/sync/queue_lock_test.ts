import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DeadlockError, Lock, Queue, run, sleep, spawn, WouldBlock } from "@weft/weft";
import { sweepCancel, VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

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

law("A cancelled put() puts nothing, and a cancelled get() takes nothing", async () => {
  await run(function* () {
    const queue = new Queue<string>(1);
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
    assertEquals(queue.size, 1);
  });
});

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

law("Queue.tryGet() and tryPut() never wait", () => {
  const queue = new Queue<number>(1);
  assertThrows(() => queue.tryGet(), WouldBlock, "empty");
  queue.tryPut(1);
  assertEquals([queue.full, queue.empty], [true, false]);
  assertThrows(() => queue.tryPut(2), WouldBlock, "holds 1");
});

law("Lock.acquire() resumes waiters in FIFO order, whoever releases most often", async () => {
  const order: string[] = [];
  await run(function* () {
    const lock = new Lock();
    for (const name of ["a", "b", "c"]) {
      spawn(async function* () {
        for (let i = 0; i < 2; i++) {
          using _guard = yield* lock.acquire();
          order.push(name);
          yield* sleep(1);
        }
      });
    }
  }, { clock: new VirtualClock() });
  assertEquals(order, ["a", "b", "c", "a", "b", "c"]);
});

law("Lock refuses a second acquire by its holder, and a release by anybody else", async () => {
  await run(function* () {
    const lock = new Lock("Door");
    yield* lock.acquire();
    const error = yield* spawn(function* () {
      assertThrows(() => lock.release(), Error, "main holds it");
      assertThrows(() => lock.tryAcquire(), WouldBlock, "main holds it");
    }).join();
    assertEquals(error, undefined);
    assertThrows(() => lock.tryAcquire(), DeadlockError, "twice");
    lock.release();
    assertThrows(() => lock.release(), Error, "nobody holds it");
  });
  await assertRejects(
    () =>
      run(async function* () {
        const lock = new Lock();
        yield* lock.acquire();
        yield* lock.acquire();
      }),
    DeadlockError,
    "twice",
  );
});

law("A swept producer and consumer lose no item and hold no lock", async () => {
  let queue = new Queue<number>(1);
  let put = 0;
  let got = 0;
  await sweepCancel(async function* () {
    queue = new Queue<number>(1);
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
});

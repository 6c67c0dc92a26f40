/** Semaphores, events, conditions and barriers between threads. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { group, run, sleep, spawn, WouldBlock } from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";
import { AbandonedError, BrokenBarrierError } from "../../src/kernel/errors.ts";
import { SharedBarrier } from "../../src/parallel/shared/barrier.ts";
import { SharedCondition } from "../../src/parallel/shared/condition.ts";
import { SharedEvent } from "../../src/parallel/shared/event.ts";
import { SharedSemaphore } from "../../src/parallel/shared/semaphore.ts";
import { SharedValue } from "../../src/parallel/shared/value.ts";
import { law } from "../lib/law.ts";
import { Thread } from "./fixtures/thread.ts";

// -- SharedSemaphore --

law("SharedSemaphore(1) excludes threads from one another", async () => {
  const semaphore = new SharedSemaphore(1, { bounded: true });
  const words = new Int32Array(new SharedArrayBuffer(4));
  await using a = Thread.call("countLocked", semaphore, words, 50_000);
  await using b = Thread.call("countLocked", semaphore, words, 50_000);
  await Promise.all([a.result(), b.result()]);
  assertEquals([words[0], semaphore.value], [100_000, 1]);
});

law(
  "SharedSemaphore lets in as many as it has permits, and wakes one for each released",
  async () => {
    const semaphore = new SharedSemaphore(2);
    const log: number[] = [];
    await run(function* () {
      for (let i = 0; i < 5; i++) {
        spawn(function* () {
          yield* semaphore.acquire();
          log.push(i);
        });
      }
      yield* sleep(5);
      assertEquals(log, [0, 1]);
      assertThrows(() => semaphore.tryAcquire(), WouldBlock, "no permit is free");
      semaphore.release(2);
      yield* sleep(5);
      assertEquals(log, [0, 1, 2, 3]);
      semaphore.release();
    });
    assertEquals([log, semaphore.value], [[0, 1, 2, 3, 4], 0]);
  },
);

law("SharedSemaphore with bounded refuses more permits than it began with", () => {
  const semaphore = new SharedSemaphore(2, { bounded: true });
  semaphore.tryAcquire();
  assertThrows(() => semaphore.release(2), RangeError, "1 of its 2 permits are taken");
  semaphore.release();
  assertEquals(semaphore.value, 2);
  const plain = new SharedSemaphore(0);
  plain.release(3);
  assertEquals(plain.value, 3);
  for (const wrong of [-1, 1.5, NaN, 2 ** 31]) {
    assertThrows(() => new SharedSemaphore(wrong), RangeError);
  }
  assertThrows(() => plain.release(0), RangeError);
});

law("SharedSemaphore with bounded tells who waits that a thread died with a permit", async () => {
  const semaphore = new SharedSemaphore(2, { bounded: true });
  await using holder = Thread.call("holdAndDie", semaphore, "exit");
  await holder.gone;
  const guard = semaphore.tryAcquire(); // one is left
  await assertRejects(() => Promise.resolve(semaphore.acquire()), AbandonedError, holder.name);
  assertThrows(() => semaphore.tryAcquire(), AbandonedError, holder.name);
  guard[Symbol.dispose]();
  assertEquals(semaphore.value, 1);
});

law(
  "SharedSemaphore without bounded is a signal: what one thread takes another gives",
  async () => {
    const semaphore = new SharedSemaphore(0);
    await using taker = Thread.call("holdAndDie", semaphore, "close");
    semaphore.release();
    await taker.gone;
    semaphore.release();
    await semaphore.acquire();
    assertEquals(semaphore.value, 0);
  },
);

law("SharedSemaphore.acquire() that is cancelled takes no permit", async () => {
  let semaphore = new SharedSemaphore(1);
  await sweepCancel(function* () {
    semaphore = new SharedSemaphore(1, { bounded: true });
    yield* group(function* (g) {
      g.spawn(function* () {
        using _guard = yield* semaphore.acquire();
        yield* sleep(1);
      });
      yield;
      using _guard = yield* semaphore.acquire();
      yield* sleep(1);
    });
  }, { invariant: () => assertEquals(semaphore.value, 1) });
});

// -- SharedEvent --

law(
  "SharedEvent.set() wakes every waiter in every thread, also if it is cleared at once",
  async () => {
    const event = new SharedEvent();
    const threads = [1, 2, 3].map(() => Thread.call("wait", event));
    let woken = 0;
    await run(async function* () {
      for (let i = 0; i < 3; i++) {
        spawn(function* () {
          if (yield* event.wait()) woken++;
        });
      }
      for (const thread of threads) await thread.ready;
      yield* sleep(20);
      assertEquals(woken, 0);
      event.set();
      event.clear();
    });
    assertEquals(await Promise.all(threads.map((thread) => thread.result())), [true, true, true]);
    assertEquals([woken, event.isSet], [3, false]);
    for (const thread of threads) await thread.terminate();
  },
);

law("SharedEvent.wait(ms) tells whether it was set", async () => {
  const event = new SharedEvent();
  await using late = Thread.call("wait", event, 10);
  assertEquals([await late.result(), await event.wait(5)], [false, false]);
  event.set();
  await using soon = Thread.call("wait", event, 0);
  assertEquals([await soon.result(), await event.wait(0), event.isSet], [true, true, true]);
});

// -- SharedCondition --

law(
  "SharedCondition.notify() wakes one that waited, in every kind of thread, and no other",
  async () => {
    const condition = new SharedCondition();
    const level = new SharedValue("int32");
    const threads = [1, 2, 3].map(() => Thread.call("waitFor", condition, level));
    for (const thread of threads) await thread.ready;
    let told = 0;
    for (const thread of threads) thread.result().then(() => told++);
    await run(async function* () {
      for (let i = 1; i <= 3; i++) {
        {
          using _guard = yield* condition.acquire();
          level.value = 1;
          assertEquals(condition.notify(), 1);
        }
        while (told < i) yield* sleep(1);
      }
      using _guard = yield* condition.acquire();
      assertEquals(condition.notifyAll(), 0);
    });
    for (const thread of threads) await thread.terminate();
  },
);

law("SharedCondition wakes tasks in the order in which they came to wait", async () => {
  const condition = new SharedCondition();
  const log: number[] = [];
  await run(function* () {
    for (let i = 0; i < 4; i++) {
      spawn(function* () {
        using _guard = yield* condition.acquire();
        yield* condition.wait();
        log.push(i);
      });
    }
    yield* sleep(5);
    for (const count of [1, 2, 1]) {
      {
        using _guard = yield* condition.acquire();
        condition.notify(count);
      }
      yield* sleep(20);
    }
  });
  assertEquals(log, [0, 1, 2, 3]);
});

law("SharedCondition passes a notification on from a waiter that is cancelled", async () => {
  const condition = new SharedCondition();
  await run(function* () {
    const wait = function* () {
      using _guard = yield* condition.acquire();
      yield* condition.wait();
      return condition.lock.isMine;
    };
    const first = spawn(wait);
    const second = spawn(wait);
    yield* sleep(5);
    {
      using _guard = yield* condition.acquire();
      condition.notify();
      first.cancel();
    }
    assertEquals(yield* second.get(), true);
    assertEquals(first.successful, false);
  });
  assertEquals(condition.lock.locked, false);
});

law("SharedCondition does not notify the dead, nor those who gave up", async () => {
  const condition = new SharedCondition();
  await using dead = Thread.call("waitAndDie", condition);
  await dead.ready;
  await run(function* () {
    for (let i = 0; i < 1100; i++) { // more than there are places
      using _guard = yield* condition.acquire();
      assertEquals(yield* condition.wait(0), false);
    }
    const last = spawn(function* () {
      using _guard = yield* condition.acquire();
      return yield* condition.wait();
    });
    yield* sleep(20);
    dead.terminate();
    while (!(yield* gone(dead)));
    using _guard = yield* condition.acquire();
    assertEquals(condition.notify(2), 1);
    condition.release();
    assertEquals(yield* last.get(), true);
    yield* condition.acquire();
  });
});

function* gone(thread: Thread): Generator<unknown, boolean, unknown> {
  yield thread.gone;
  return true;
}

law("SharedCondition refuses to wait or notify without its lock", async () => {
  const condition = new SharedCondition();
  assertThrows(() => condition.notify(), Error, `does not hold ${condition.lock}`);
  await assertRejects(() => Promise.resolve(condition.wait()), Error, "does not hold");
});

law("SharedCondition.wait() that is struck anywhere leaves no lock held", async () => {
  let condition = new SharedCondition();
  await sweepCancel(function* () {
    condition = new SharedCondition();
    yield* group(function* (g) {
      g.spawn(function* () {
        yield* sleep(1);
        using _guard = yield* condition.acquire();
        condition.notify();
      });
      using _guard = yield* condition.acquire();
      yield* condition.wait();
    });
  }, { invariant: () => assertEquals(condition.lock.locked, false) });
});

// -- SharedBarrier --

law("SharedBarrier opens when all have come, round after round, and numbers them", async () => {
  const barrier = new SharedBarrier(4);
  const rounds = 200;
  const threads = [1, 2, 3].map(() => Thread.call("meet", barrier, rounds));
  const mine: number[] = [];
  await run(function* () {
    for (let i = 0; i < rounds; i++) mine.push(yield* barrier.wait());
  });
  const all = [mine, ...await Promise.all(threads.map((thread) => thread.result<number[]>()))];
  for (let i = 0; i < rounds; i++) {
    assertEquals(all.map((places) => places[i]).toSorted(), [0, 1, 2, 3]);
  }
  for (const thread of threads) await thread.terminate();
}, 40_000);

law("SharedBarrier breaks for all when one gives up, and begins anew after a reset", async () => {
  const barrier = new SharedBarrier(3);
  await using hasty = Thread.call("meet", barrier, 1, 30);
  await using patient = Thread.call("meet", barrier, 1);
  const error = await assertRejects(() => hasty.result(), Error, "30 ms have passed");
  assertEquals(error.name, "BrokenBarrierError");
  assertEquals((await assertRejects(() => patient.result(), Error)).name, "BrokenBarrierError");
  assertEquals(barrier.statistics(), { parties: 3, waiting: 0, broken: true });
  await assertRejects(() => Promise.resolve(barrier.wait()), BrokenBarrierError, "it is broken");
  barrier.reset();
  const places = await Promise.all([barrier.wait(), barrier.wait(), barrier.wait()]);
  assertEquals(places.toSorted(), [0, 1, 2]);
});

law("SharedBarrier.reset() sends those away who wait", async () => {
  const barrier = new SharedBarrier(2);
  await using thread = Thread.call("meet", barrier, 1);
  while (barrier.nWaiting === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  barrier.reset();
  await assertRejects(() => thread.result(), Error, "it was reset");
  assertEquals([barrier.broken, barrier.nWaiting], [false, 0]);
});

law("SharedBarrier is an error for the others when one dies at it", async () => {
  const barrier = new SharedBarrier(3);
  await using dead = Thread.call("meetAndDie", barrier);
  await dead.ready;
  await using waiter = Thread.call("meet", barrier, 1);
  while (barrier.nWaiting < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await dead.terminate();
  const error = await assertRejects(() => waiter.result(), Error, dead.name);
  assertEquals(error.name, "AbandonedError");
  await assertRejects(() => Promise.resolve(barrier.wait()), AbandonedError, dead.name);
});

law(
  "SharedBarrier calls the action of whoever comes last through the object that has it",
  async () => {
    const log: string[] = [];
    const barrier = new SharedBarrier(2, () => log.push("|"));
    await run(function* () {
      for (const name of ["a", "b"]) {
        spawn(function* () {
          for (let round = 0; round < 2; round++) {
            log.push(name);
            yield* barrier.wait();
          }
        });
      }
    });
    const text = log.join("");
    assert(/^(ab|ba)\|(ab|ba)\|$/.test(text), text);
    for (const wrong of [0, -1, 1.5, 2000]) {
      assertThrows(
        () => new SharedBarrier(wrong),
        RangeError,
      );
    }
  },
);

law("SharedBarrier.wait() that is cancelled breaks the barrier, unless it has opened", async () => {
  await run(function* () {
    const barrier = new SharedBarrier(2);
    const first = spawn(function* () {
      return yield* barrier.wait();
    });
    yield* sleep(1);
    first.cancel();
    yield* first.join();
    assertEquals(barrier.broken, true);
    barrier.reset();
    const again = spawn(function* () {
      return yield* barrier.wait();
    });
    yield* sleep(1);
    assertEquals(yield* barrier.wait(), 1);
    again.cancel(); // too late: it has been counted
    yield* again.join();
    assertEquals(barrier.broken, false);
  });
});

// -- Gates --

/** Each would take a slice of 50 ms if its wake-up were lost, and all of them more than the law's time. */
const HANDOVERS = 2000;

law("No wake-up is lost between two threads that block", async () => {
  const [there, back] = [new SharedSemaphore(0), new SharedSemaphore(0)];
  await using a = Thread.call("ping", there, back, HANDOVERS);
  await using b = Thread.call("pong", there, back, HANDOVERS);
  await Promise.all([a.result(), b.result()]);
});

law("No wake-up is lost between a thread that blocks and tasks of the main thread", async () => {
  const [there, back] = [new SharedSemaphore(0), new SharedSemaphore(0)];
  await using thread = Thread.call("pong", there, back, HANDOVERS);
  await run(function* () {
    for (let task = 0; task < 4; task++) {
      spawn(function* () {
        for (let i = 0; i < HANDOVERS / 4; i++) {
          there.release();
          yield* back.acquire();
        }
      });
    }
  });
  await thread.result();
});

law("No wake-up is lost to a waiter that is cancelled as it comes", async () => {
  const semaphore = new SharedSemaphore(0);
  const times = HANDOVERS / 10;
  await using thread = Thread.call("pong", semaphore, new SharedSemaphore(0), times);
  await run(function* () {
    for (let i = 0; i < times; i++) {
      const waiter = spawn(function* () {
        yield* semaphore.acquire();
      });
      yield;
      yield;
      semaphore.release(); // may ring for the waiter, which is about to leave
      waiter.cancel();
      yield* waiter.join();
      if (waiter.successful) semaphore.release();
      while (semaphore.value > 0) yield;
    }
    yield thread.result();
  });
});

law("SharedSemaphore.release() never has more permits than a word holds", () => {
  const semaphore = new SharedSemaphore(2 ** 31 - 2);
  semaphore.release();
  for (const count of [1, 2, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    assertThrows(() => semaphore.release(count), RangeError, "there can be 2147483647 at most");
  }
  assertEquals(semaphore.value, 2 ** 31 - 1);
});

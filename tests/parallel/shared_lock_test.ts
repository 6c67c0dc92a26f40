/** Locks between threads: exclusion, what a cancel leaves, and what becomes of a lock whose holder dies. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  group,
  moveOnAfter,
  run,
  sleep,
  spawn,
  TimeoutError,
  withTimeout,
  WouldBlock,
} from "@weft/weft";
import { sweepCancel } from "@weft/weft/testing";
import { AbandonedError, DeadlockError } from "../../src/kernel/errors.ts";
import { SharedMutex } from "../../src/parallel/shared/mutex.ts";
import {
  enrolThread,
  removeThread,
  ThreadId,
  ThreadTable,
} from "../../src/parallel/thread/table.ts";
import { regionOf } from "../../src/parallel/shared/region.ts";
import { SharedEvent } from "../../src/parallel/shared/event.ts";
import { SharedLock } from "../../src/parallel/shared/lock.ts";
import { SharedRLock } from "../../src/parallel/shared/lock.ts";
import { law } from "../lib/law.ts";
import type { Death } from "./fixtures/shared_work.ts";
import { Thread } from "./fixtures/thread.ts";

function sharedWords(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

for (const Lock of [SharedLock, SharedRLock]) {
  const { name } = Lock;

  law(`${name} excludes four threads from one another: 400 000 counts are exact`, async () => {
    const lock = new Lock();
    const words = sharedWords();
    const threads = Array.from(
      { length: 4 },
      () => Thread.call("countLocked", lock, words, 100_000),
    );
    await Promise.all(threads.map((thread) => thread.result()));
    assertEquals(words[0], 400_000);
    assertEquals(lock.statistics(), { holder: undefined, waiting: 0 });
    for (const thread of threads) await thread.terminate();
  }, 60_000);

  law(
    `${name} excludes tasks of several threads, and code that blocks, from one another`,
    async () => {
      const lock = new Lock();
      const words = sharedWords();
      await using a = Thread.call("countInTasks", lock, words, 5, 200);
      await using b = Thread.call("countInTasks", lock, words, 5, 200);
      await using c = Thread.call("countLocked", lock, words, 20_000);
      await run(function* () {
        for (let i = 0; i < 200; i++) {
          yield* lock.acquire();
          const before = words[0]!;
          yield;
          words[0] = before + 1;
          lock.release();
        }
      });
      await Promise.all([a.result(), b.result(), c.result()]);
      assertEquals(words[0], 22_200);
    },
    60_000,
  );

  for (const how of ["exit", "close"] as const satisfies Death[]) {
    law(
      `${name} whose holder ends by ${how} is an error for those who wait and those who come`,
      async () => {
        const lock = new Lock();
        await using holder = Thread.call("holdAndDie", lock, how);
        await holder.ready;
        await using waiter = Thread.call("block", lock as SharedLock);
        const text = `Cannot acquire ${lock}: its holder "${holder.name}" died while holding it`;
        await assertRejects(() => Promise.resolve(lock.acquire()), AbandonedError, text);
        const error = await assertRejects(() => waiter.result(), Error, text);
        assertEquals(error.name, "AbandonedError");
        assertThrows(() => lock.tryAcquire(), AbandonedError, text);
        assertEquals(lock.statistics().holder, holder.name);
      },
    );
  }

  law(`${name}.recover() frees the lock of a dead holder, and no other`, async () => {
    const lock = new Lock();
    await using holder = Thread.call("hold", lock);
    await holder.ready;
    assertEquals(lock.recover(), false);
    await holder.terminate();
    assertEquals([lock.recover(), lock.recover()], [true, false]);
    lock.tryAcquire();
    lock.release();
  });

  law(
    `${name}.acquire() that is cancelled holds nothing, wherever the cancel strikes`,
    async () => {
      let lock = new Lock();
      const { rounds } = await sweepCancel(function* () {
        lock = new Lock();
        yield* group(function* (g) {
          g.spawn(function* () {
            using _guard = yield* lock.acquire();
            yield* sleep(1);
          });
          yield;
          using _guard = yield* lock.acquire();
          yield* sleep(1);
        });
      }, { invariant: () => assertEquals(lock.locked, false) });
      assert(rounds > 6);
    },
  );

  law(`${name} handed to a waiter that is being cancelled goes to the next`, async () => {
    const lock = new Lock();
    await run(async function* () {
      yield* lock.acquire();
      const tasks = Array.from({ length: 20 }, () =>
        spawn(function* () {
          yield* lock.acquire();
          lock.release();
          return "had it";
        }));
      yield* sleep(5);
      lock.release();
      for (const task of tasks.slice(0, 19)) task.cancel();
      assertEquals(yield* tasks[19]!.join(), "had it");
    });
    assertEquals(lock.locked, false);
  });

  law(
    `${name}: a timer of a millisecond keeps firing while the scheduler's thread waits`,
    async () => {
      const lock = new Lock();
      const told = new SharedEvent();
      await using holder = Thread.call("holdUntil", lock as SharedLock, told);
      await holder.ready;
      await run(async function* () {
        spawn(function* () {
          for (let ticks = 0; ticks < 50; ticks++) yield* sleep(1);
          told.set();
        });
        using _guard = yield* lock.acquire();
      });
    },
  );

  law(`${name}.acquireSync() is refused on the main thread, also when the lock is free`, () => {
    const lock = new Lock();
    assertThrows(() => lock.acquireSync(), Error, "this is the main thread");
    assertEquals(lock.locked, false);
  });
}

law(
  "SharedLock.acquireSync() is refused in a task of a worker that would have to wait",
  async () => {
    const lock = new SharedLock();
    lock.tryAcquire();
    await using thread = Thread.call("tryInTask", lock);
    assertStringIncludes(await thread.result(), "other tasks would stand still");
    lock.release();
  },
);

law("SharedLock.acquireSync(ms) gives up after its time and holds nothing", async () => {
  const lock = new SharedLock();
  lock.tryAcquire();
  await using thread = Thread.call("block", lock, 20);
  const error = await assertRejects(() => thread.result(), Error, "Timed out after 20 ms");
  assertEquals(error.name, "TimeoutError");
  assertEquals(lock.statistics(), { holder: "main", waiting: 0 });
  lock.release();
});

law("A thread that blocks can be terminated, and leaves nobody waiting", async () => {
  const lock = new SharedLock();
  lock.tryAcquire();
  const thread = Thread.call("block", lock);
  await thread.ready;
  while (lock.statistics().waiting === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await thread.terminate();
  assertEquals(lock.statistics().waiting, 0);
  lock.release();
});

law(
  "Nobody is passed over for ever: the main thread gets a lock that four threads fight for",
  async () => {
    const lock = new SharedLock();
    const words = sharedWords();
    const threads = Array.from(
      { length: 4 },
      () => Thread.call("countLocked", lock, words, 300_000),
    );
    let had = 0;
    const all = Promise.all(threads.map((thread) => thread.result())).then(() => true);
    while (await Promise.race([all, Promise.resolve(false)]) === false) {
      const guard = await lock.acquire();
      had++;
      words[0] = words[0]! + 1;
      guard[Symbol.dispose]();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assertEquals(words[0], 1_200_000 + had);
    assert(had > 3, `${had}`);
    for (const thread of threads) await thread.terminate();
  },
  60_000,
);

law(
  "SharedLock refuses to be taken twice by a task, and to be released by a thread without it",
  async () => {
    const lock = new SharedLock();
    assertThrows(() => lock.release(), Error, "in main: nobody holds it");
    await run(function* () {
      yield* lock.acquire();
      let error: unknown;
      try {
        yield* lock.acquire();
      } catch (caught) {
        error = caught;
      }
      assert(error instanceof DeadlockError);
      lock.release();
    });
    await using holder = Thread.call("hold", lock);
    await holder.ready;
    assertThrows(() => lock.release(), Error, `"${holder.name}" holds it`);
    assertThrows(() => lock.tryAcquire(), WouldBlock, `held by ${holder.name}`);
  },
);

law(
  "SharedRLock is free when it was released as often as taken, through any view of it",
  async () => {
    const lock = new SharedRLock();
    await using thread = Thread.call("nest", lock);
    assertEquals(await thread.result(), 1);
    await run(function* () {
      yield* lock.acquire();
      yield* lock.acquire();
      const other = spawn(function* () {
        return yield* moveOnAfter(10, lock.acquire());
      });
      assertEquals(yield* other.join(), undefined);
      lock.release();
      assertEquals(lock.locked, true);
      lock.release();
      assertEquals(lock.locked, false);
    });
  },
);

law("SharedRLock refuses to be released by another task of the thread that holds it", async () => {
  const lock = new SharedRLock();
  await run(function* () {
    yield* lock.acquire();
    const other = spawn(function* () {
      assertThrows(() => lock.release(), Error, "another task of it holds it");
    });
    yield* other.join();
    lock.release();
  });
});

law("A wait for shared memory keeps its run alive, and a deadline ends it", async () => {
  const lock = new SharedLock();
  const told = new SharedEvent();
  await using holder = Thread.call("holdUntil", lock, told);
  await holder.ready;
  await assertRejects(
    () => Promise.resolve(withTimeout(20, lock.acquire())),
    TimeoutError,
  );
  const waiting = Promise.resolve(lock.acquire());
  told.set();
  await waiting;
  lock.release();
});

law("A waiter that had reserved the lock and gave up does not keep it from others", async () => {
  const lock = new SharedLock();
  const told = new SharedEvent();
  await using holder = Thread.call("holdUntil", lock, told);
  await holder.ready;
  const guard = await moveOnAfter(150, lock.acquire());
  assertEquals(guard, undefined);
  told.set();
  await holder.result();
  lock.tryAcquire();
  lock.release();
});

law("A lock that is reserved for a thread which dies goes to another", async () => {
  const lock = new SharedLock();
  const ticket = enrolThread("waiter");
  const thread = new ThreadId(new ThreadTable(ticket.table), ticket.number);
  const mutex = new SharedMutex({ ...regionOf(lock.share(), "SharedLock"), thread });
  lock.tryAcquire();
  const entry = mutex.entry("waiter", () => true);
  entry.check();
  await new Promise((resolve) => setTimeout(resolve, 15));
  entry.check(); // it has waited so long that it reserves the lock
  lock.release();
  assertThrows(() => lock.tryAcquire(), WouldBlock);
  removeThread(ticket);
  await lock.acquire();
  lock.release();
  lock.tryAcquire();
  lock.release();
});

law(
  "A lock that is reserved goes to the thread that reserved it, before others that come by",
  async () => {
    const lock = new SharedLock();
    const ticket = enrolThread("waiter");
    const thread = new ThreadId(new ThreadTable(ticket.table), ticket.number);
    const mutex = new SharedMutex({ ...regionOf(lock.share(), "SharedLock"), thread });
    lock.tryAcquire();
    const entry = mutex.entry("waiter", () => "taken");
    entry.check();
    await new Promise((resolve) => setTimeout(resolve, 15));
    entry.check();
    lock.release();
    assertEquals(entry.attempt(), "taken");
    assertEquals(lock.statistics().holder, "waiter");
    assertEquals(mutex.give(), true);
    lock.tryAcquire();
    lock.release();
    removeThread(ticket);
  },
);

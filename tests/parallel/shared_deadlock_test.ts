/** Circles of shared locks within a thread are found like those of local ones, in every way of waiting. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  currentTask,
  DeadlockError,
  Event,
  Lock,
  moveOnAfter,
  RLock,
  run,
  SharedCondition,
  SharedEvent,
  SharedLock,
  SharedRLock,
  SharedValue,
  sleep,
  spawn,
  WorkerPool,
} from "@weft/weft";
import { schedulerOf } from "@weft/weft/lowlevel";
import { VirtualClock } from "@weft/weft/testing";
import { answer } from "../../src/trace/monitor_commands.ts";
import { costsBehind } from "../lib/circle.ts";
import { law } from "../lib/law.ts";
import { work } from "./fixtures/crossing.ts";
import { Thread } from "./fixtures/thread.ts";

interface Lockable {
  acquire(): PromiseLike<Disposable>;
}

type Take = (
  lock: Lockable,
) => Generator<unknown, Disposable> | AsyncGenerator<unknown, Disposable>;

// deno-lint-ignore no-explicit-any -- each lane has its own kind of `yield*`
const parts = (lock: Lockable): any => lock.acquire();

const LANES: Record<string, Take> = {
  "function*": function* (lock) {
    return yield* parts(lock);
  },
  "async function*": async function* (lock) {
    return yield* parts(lock);
  },
  "await": async function* (lock) {
    return await lock.acquire();
  },
};

const PAIRS: Record<string, () => [Lockable, Lockable]> = {
  "two SharedLocks": () => [new SharedLock(), new SharedLock()],
  "two SharedRLocks": () => [new SharedRLock(), new SharedRLock()],
  "a Lock and a SharedLock": () => [new Lock(), new SharedLock()],
  "a SharedRLock and an RLock": () => [new SharedRLock(), new RLock()],
  "two views of each lock": () => {
    const lock = new SharedLock();
    const view = SharedLock.from(lock.share());
    const other = new SharedRLock();
    return [
      { acquire: alternately(lock, view) },
      { acquire: alternately(other, SharedRLock.from(other.share())) },
    ];
  },
  "locks of SharedValues": () => [new SharedValue("int8").lock, new SharedValue("int8").lock],
};

function alternately(...views: readonly Lockable[]): () => PromiseLike<Disposable> {
  let turn = 0;
  return () => views[turn++ % views.length]!.acquire();
}

/** Two tasks that take two locks crosswise; `beside` goes on meanwhile. */
function crossed(
  take: Take,
  [a, b]: readonly [Lockable, Lockable],
  told: string[],
  beside: number,
): Promise<void> {
  const body = async function* (first: Lockable, second: Lockable) {
    using _first = await first.acquire();
    yield* sleep(1);
    using _second: Disposable = yield* take(second) as AsyncGenerator<unknown, Disposable>;
  };
  return run(function* () {
    const tasks = [spawn(body, a, b), spawn(body, b, a)];
    for (let t = 0; t < beside; t += 10) yield* sleep(10);
    if (beside === 0) return;
    for (const task of tasks) task.cancel();
  }, { warn: (message) => void told.push(message) });
}

for (const [name, make] of Object.entries(PAIRS)) {
  for (const [lane, take] of Object.entries(LANES)) {
    law(`A circle of ${name} is told while other work goes on (${lane})`, async () => {
      const told: string[] = [];
      await crossed(take, make(), told, 250);
      assertEquals(told.length, 1, told.join("\n"));
      assertMatch(told[0]!, /^Deadlock: 2 tasks wait for one another, and only a cancel/);
    });

    law(
      `A run that waits for ${name} in a circle fails with a DeadlockError (${lane})`,
      async () => {
        const error = await assertRejects(() => crossed(take, make(), [], 0), DeadlockError);
        assertEquals(error.cycles.map((cycle) => cycle.length), [2]);
        assertMatch(error.message, /cycle: .* held by body#\d → .* held by body#\d\n/);
      },
    );
  }
}

law(
  "A task that waits for a lock of a holder that waits for ever is deadlocked, without a circle",
  async () => {
    const lock = new SharedLock();
    const error = await assertRejects(() =>
      run(function* () {
        spawn(function* one() {
          using _guard = yield* lock.acquire();
          yield* new Event().wait();
        });
        yield;
        yield;
        yield;
        yield* lock.acquire();
      }), DeadlockError);
    assertStringIncludes(error.message, "SharedLock");
  },
);

law(
  "A lock that another thread has is no deadlock, also when a task of the run gets it first",
  async () => {
    const lock = new SharedLock();
    await using thread = Thread.call("holdFor", lock, 60);
    await thread.ready;
    const had: number[] = [];
    await run(function* () {
      for (let i = 0; i < 3; i++) {
        spawn(function* () {
          using _guard = yield* lock.acquire();
          had.push(i);
          yield* sleep(2);
        });
      }
    });
    assertEquals(had.toSorted(), [0, 1, 2]);
  },
);

law("A lock that was handed over is given back by another task, and nothing is lost", async () => {
  const lock = new SharedLock();
  await run(function* () {
    spawn(function* () {
      yield* lock.acquire();
    });
    yield;
    yield;
    const waiter = spawn(function* () {
      using _guard = yield* lock.acquire();
      return "had it";
    });
    yield* sleep(5);
    SharedLock.from(lock.share()).release();
    assertEquals(yield* waiter.get(), "had it");
  });
  assertEquals(lock.locked, false);
});

law(
  "A holder that ends without giving its lock back is named, and the lock stays the thread's",
  async () => {
    const lock = new SharedLock();
    const error = await assertRejects(() =>
      run(function* () {
        yield* spawn(function* forgetful() {
          yield* lock.acquire();
        }).join();
        yield* lock.acquire();
      }), DeadlockError);
    assertStringIncludes(error.message, "held by forgetful#2, which has ended");
    assertEquals(lock.statistics().holder, "main");
    lock.release();
  },
);

law("A run that waits for a lock of another run of its thread waits", async () => {
  const lock = new SharedLock();
  const one = run(function* () {
    using _guard = yield* lock.acquire();
    yield* sleep(20);
  });
  await run(function* () {
    using _guard = yield* lock.acquire();
  });
  await one;
});

law(
  "Two runs of a thread that wait for each other's locks are deadlocked, both or one",
  async () => {
    const [a, b] = [new SharedLock(), new SharedLock()];
    const body = function* (first: SharedLock, second: SharedLock) {
      using _first = yield* first.acquire();
      yield* sleep(5);
      using _second = yield* second.acquire();
    };
    const ends = await Promise.allSettled([
      run(function* () {
        yield* body(a, b);
      }, { warn: () => {} }),
      run(function* () {
        yield* body(b, a);
      }, { warn: () => {} }),
    ]);
    const failed = ends.filter((end) => end.status === "rejected");
    assert(failed.length >= 1);
    for (const { reason } of failed) assert(reason instanceof DeadlockError, String(reason));
  },
);

law(
  "A SharedRLock that is taken twice at once by one task counts, a SharedLock refuses",
  async () => {
    for (const lock of [new SharedRLock(), new SharedLock()]) {
      await using thread = Thread.call("holdFor", lock as SharedLock, 20);
      await thread.ready;
      const both = run(async function* () {
        yield* sleep(0);
        const guards = await Promise.all([lock.acquire(), lock.acquire()]);
        for (const guard of guards) guard[Symbol.dispose]();
      });
      if (lock instanceof SharedRLock) await both;
      else await assertRejects(() => both, DeadlockError, "twice");
      await thread.result();
      if (lock.locked) lock.release();
    }
  },
);

law("A circle through a SharedCondition, whose lock must be taken again, is found", async () => {
  const changed = new SharedCondition();
  const other = new Lock("other");
  const error = await assertRejects(() =>
    run(function* () {
      spawn(function* waits() {
        using _other = yield* other.acquire();
        using _guard = yield* changed.acquire();
        yield* changed.wait();
      });
      yield* sleep(1);
      spawn(function* notifies() {
        using _guard = yield* changed.acquire();
        changed.notify();
        yield* sleep(1);
        using _other = yield* other.acquire();
      });
    }, { warn: () => {} }), DeadlockError);
  assertEquals(error.cycles.length, 1);
});

law("A shared lock with a deadline is no deadlock", async () => {
  const told: string[] = [];
  const [a, b] = [new SharedLock(), new SharedLock()];
  await run(function* () {
    spawn(function* () {
      using _a = yield* a.acquire();
      yield* sleep(1);
      yield* moveOnAfter(100, b.acquire());
    });
    using _b = yield* b.acquire();
    yield* sleep(1);
    using _a = yield* a.acquire();
  }, { clock: new VirtualClock(), warn: (message) => void told.push(message) });
  assertEquals(told, []);
});

law("What was taken in an all() that fails, or too late, is given back", async () => {
  const { all } = await import("@weft/weft");
  const lock = new SharedLock();
  await assertRejects(() =>
    run(function* () {
      yield* all([lock.acquire(), function* () {
        yield;
        throw new Error("planned");
      }]);
    })
  );
  assertEquals(lock.locked, false);
});

law("Thousands of waiters behind a shared circle cost the same each", async () => {
  const costs = await costsBehind({ lock: () => new SharedLock(), locks: 300, waiters: 2000 });
  assert(costs[1] < 20 * costs[0] + 50, `${costs} ms`);
});

law(
  "locks lists a shared lock with its holder, whether anybody waits or not",
  () =>
    run(function* () {
      const [lock, again, free] = [new SharedLock(), new SharedRLock(), new SharedLock()];
      const scheduler = schedulerOf(currentTask());
      using _lock = yield* lock.acquire();
      using _again = yield* SharedRLock.from(again.share()).acquire();
      const held = () => answer(scheduler, "locks").text;
      assertEquals(held(), `${lock} held by main (id 1)\n${again} held by main (id 1)\n`);
      const waiter = spawn(function* waiter() {
        yield* SharedLock.from(lock.share()).acquire();
      });
      yield;
      yield;
      assertEquals(
        held(),
        `${lock} held by main (id 1)\n  1. waiter#2 (id 2) ${lock}.acquire()\n${again} held by main (id 1)\n`,
      );
      assertStringIncludes(
        answer(scheduler, "where 2").text,
        `waits on ${lock}.acquire() held by main`,
      );
      assert(!held().includes(String(free)));
      yield* waiter.cancel();
    }),
);

law("locks lists nothing that was given back, through whichever view", () =>
  run(function* () {
    const lock = new SharedLock();
    const scheduler = schedulerOf(currentTask());
    yield* lock.acquire();
    SharedLock.from(lock.share()).release();
    assertEquals(answer(scheduler, "locks").text, "nothing is held\n");
    lock.tryAcquire();
    lock.release();
    assertEquals(answer(scheduler, "locks").text, "nothing is held\n");
  }));

for (const Kind of [SharedLock, SharedRLock]) {
  for (const body of ["takeBoth", "takeBothAsync"] as const) {
    law(
      `Two jobs of one worker that take ${Kind.name}s crosswise are deadlocked (${body})`,
      async () => {
        await using pool = new WorkerPool(1);
        const [a, b, go] = [new Kind(), new Kind(), new SharedEvent()];
        const [one, two] = [new SharedEvent(), new SharedEvent()];
        const jobs = [
          pool.submit(work[body] as typeof work.takeBoth, a, b, one, go),
          pool.submit(work[body] as typeof work.takeBoth, b, a, two, go),
        ];
        await one.wait();
        await two.wait();
        go.set();
        const ends = await Promise.allSettled(jobs);
        const failed = ends.filter((end) => end.status === "rejected");
        assert(failed.length >= 1);
        for (const { reason } of failed) assertEquals(reason.name, "DeadlockError");
        assertEquals([a.locked, b.locked], [false, false]);
      },
    );
  }

  law(`A worker whose code would block for a ${Kind.name} of its own task is told`, async () => {
    await using pool = new WorkerPool(1);
    const text = await pool.submit(work.blockForTask, new Kind());
    assertMatch(text, /^DeadlockError: Cannot block in Shared.*holder#2, a task of this thread/);
  });

  law(`A worker's run that mixes a Lock and a ${Kind.name} is told, and fails`, async () => {
    await using pool = new WorkerPool(1);
    const told = await pool.submit(work.crossInRun, new Kind());
    assertEquals(told.length, 2);
    assertMatch(told[0]!, /^Deadlock: 2 tasks/);
    assertMatch(told[1]!, /^DeadlockError/);
  });
}

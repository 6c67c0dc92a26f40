/**
 * What is said of tasks that wait for one another: names, places, and no false alarms. A circle is told while other
 * work goes on, in every way of waiting, and at a cost that stays; and a run in which all wait ends.
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  AbandonedError,
  currentTask,
  DeadlockError,
  Lock,
  moveOnAfter,
  Queue,
  race,
  run,
  shield,
  sleep,
  spawn,
  type TaskBody,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law, lawInBothLanes } from "../lib/law.ts";
import { costsBehind } from "../lib/circle.ts";

/** Runs a body for its warnings, each with the number of milliseconds after which it came. */
async function warningsOf(body: TaskBody<[], unknown>, sites?: boolean): Promise<string[]> {
  const warnings: string[] = [];
  const clock = new VirtualClock();
  const warn = (text: string): void => void warnings.push(`${clock.now()}: ${text}`);
  await run(body, { clock, warn, ...sites === undefined ? {} : { sites } }).catch(() => {});
  return warnings;
}

/** Takes one lock, then another; holds both for nothing. */
const takeBoth = (order: readonly Lock[], how: "fast" | "async"): TaskBody<[], void> =>
  how === "fast"
    ? function* () {
      using _a = yield* order[0]!.acquire();
      yield* sleep(1);
      using _b = yield* order[1]!.acquire();
    }
    : async function* () {
      using _a = yield* order[0]!.acquire();
      yield* sleep(1);
      using _b = yield* order[1]!.acquire();
    };

/** Two tasks that take the same two locks in opposite orders, while the main task has other work. */
const crossed = (how: "fast" | "async"): TaskBody<[], void> =>
  function* () {
    const [a, b] = [new Lock("a"), new Lock("b")];
    spawn(takeBoth([a, b], how)).name = "first";
    spawn(takeBoth([b, a], how)).name = "second";
    yield* sleep(1000);
  };

function checkCrossed(warnings: readonly string[]): void {
  assertEquals(warnings.length, 1);
  const [text] = warnings;
  assert(text!.startsWith("1: Deadlock: 2 tasks"), text);
  assertStringIncludes(text!, "first waits b.acquire() held by second");
  assertStringIncludes(text!, "second waits a.acquire() held by first");
  for (const name of ["first", "second"]) {
    assertMatch(text!, new RegExp(`${name} spawned at file:.*deadlock_test.ts:\\d+:\\d+`));
    assertMatch(text!, new RegExp(`${name} waits at file:.*deadlock_test.ts:\\d+:\\d+`));
  }
}

lawInBothLanes("A cycle of locks is reported when it closes, while other work goes on", {
  fast: async () => checkCrossed(await warningsOf(crossed("fast"))),
  async: async () => checkCrossed(await warningsOf(crossed("async"), true)),
});

law(
  "The place where a function* waits is the line of its yield*, also through helpers",
  async () => {
    const helper = function* (lock: Lock) {
      yield* lock.acquire(); // here
    };
    const error = await assertRejects(() =>
      run(function* () {
        const lock = new Lock();
        yield* lock.acquire();
        yield* spawn(function* () {
          yield* helper(lock);
        }).join();
      }, { warn: () => {} }), DeadlockError);
    const source = (await Deno.readTextFile(new URL(import.meta.url))).split("\n");
    const here = source.findIndex((line) => line.includes("// here")) + 1;
    assertStringIncludes(error.message, `waits at ${import.meta.url}:${here}:`);
  },
);

law("No cycle is reported that a deadline, a race or another wait can end", async () => {
  const endings: Record<string, (a: Lock) => TaskBody<[], unknown>> = {
    "nothing": (a) =>
      function* () {
        yield* a.acquire();
      },
    withTimeout: (a) =>
      function* () {
        try {
          yield* withTimeout(5, a.acquire());
        } catch { /* in time */ }
      },
    moveOnAfter: (a) =>
      async function* () {
        yield* moveOnAfter(5, a.acquire());
      },
    race: (a) =>
      function* () {
        yield* race([sleep(5), a.acquire()]);
      },
    "Promise.race": (a) =>
      async function* () {
        await Promise.race([a.acquire(), sleep(5)]);
      },
  };
  for (const [name, ending] of Object.entries(endings)) {
    const warnings = await warningsOf(function* () {
      const [a, b] = [new Lock("a"), new Lock("b")];
      spawn(takeBoth([a, b], "fast"));
      spawn(function* () {
        using _b = yield* b.acquire();
        yield* sleep(1);
        yield* spawn(ending(a)).join();
      });
      yield* sleep(100);
    });
    assertEquals(warnings.length, name === "nothing" ? 1 : 0, name);
  }
});

law("Whoever waits for a lock whose holder died is told its name, and whose it was", async () => {
  for (const ends of ["returns", "throws", "is cancelled"]) {
    const errors: unknown[] = [];
    await run(function* () {
      const lock = new Lock("ledger");
      const holder = spawn(function* () {
        yield* lock.acquire();
        yield* sleep(5);
        if (ends === "throws") throw new Error("in the middle");
      });
      holder.name = "writer";
      holder.observe();
      const waiter = spawn(function* () {
        yield* sleep(1);
        try {
          yield* lock.acquire();
        } catch (error) {
          errors.push(error);
        }
        try {
          yield* lock.acquire();
        } catch (error) {
          errors.push(error);
        }
      });
      yield* sleep(2);
      if (ends === "is cancelled") holder.cancel();
      yield* waiter.join();
    }, { clock: new VirtualClock() });
    assertEquals(errors.length, 2, ends);
    for (const error of errors) {
      assert(error instanceof AbandonedError);
      assertEquals(error.holder, "writer");
      assertStringIncludes(error.message, "ledger");
    }
  }
});

type Take = (
  lock: Lock,
) => AsyncGenerator<unknown, Disposable, unknown> | Generator<unknown, Disposable, unknown>;

const WAYS: Record<string, Take> = {
  "yield* in async function*": async function* (lock) {
    return yield* lock.acquire();
  },
  "await": async function* (lock) {
    return await lock.acquire();
  },
  "yield in async function*": async function* (lock) {
    return (yield lock.acquire()) as Disposable;
  },
  "Promise.all of one": async function* (lock) {
    return (await Promise.all([lock.acquire()]))[0];
  },
  "yield* in function*": function* (lock) {
    return yield* lock.acquire();
  },
};

/** Runs two tasks that take two locks crosswise beside one that goes on for a second, and gives the warnings. */
async function crossedBy(one: Take, two: Take): Promise<string[]> {
  const told: string[] = [];
  await run(async function* () {
    const locks = [new Lock("A"), new Lock("B")] as const;
    const body = async function* (first: Lock, second: Lock, take: Take) {
      using _first = yield* first.acquire();
      yield* sleep(1);
      using _second = yield* take(second) as AsyncIterable<unknown, Disposable, unknown>;
    };
    const tasks = [spawn(body, ...locks, one), spawn(body, locks[1], locks[0], two)];
    for (let t = 0; t < 100; t++) yield* sleep(10);
    for (const task of tasks) task.cancel();
    for (const task of tasks) yield* task.join();
  }, { clock: new VirtualClock(), warn: (message) => void told.push(message) });
  return told;
}

for (const [name, take] of Object.entries(WAYS)) {
  law(`A circle through ${name} is told early, once`, async () => {
    for (const other of [take, WAYS["yield* in async function*"]!]) {
      const told = await crossedBy(take, other);
      assertEquals(told.length, 1);
      for (const text of ["Deadlock: 2 tasks", "A.acquire()", "B.acquire()", "only a cancel"]) {
        assertStringIncludes(told[0]!, text);
      }
    }
  });
}

law("An await that something else ends within a while is not told as a deadlock", async () => {
  const told: string[] = [];
  await run(async function* () {
    const [a, b] = [new Lock("A"), new Lock("B")];
    const body = async function* (first: Lock, second: Lock) {
      using _first = yield* first.acquire();
      yield* sleep(1);
      const beside = new Promise((resolve) => setTimeout(resolve, 5));
      await Promise.race([second.acquire(), beside]);
    };
    const tasks = [spawn(body, a, b), spawn(body, b, a)];
    for (let t = 0; t < 20; t++) yield* sleep(10);
    for (const task of tasks) yield* task.join();
  }, { warn: (message) => void told.push(message) });
  assertEquals(told, []);
  const bounded: Take = async function* (lock) {
    const guard = yield* moveOnAfter(500, async function* () {
      return await lock.acquire();
    });
    return guard ?? new DisposableStack();
  };
  assertEquals(await crossedBy(bounded, WAYS["await"]!), []);
});

law("Thousands of waiters behind a known circle cost the same each", async () => {
  const costs = await costsBehind({ lock: () => new Lock(), locks: 500, waiters: 4000 });
  // 8 000 waiters that each walk a circle of 500 would take seconds of processor time.
  assert(costs[0] + costs[1] < 1500, `${costs} ms`);
});

const boom = new Error("boom");

law(
  "A deadlock of two locks is reported as a cycle of names, and clean-ups still run",
  async () => {
    const log: string[] = [];
    const error = await run(function* () {
      const first = new Lock("First");
      const second = new Lock("Second");
      const grab = async function* (mine: Lock, other: Lock) {
        using _mine = yield* mine.acquire();
        try {
          yield* sleep(1);
          using _other = yield* other.acquire();
        } finally {
          log.push(currentTask().name);
        }
      };
      spawn(grab, first, second).name = "A";
      spawn(grab, second, first).name = "B";
    }).catch((error) => error);
    assertInstanceOf(error, DeadlockError);
    assertEquals(error.cycles.map((cycle) => [...cycle].sort()), [["A", "B"]]);
    assertStringIncludes(
      error.message,
      "A waits Second.acquire() held by B → B waits First.acquire() held by A",
    );
    assertEquals(log.sort(), ["A", "B"]);
  },
);

law("A deadlock under a shield ends all the same", async () => {
  const queue = new Queue<number>();
  await assertRejects(
    () =>
      run(async function* () {
        yield* shield(queue.get());
      }),
    DeadlockError,
    "Queue#",
  );
});

law("A failed producer's error is not hidden by the deadlock it causes", async () => {
  const error = await run(function* () {
    const queue = new Queue<number>();
    spawn(function* () {
      throw boom;
    });
    yield* queue.get();
  }).catch((error) => error);
  assertInstanceOf(error, AggregateError);
  assert(error.errors.includes(boom));
  assert(error.errors.some((one: unknown) => one instanceof DeadlockError));
});

law("A deadlock through `yield task` is seen as one through `yield* task`", async () => {
  for (const star of [true, false]) {
    const error = await run(function* () {
      const child = spawn(function* () {
        yield* new Queue<number>(1, "Empty").get();
      });
      if (star) yield* child;
      else yield child;
    }).catch((error) => error);
    assertInstanceOf(error, DeadlockError);
    assertStringIncludes(error.message, "Empty.get()");
  }
});

law("A task in a foreign await is no deadlock", async () => {
  const value = await run(function* () {
    const queue = new Queue<number>();
    spawn(async function* () {
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield* queue.put(7);
    });
    return yield* queue.get();
  });
  assertEquals(value, 7);
});

law("A part of another lane in a foreign await is no deadlock", async () => {
  const foreign = async function* () {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return 1;
  };
  assertEquals(
    await run(function* () {
      return yield* shield(foreign);
    }),
    1,
  );
  assertEquals(
    await run(async function* () {
      return yield* shield(foreign);
    }),
    1,
  );
});

law("A deadlock that begins after a foreign await is reported", async () => {
  await assertRejects(() =>
    run(async function* () {
      await new Promise((resolve) => setTimeout(resolve, 2));
      yield* new Queue<number>().get();
    }), DeadlockError);
});

/** What reports say of tasks that wait for one another: names, places, and no false alarms. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  AbandonedError,
  DeadlockError,
  Lock,
  moveOnAfter,
  race,
  run,
  sleep,
  spawn,
  type TaskBody,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law, lawInBothLanes } from "../lib/law.ts";

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

lawInBothLanes("A cycle of locks is reported when it closes, while other work goes on", {
  fast: async () => checkCrossed(await warningsOf(crossed("fast"))),
  async: async () => checkCrossed(await warningsOf(crossed("async"), true)),
});

function checkCrossed(warnings: readonly string[]): void {
  assertEquals(warnings.length, 1);
  const [text] = warnings;
  assert(text!.startsWith("1: Deadlock: 2 tasks"), text);
  assertStringIncludes(text!, "first waits b.acquire() held by second");
  assertStringIncludes(text!, "second waits a.acquire() held by first");
  for (const name of ["first", "second"]) {
    assertMatch(text!, new RegExp(`${name} spawned at file:.*deadlock_report_test.ts:\\d+:\\d+`));
    assertMatch(text!, new RegExp(`${name} waits at file:.*deadlock_report_test.ts:\\d+:\\d+`));
  }
}

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

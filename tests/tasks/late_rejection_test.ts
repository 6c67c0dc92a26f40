/**
 * A promise given to weft never ends the process: whoever was to wait for it may be gone when it rejects.
 * An unhandled rejection would fail the test that it happens in.
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  all,
  asCompleted,
  cancelAll,
  createLocal,
  group,
  GroupError,
  joinAll,
  moveOnAfter,
  race,
  run,
  shield,
  sleep,
  spawn,
  spawnLater,
  TaskPool,
  wait,
  waitFirst,
  withTimeout,
} from "@weft/weft";
import { law } from "../lib/law.ts";

/** A promise that rejects after the code around it is through. */
const late = (ms = 2): Promise<number> =>
  new Promise((_, reject) => setTimeout(() => reject(new Error("late")), ms));
/** The same, by a class of its own. */
class OwnPromise<T> extends Promise<T> {}
const lateOwn = (): Promise<number> =>
  new OwnPromise((_, reject) => setTimeout(() => reject(new Error("late")), 2));
const allLate = () => new Promise((resolve) => setTimeout(resolve, 10));
const waitsFor = async function* (promise: Promise<number>) {
  return yield* wait(promise);
};

/** What code does with a promise in the clean-up of a cancelled task. */
const fastCleanUps: Record<string, () => Generator<unknown, unknown, unknown>> = {
  *wait() {
    yield* wait(late());
  },
  *yield() {
    yield late();
  },
  *"own class"() {
    yield lateOwn();
  },
  *withTimeout() {
    yield* withTimeout(50, late());
  },
  *moveOnAfter() {
    yield* moveOnAfter(50, late());
  },
  *local() {
    yield* createLocal(1).with(2, late());
  },
  *all() {
    yield* all([late(), late(3)]);
  },
  *race() {
    yield* race([late(), late(3)]);
  },
  *"never waited for"() {
    const forgotten = [wait(late()), shield(late()), withTimeout(5, late()), all([late()])];
    yield* forgotten[0]!;
  },
  *group() {
    yield* group(function* (g) {
      g.spawn(waitsFor, late());
    });
  },
};

for (const [name, cleanUp] of Object.entries(fastCleanUps)) {
  law(`A promise in the clean-up of a cancelled task may reject: ${name} (function*)`, async () => {
    await run(function* () {
      const task = spawn(function* () {
        try {
          yield* sleep(1000);
        } finally {
          yield* cleanUp();
        }
      });
      yield;
      yield* task.cancel();
      assertEquals(task.cancelled, true);
    });
    await allLate();
  });

  // In an async generator the language itself waits for what is yielded, before weft sees it.
  if (["yield", "own class"].includes(name)) continue;
  law(
    `A promise in the clean-up of a cancelled task may reject: ${name} (async function*)`,
    async () => {
      await run(async function* () {
        const task = spawn(async function* () {
          try {
            yield* sleep(1000);
          } finally {
            yield* cleanUp();
          }
        });
        yield;
        yield* task.cancel();
        assertEquals(task.cancelled, true);
      });
      await allLate();
    },
  );
}

law("A loser of a race, and a sibling of a failure, may be a promise that rejects", async () => {
  await run(async function* () {
    assertEquals(yield* race([Promise.resolve(1), late()]), 1);
    const boom = async function* () {
      throw new Error("boom");
    };
    await assertRejects(() => Promise.resolve(all([boom, late()])), Error, "boom");
    await assertRejects(
      () => Promise.resolve(all([late(), boom, late(3)])),
      Error,
      "boom",
    );
  });
  await allLate();
});

law("A call that is refused may have been given a promise that rejects", async () => {
  const controller = new AbortController();
  controller.abort(new Error("aborted"));
  await run(async function* () {
    for (
      const call of [
        () => withTimeout(NaN, late()),
        () => moveOnAfter(-1, late()),
        () => spawnLater(NaN, waitsFor, late()),
        () => spawn((() => {}) as never, late()),
      ]
    ) {
      await assertRejects(async () => await call());
    }
    await assertRejects(
      () => Promise.resolve(wait(late(), { signal: controller.signal })),
      Error,
      "aborted",
    );
  });
  await allLate();
});

law("A child that never starts may have been given a promise that rejects", async () => {
  await run(async function* () {
    const child = spawn(waitsFor, late());
    const later = spawnLater(1000, waitsFor, late());
    child.cancel();
    later.cancel();
    await assertRejects(
      () =>
        Promise.resolve(group(async function* (g) {
          g.spawn(waitsFor, late());
          g.spawnLater(1000, waitsFor, late());
          throw new Error("body");
        })),
      GroupError,
    );
    using pool = new TaskPool(1);
    const first = pool.submit(function* () {
      yield* sleep(1000);
    });
    pool.submit(waitsFor, late());
    yield;
    first.cancel();
    pool.cancel();
    await assertRejects(() =>
      Promise.resolve(withTimeout(1, pool.map(waitsFor, [late(1), late(2), late(3)])))
    );
  });
  await allLate();
});

law("A function given to wait() may abort its own signal, or cancel its own task", async () => {
  await run(async function* () {
    const controller = new AbortController();
    await assertRejects(
      () =>
        Promise.resolve(wait(() => {
          controller.abort(new Error("by itself"));
          return new Promise<void>(() => {});
        }, { signal: controller.signal })),
      Error,
      "by itself",
    );
    const task = spawn(function* (): Generator<unknown, void, never> {
      yield wait(() => {
        task.cancel("by itself");
        return new Promise<void>(() => {});
      });
    });
    yield* task.join();
    assertEquals(task.cancelled, true);
  });
});

law("A thenable that throws, or answers twice, ends its wait once", async () => {
  const then = (onValue: (value: unknown) => void): never => {
    onValue(1);
    onValue(2);
    throw new Error("after");
  };
  const throws = (): never => {
    throw new Error("then");
  };
  await run(function* () {
    for (const thenable of [{ then }] as unknown as PromiseLike<number>[]) {
      assertEquals(yield thenable, 1);
      assertEquals(yield* wait(thenable), 1);
      assertEquals(yield* withTimeout(100, thenable), 1);
    }
    const bad = { then: throws } as unknown as PromiseLike<number>;
    for (const work of [() => wait(bad), () => withTimeout(100, bad)]) {
      let message = "";
      try {
        yield* work();
      } catch (error) {
        message = (error as Error).message;
      }
      assertEquals(message, "then");
    }
  });
});

law("A promise among works that are refused is handled all the same", async () => {
  const wrong = 5 as never;
  const promise = (): never => late() as never;
  const refusals: Record<string, () => unknown> = {
    all: () => all([promise(), wrong]),
    "all of no list": () => all(promise()),
    race: () => race([promise(), wrong]),
    "race by names": () => race({ late: promise(), wrong }),
    "race of no list": () => race(promise()),
    waitFirst: () => waitFirst([promise(), wrong]),
    "waitFirst of none": () => waitFirst([promise()], { count: 0 }),
    joinAll: () => joinAll([promise()]),
    "joinAll with a bad limit": () => joinAll([promise()], { timeout: -1 }),
    asCompleted: () => asCompleted([promise()]),
    cancelAll: () => cancelAll([promise()]),
    withTimeout: () => withTimeout(-1, promise()),
    wait: () => wait(promise(), { signal: wrong }),
  };
  await run(function* () {
    for (const refused of Object.values(refusals)) assertThrows(refused);
    yield* wait(allLate());
  });
});

/**
 * A promise given to weft never ends the process: whoever was to wait for it may be gone when it rejects.
 * An unhandled rejection would fail the test that it happens in. And a value that can be awaited is given out as it
 * is: what is taken from a queue is the task put there.
 */
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  all,
  asCompleted,
  AsyncResult,
  Broadcast,
  cancelAll,
  Channel,
  createLocal,
  group,
  GroupError,
  joinAll,
  moveOnAfter,
  type Operation,
  PriorityQueue,
  Queue,
  race,
  run,
  shield,
  sleep,
  spawn,
  spawnLater,
  Task,
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

/** A task that never ends by itself: whoever waits for it hangs. */
const endless = (): Task<never> => {
  const task = spawn(function* (): Generator<unknown, never, never> {
    for (;;) yield* sleep(60_000) as unknown as Iterable<unknown, void, never>;
  });
  task.daemon = true;
  return task;
};

/** Operations whose value is the given task. */
const SOURCES: Record<string, (task: Task) => Operation<unknown>> = {
  "Queue.get()": (task) => {
    const queue = new Queue<Task>();
    queue.tryPut(task);
    return queue.get();
  },
  "a get() that waits": (task) => {
    const queue = new Queue<Task>();
    spawn(function* () {
      queue.tryPut(task);
    });
    return queue.get();
  },
  "PriorityQueue.get()": (task) => {
    const queue = new PriorityQueue<Task>();
    queue.tryPut(task);
    return queue.get();
  },
  "AsyncResult.get()": (task) => {
    const result = new AsyncResult<Task>();
    result.set(task);
    return result.get();
  },
  "AsyncResult.get(ms)": (task) => {
    const result = new AsyncResult<Task>();
    result.set(task);
    return result.get(1000);
  },
  "task.get()": (task) =>
    spawn(function* () {
      return task;
    }).get(),
  "withTimeout()": (task) =>
    withTimeout(1000, function* () {
      return task;
    }),
  "moveOnAfter()": (task) => {
    const queue = new Queue<Task>();
    queue.tryPut(task);
    return moveOnAfter(1000, queue.get());
  },
  "shield()": (task) =>
    shield(function* () {
      yield;
      return task;
    }),
  "group()": (task) =>
    group(function* () {
      return task;
    }),
  "race()": (task) => {
    const queue = new Queue<Task>();
    queue.tryPut(task);
    return race([queue.get(), sleep(1000)]);
  },
  "Channel.receive()": (task) => {
    const channel = new Channel<Task>(1);
    channel.sender.trySend(task);
    return channel.receiver.receive();
  },
};

for (const [name, source] of Object.entries(SOURCES)) {
  law(`A task as the value of ${name} is given out, in both lanes and by helpers`, async () => {
    await run(function* () {
      const task = endless();
      assertStrictEquals(yield* source(task), task);
    });
    await run(async function* () {
      const task = endless();
      assertStrictEquals(yield* source(task), task);
      const helper = function* () {
        const value = yield* source(task);
        return [value];
      };
      const [value] = yield* helper();
      assertStrictEquals(value, task);
      const [deeper] = yield* (function* () {
        return yield* helper();
      })();
      assertStrictEquals(deeper, task);
    });
  });
}

law(
  "pool.spawn() gives the task, in an async body and in a function* it delegates to",
  async () => {
    await run(async function* () {
      const pool = new TaskPool(3);
      const slow = async function* () {
        yield* sleep(5);
        return "value";
      };
      const one = yield* pool.spawn(slow);
      assertEquals([one instanceof Task, one.done], [true, false]);
      const [two] = yield* (function* () {
        return [yield* pool.spawn(slow)];
      })();
      assertEquals([two instanceof Task, two!.done], [true, false]);
      assertEquals(yield* two!, "value");
    });
  },
);

law("for await over a queue, a channel or a subscription gives out tasks as they are", async () => {
  await run(async function* () {
    const task = endless();
    const queue = new Queue<Task>();
    queue.tryPut(task);
    const channel = new Channel<Task>(1);
    channel.sender.trySend(task);
    const broadcast = new Broadcast<Task>({ capacity: 1 });
    const subscription = broadcast.subscribe();
    yield* broadcast.send(task);
    for (const source of [queue, channel.receiver, subscription]) {
      for await (const one of source as AsyncIterable<unknown>) {
        assertStrictEquals(one, task);
        break;
      }
    }
  });
});

law("Outside of a run, yield* gives out a task as it is, too", async () => {
  let task: Task | undefined;
  const queue = new Queue<Task>();
  await run(async function* () {
    task = spawn(async function* () {});
  });
  queue.tryPut(task!);
  const outside = async function* (): AsyncGenerator<unknown> {
    yield [yield* queue.get()];
  };
  for await (const got of outside()) assertStrictEquals((got as Task[])[0], task);
});

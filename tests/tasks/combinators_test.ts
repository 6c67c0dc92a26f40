import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  all,
  asCompleted,
  cancelAll,
  Cancelled,
  createLocal,
  currentTask,
  group,
  joinAll,
  Lock,
  moveOnAfter,
  race,
  run,
  RunFinishedError,
  shield,
  sleep,
  spawn,
  type Task,
  TimeoutError,
  wait,
  withTimeout,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

const virtually = <T>(body: () => AsyncGenerator<unknown, T, unknown>): Promise<T> =>
  run(body, { clock: new VirtualClock() });

const nap = async function* <T>(ms: number, value: T) {
  yield* sleep(ms);
  return value;
};

law("all() evaluates to the results in the order given, whichever came first", async () => {
  const values = await virtually(async function* () {
    return yield* all([nap(5, "slow"), () => nap(1, 2), Promise.resolve(true), sleep(2)]);
  });
  assertEquals(values, ["slow", 2, true, undefined]);
});

law("all() of nothing is an empty list", async () => {
  assertEquals(
    await virtually(async function* () {
      return yield* all([]);
    }),
    [],
  );
});

law("race() evaluates to the first result, after the losers have cleaned up", async () => {
  const log: string[] = [];
  const loser = async function* () {
    try {
      yield* sleep(100);
    } finally {
      yield* shield(sleep(5));
      log.push("loser cleaned");
    }
  };
  const value = await virtually(async function* () {
    return yield* race([loser, () => nap(1, "winner")]);
  });
  assertEquals([value, ...log], ["winner", "loser cleaned"]);
});

law("race() throws the error of the first to end, and that of a loser's clean-up too", async () => {
  const error = await virtually(async function* () {
    yield* race([
      async function* () {
        yield* sleep(1);
        throw new Error("first");
      },
      async function* () {
        try {
          yield* sleep(100);
        } catch {
          throw new Error("clean-up");
        }
      },
    ]);
  }).catch((error) => error);
  assertInstanceOf(error, AggregateError);
  assertEquals(error.errors.map((e) => e.message), ["first", "clean-up"]);
  assertThrows(() => race([]), RangeError, "nobody could win");
});

law("joinAll() gives the tasks in the order of their ends, as many as asked for", async () => {
  await virtually(async function* () {
    const tasks = [spawn(nap, 5, "a"), spawn(nap, 1, "b"), spawn(nap, 9, "c")];
    const first = yield* joinAll(tasks, { count: 2 });
    assertEquals(first.map((task) => task.value), ["b", "a"]);
    assertEquals((yield* joinAll(tasks)).length, 3);
    assertThrows(() => joinAll(tasks, { count: -1 }), RangeError, "-1");
  });
});

law("joinAll() gives up at its timeout without an error, and leaves the tasks alone", async () => {
  await virtually(async function* () {
    const tasks = [spawn(nap, 5, "a"), spawn(nap, 1, "b")];
    assertEquals((yield* joinAll(tasks, { timeout: 2 })).map((t) => t.value), ["b"]);
    assertEquals(yield* tasks[0]!.get(), "a");
  });
});

law(
  "joinAll() throws a failure by default, all that have come by then, and none when told",
  async () => {
    const fail = async function* (text: string) {
      throw new Error(text);
    };
    await virtually(async function* () {
      const both = [spawn(fail, "x"), spawn(fail, "y")];
      const error = yield* caught(joinAll(both));
      assertInstanceOf(error, AggregateError);
      assertEquals(error.errors.length, 2);
      const quiet = yield* joinAll([spawn(fail, "z")], { raiseError: false });
      assertEquals((quiet[0]!.error as Error).message, "z");
    });
  },
);

function* caught(operation: Iterable<unknown, unknown, unknown>) {
  try {
    yield* operation;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

law("asCompleted() gives out each task once, fastest first, in either lane", async () => {
  await virtually(async function* () {
    const make = () => [spawn(nap, 5, 5), spawn(nap, 1, 1), spawn(nap, 3, 3)];
    const slow: unknown[] = [];
    for await (const task of asCompleted(make())) slow.push(task.value);
    assertEquals(slow, [1, 3, 5]);
    const fast = yield* spawn(function* () {
      const values: unknown[] = [];
      for (const next of asCompleted(make())) values.push((yield* next).value);
      return values;
    });
    assertEquals(fast, [1, 3, 5]);
  });
});

law("cancelAll() cancels now, and its operation waits until all have ended", async () => {
  await virtually(async function* () {
    const body = async function* () {
      try {
        yield* sleep(1e6);
      } finally {
        yield* shield(sleep(3));
      }
    };
    const tasks: Task[] = [spawn(body), spawn(body)];
    yield* sleep(1);
    yield* cancelAll(tasks, "enough");
    assert(tasks.every((task) => task.cancelled && (task.error as Cancelled).reason === "enough"));
    cancelAll(tasks); // ended tasks are left alone, and nobody has to wait
  });
});

law(
  "Of two deadlines that expire together, the outer one is reported by the outer scope",
  async () => {
    await virtually(async function* () {
      const error = yield* caught(
        withTimeout(5, async function* () {
          try {
            yield* withTimeout(5, sleep(100));
          } catch (error) {
            assert(!(error instanceof TimeoutError), "the inner scope took the outer's cancel");
            throw error;
          }
        }),
      );
      assertInstanceOf(error, TimeoutError);
    });
  },
);

law("An inner deadline leaves the outer one in force", async () => {
  await virtually(async function* () {
    const log: string[] = [];
    const error = yield* caught(
      withTimeout(10, async function* () {
        log.push(String(yield* moveOnAfter(3, sleep(100))));
        yield* sleep(100);
      }),
    );
    assertInstanceOf(error, TimeoutError);
    assertEquals([error.ms, ...log], [10, "undefined"]);
  });
});

law(
  "Work that ends in time is not disturbed by its timeout, and a lock taken in it has one holder",
  async () => {
    await virtually(async function* () {
      const lock = new Lock();
      yield* lock.acquire();
      yield* withTimeout(5, async function* () {
        lock.release(); // the same task, so the same holder
        yield* lock.acquire();
      });
      lock.release();
      yield* sleep(20);
    });
  },
);

law("get(ms) throws TimeoutError and join(ms) gives up, both leaving the task alone", async () => {
  await virtually(async function* () {
    const task = spawn(nap, 10, "done");
    assertEquals(yield* task.join(2), undefined);
    assertInstanceOf(yield* caught(task.get(2)), TimeoutError);
    assertEquals(task.done, false);
    assertEquals(yield* task.get(20), "done");
  });
});

law(
  "A cancelled task: join() lets it pass, get() throws its Cancelled, successful is false",
  async () => {
    await virtually(async function* () {
      const task = spawn(nap, 10, "never");
      yield* sleep(1);
      task.cancel("stop");
      assertEquals(yield* task.join(), undefined);
      const error = yield* caught(task.get());
      assertInstanceOf(error, Cancelled);
      assertEquals([error.source, error.reason], ["explicit", "stop"]);
      assertEquals([task.done, task.cancelled, task.successful, task.value], [
        true,
        true,
        false,
        undefined,
      ]);
      assertStrictEquals(task.error, error);
    });
  },
);

law("A task's signal fires with its Cancelled, also for one who asks too late", async () => {
  await virtually(async function* () {
    const task = spawn(nap, 10, 1);
    const { signal } = task;
    yield* sleep(1);
    task.cancel("why");
    assert(signal.aborted && signal.reason instanceof Cancelled && signal.reason.reason === "why");
    assert(task.signal.aborted);
    yield* task.join();
  });
});

law("wait() ends with an outer signal's reason, and fires its own when cancelled", async () => {
  await run(async function* () {
    const controller = new AbortController();
    const task = spawn(async function* () {
      yield* wait(new Promise(() => {}), { signal: controller.signal });
    });
    yield* sleep(1);
    controller.abort(new Error("outer"));
    await assertRejects(async () => await task.get(), Error, "outer");

    let inner: AbortSignal | undefined;
    const waiter = spawn(async function* () {
      yield* wait((signal) => {
        inner = signal;
        return new Promise(() => {});
      });
    });
    yield* sleep(1);
    waiter.cancel("gone");
    assert(inner!.aborted && inner!.reason instanceof Cancelled);
    yield* waiter.join();
    assertThrows(() => wait(5 as unknown as Promise<number>), TypeError, "5");
  });
});

law(
  "Locals: a child starts with its spawner's values, and what either sets is its own",
  async () => {
    const color = createLocal("none");
    await virtually(async function* () {
      color.set("red");
      const child = spawn(async function* () {
        const inherited = color.get();
        color.set("blue");
        yield* sleep(1);
        return [inherited, color.get()];
      });
      color.set("green");
      assertEquals(yield* child.get(), ["red", "blue"]);
      assertEquals(color.get(), "green");
      yield* color.with("inner", async function* () {
        assertEquals(color.get(), "inner");
        assertEquals(
          yield* spawn(async function* () {
            return color.get();
          }),
          "inner",
        );
      });
      assertEquals(color.get(), "green");
    });
  },
);

law(
  "A group waits for its children, lets cancelled ones pass, and refuses new ones after its end",
  async () => {
    await virtually(async function* () {
      const log: string[] = [];
      let late: (() => unknown) | undefined;
      const value = yield* group(async function* (g) {
        g.spawn(async function* () {
          yield* sleep(5);
          log.push("child");
        });
        const victim = g.spawn(nap, 100, 0);
        yield* sleep(1);
        victim.cancel();
        late = () => g.spawn(nap, 1, 0);
        assertEquals(g.tasks.length, 2);
        return "value";
      });
      assertEquals([value, ...log], ["value", "child"]);
      assertThrows(late!, RunFinishedError);
    });
  },
);

law("A failing sibling's error reaches the cancelled ones as the cause", async () => {
  const boom = new Error("boom");
  let cancel: Cancelled | undefined;
  await virtually(async function* () {
    yield* caught(group(async function* (g) {
      g.spawn(async function* () {
        try {
          yield* sleep(100);
        } catch (error) {
          cancel = error as Cancelled;
          throw error;
        }
      });
      g.spawn(async function* () {
        yield* sleep(1);
        throw boom;
      });
    }));
    assertEquals([cancel!.source, cancel!.cause], ["group", boom]);
    assertEquals(currentTask().name, "main");
  });
});

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import {
  all,
  Cancelled,
  createLocal,
  currentTask,
  DeadlockError,
  group,
  GroupError,
  joinAll,
  Lock,
  Queue,
  run,
  shield,
  sleep,
  spawn,
  spawnLater,
  type Task,
  wait,
} from "@weft/weft";
import { VirtualClock } from "@weft/weft/testing";
import { law } from "../lib/law.ts";

const boom = new Error("boom");

law("run() rejects with the very error of a spawned task that nobody joined", async () => {
  const error = await run(function* () {
    spawn(function* () {
      throw boom;
    });
  }).catch((error) => error);
  assertStrictEquals(error, boom);
});

law("run() gathers two errors that nobody observed in one AggregateError", async () => {
  const other = new Error("other");
  const error = await run(async function* () {
    spawn(function* () {
      throw boom;
    });
    spawn(async function* () {
      yield* sleep(1);
      throw other;
    });
  }).catch((error) => error);
  assertInstanceOf(error, AggregateError);
  assertEquals(error.errors, [boom, other]);
});

law("run() reports nothing that join(), get(), await, link() or .error observed", async () => {
  const fail = function* () {
    throw boom;
  };
  const seen = await run(async function* () {
    const seen: unknown[] = [];
    const tasks = Array.from({ length: 5 }, () => spawn(fail));
    tasks[0]!.link(() => {});
    for (const wait of [() => tasks[1]!.join(), () => tasks[2]!.get(), () => tasks[3]!]) {
      try {
        await wait();
      } catch (error) {
        seen.push(error);
      }
    }
    seen.push(tasks[4]!.error);
    return seen;
  });
  assertEquals(seen, [boom, boom, boom, boom]);
});

law("run() cancels the other tasks when main throws, and rejects with main's error", async () => {
  const log: string[] = [];
  const error = await run(function* () {
    spawn(async function* () {
      try {
        yield* sleep(1e6);
      } catch (error) {
        log.push(error instanceof Cancelled ? error.source : "?");
        throw error;
      }
    });
    yield;
    throw boom;
  }).catch((error) => error);
  assertStrictEquals(error, boom);
  assertEquals(log, ["shutdown"]);
});

law("run() rejects when main throws in its first step, and starts nothing else", async () => {
  let started = false;
  await assertRejects(
    () =>
      run(function* () {
        spawn(function* () {
          started = true;
        });
        throw boom;
      }),
    Error,
    "boom",
  );
  assertEquals(started, false);
});

law("run() waits for ordinary tasks, then cancels daemons", async () => {
  const log: string[] = [];
  await run(function* () {
    const daemon = spawn(function* () {
      try {
        yield* sleep(Infinity);
      } finally {
        log.push("daemon stopped");
      }
    });
    daemon.daemon = true;
    spawn(function* () {
      yield* sleep(5);
      log.push("worker done");
    });
    log.push("main done");
  }, { clock: new VirtualClock() });
  assertEquals(log, ["main done", "worker done", "daemon stopped"]);
});

law("Two runs at once keep their tasks, locals and errors apart", async () => {
  const name = createLocal("none");
  const one = (label: string, fails: boolean) =>
    run(async function* () {
      name.set(label);
      currentTask().name = label;
      for (let i = 0; i < 20; i++) {
        yield;
        await Promise.resolve();
        yield* sleep(i % 2);
        assertEquals(name.get(), label);
        assertEquals(currentTask().name, label);
        await new Promise((resolve) => queueMicrotask(() => resolve(null)));
        assertEquals(currentTask().name, label);
      }
      if (fails) throw new Error(label);
      return label;
    });
  const [a, b] = await Promise.allSettled([one("a", false), one("b", true)]);
  assertEquals(a, { status: "fulfilled", value: "a" });
  assert(b.status === "rejected" && b.reason.message === "b");
});

law("currentTask() is exact in both lanes, also after foreign awaits of any length", async () => {
  await run(function* () {
    const tasks: Task[] = [];
    for (let i = 0; i < 8; i++) {
      tasks.push(spawn(async function* () {
        const self = currentTask();
        const foreign = async () => {
          await null;
          await new Promise((resolve) => setTimeout(resolve, i % 3));
          assertStrictEquals(currentTask(), self);
        };
        for (let k = 0; k < 5; k++) {
          await foreign();
          assertStrictEquals(currentTask(), self);
          yield;
          assertStrictEquals(currentTask(), self);
          await sleep(0);
          assertStrictEquals(currentTask(), self);
          await Promise.all([sleep(0), foreign(), sleep(1)]);
          assertStrictEquals(currentTask(), self);
        }
      }));
      tasks.push(spawn(function* () {
        const self = currentTask();
        for (let k = 0; k < 5; k++) {
          yield Promise.resolve();
          assertStrictEquals(currentTask(), self);
          yield* wait(async () => {
            await null;
            assertStrictEquals(currentTask(), self);
          });
          yield;
          assertStrictEquals(currentTask(), self);
        }
      }));
    }
    yield* joinAll(tasks);
  });
});

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

law("Five dining philosophers are reported as one cycle of five", async () => {
  const error = await run(function* () {
    const forks = Array.from({ length: 5 }, (_, i) => new Lock(`Fork${i}`));
    for (let i = 0; i < 5; i++) {
      const task = spawn(function* () {
        using _left = yield* forks[i]!.acquire();
        yield;
        using _right = yield* forks[(i + 1) % 5]!.acquire();
      });
      task.name = `P${i}`;
    }
  }).catch((error) => error);
  assertInstanceOf(error, DeadlockError);
  assertEquals(error.cycles.length, 1);
  assertEquals([...error.cycles[0]!].sort(), ["P0", "P1", "P2", "P3", "P4"]);
});

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

law("The same seed gives the same run, and different seeds give different ones", async () => {
  const trace = async (seed?: number) => {
    const log: number[] = [];
    await run(function* () {
      for (let i = 0; i < 8; i++) {
        spawn(async function* () {
          for (let k = 0; k < 3; k++) {
            log.push(i);
            yield;
            yield* sleep(1);
          }
        });
      }
    }, { clock: new VirtualClock(), ...(seed === undefined ? {} : { seed }) });
    return log.join(" ");
  };
  const traces = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const first = await trace(seed);
    assertEquals(await trace(seed), first);
    traces.add(first);
  }
  assert(traces.size > 15, `only ${traces.size} different runs`);
  assertEquals(await trace(), await trace());
});

law(
  "spawnLater() keeps a task new until its time, and a cancel before that never runs it",
  async () => {
    const log: string[] = [];
    await run(function* () {
      const late = spawnLater(10, function* () {
        log.push("late");
      });
      const never = spawnLater(20, function* () {
        log.push("never");
      });
      yield* sleep(5);
      assertEquals([late.state, never.state], ["new", "new"]);
      never.cancel();
      yield* never.join();
      assertEquals(log, []);
      yield* late.join();
      assertEquals(never.cancelled, true);
    }, { clock: new VirtualClock() });
    assertEquals(log, ["late"]);
  },
);

law("An aborted signal cancels the run, with its reason", async () => {
  const controller = new AbortController();
  const running = run(function* () {
    controller.abort("stop it");
    yield* sleep(1e6);
  }, { signal: controller.signal });
  const error = await running.catch((error) => error);
  assertInstanceOf(error, Cancelled);
  assertEquals(error.reason, "stop it");
});

law("A group raises one GroupError with every error, its body's included", async () => {
  const error = await run(async function* () {
    yield* group(async function* (g) {
      g.spawn(async function* () {
        try {
          yield* sleep(1e6);
        } catch {
          throw new Error("while cleaning");
        }
      });
      yield* sleep(1);
      throw boom;
    }, { name: "g" });
  }, { clock: new VirtualClock() }).catch((error) => error);
  assertInstanceOf(error, GroupError);
  assertEquals(error.errors.map((e: Error) => e.message), ["boom", "while cleaning"]);
});

law("all() throws the failing work's own error after the others have cleaned up", async () => {
  const log: string[] = [];
  const error = await run(function* () {
    yield* all([
      function* () {
        try {
          yield* sleep(1e6);
        } finally {
          log.push("cleaned");
        }
      },
      function* () {
        yield* sleep(1);
        throw boom;
      },
    ]);
  }, { clock: new VirtualClock() }).catch((error) => error);
  assertStrictEquals(error, boom);
  assertEquals(log, ["cleaned"]);
});

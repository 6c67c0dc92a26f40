import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  Cancelled,
  createLocal,
  currentTask,
  joinAll,
  run,
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
